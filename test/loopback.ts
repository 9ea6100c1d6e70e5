import { once } from 'node:events'
import { createServer as createHttp, type IncomingMessage } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What a loopback server answers to one request. */
export interface LoopbackAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Loopback extends AsyncDisposable {
  readonly port: number
  readonly url: string
}

/** An HTTP server on a free port that answers as `answer` says. */
export async function httpLoopback(
  answer: (request: IncomingMessage, url: URL) => LoopbackAnswer | undefined,
): Promise<Loopback> {
  const server = createHttp((request, response) => {
    request.resume()
    const found = answer(request, new URL(request.url ?? '/', 'http://loopback')) ?? { status: 404 }
    response.writeHead(found.status, found.headers ?? {})
    response.end(request.method === 'HEAD' ? undefined : (found.body ?? ''))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export interface SilentLoopback extends Loopback {
  /** Resolves once so many connections were made. */
  connections(count: number): Promise<void>
}

/** A server that takes connections and never says a word. */
export async function silentLoopback(): Promise<SilentLoopback> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    // A client that gives up may reset it.
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async connections(count) {
      while (sockets.size < count) await once(server, 'connection')
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await silentLoopback()
  await server[Symbol.asyncDispose]()
  return server.port
}
