import { connect, createServer, type Socket } from 'node:net'

/** The server's answer breaks off after so many bytes. */
export interface Fault {
  readonly after_bytes: number
  /** Counts down; then connections pass. */
  times: number
  /** Only answers to a question with this text in it. */
  readonly asked?: string
}

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
    let asked = ''
    client.on('data', (bytes) => {
      asked = bytes.toString('latin1')
    })
    let answered = 0
    target.on('close', () => client.destroy())
    target.on('data', (bytes) => {
      const { fault } = proxy
      if (fault !== undefined && fault.times > 0 && asked.includes(fault.asked ?? '')) {
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
