import { connect, createServer, type Socket } from 'node:net'

/** What happens to a connection; a fault with `times` counts down and then connections pass. */
export type Fault =
  /** The server's answer breaks off after this many bytes. */
  | { readonly type: 'cut_answer'; readonly after_bytes: number; times: number }
  /** The server's answer never arrives, though the connection stays. */
  | { readonly type: 'silence' }

export interface FaultyProxy {
  readonly url: string
  fault: Fault | undefined
  close(): Promise<void>
}

/** A TCP proxy on loopback in front of a server, which breaks connections when told to. */
export async function openFaultyProxy(upstream: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(upstream)
  const sockets = new Set<Socket>()
  const proxy: FaultyProxy = { url: '', fault: undefined, close }

  const server = createServer((client) => {
    const target = connect(Number(port), hostname)
    for (const socket of [client, target]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => {})
    }
    client.pipe(target)
    client.on('close', () => target.destroy())
    let answered = 0
    let silenced = false
    target.on('close', () => {
      if (!silenced) client.destroy()
    })
    target.on('data', (bytes) => {
      const { fault } = proxy
      if (fault?.type === 'silence') {
        silenced = true
        return
      }
      if (fault !== undefined && fault.times > 0) {
        answered += bytes.byteLength
        if (answered > fault.after_bytes) {
          fault.times -= 1
          client.end(bytes.subarray(0, bytes.byteLength - (answered - fault.after_bytes)), () => {
            client.destroy()
          })
          target.destroy()
          return
        }
      }
      client.write(bytes)
    })
  })

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return Object.assign(proxy, { url: `http://127.0.0.1:${address.port}` })
}
