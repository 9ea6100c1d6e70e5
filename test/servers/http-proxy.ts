import { createServer, type IncomingHttpHeaders, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface ProxiedRequest {
  readonly method: string
  /** Path and query, as sent. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface HttpProxy {
  readonly url: string
  /** Every request that came through, in order. */
  readonly requests: ProxiedRequest[]
  /** Done before a request is passed on. */
  before: ((request: ProxiedRequest) => Promise<void> | void) | undefined
  /** What the client gets in place of the server's answer; the same object leaves it as it is. */
  alter: ((answer: Answer, request: ProxiedRequest) => Answer) | undefined
  close(): Promise<void>
}

/** An HTTP proxy on loopback in front of one server, which keeps what went through and can change it. */
export async function openHttpProxy(upstream: string): Promise<HttpProxy> {
  const { hostname, port } = new URL(upstream)
  const proxy: HttpProxy = { url: '', requests: [], before: undefined, alter: undefined, close }

  const server = createServer(async (incoming, outgoing) => {
    try {
      const { method = 'GET', url: path = '/', headers } = incoming
      const request = { method, path, headers, body: await buffer(incoming) }
      proxy.requests.push(request)
      await proxy.before?.(request)
      const answered = await forward(request)
      const { status, headers: given, body } = proxy.alter?.(answered, request) ?? answered
      const { 'transfer-encoding': _, ...kept } = given
      // The answer to HEAD has a length and no body.
      const length = method === 'HEAD' ? {} : { 'content-length': body.byteLength }
      outgoing.writeHead(status, { ...kept, ...length }).end(body)
    } catch (error) {
      outgoing.destroy(error instanceof Error ? error : undefined)
    }
  })

  /** The host stays the one that the client signed. */
  function forward({ method, path, headers, body }: ProxiedRequest): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const forwarded = send({ hostname, port, method, path, headers, agent: false }, (answer) => {
        const { statusCode: status = 502, headers: given } = answer
        buffer(answer).then((bytes) => resolve({ status, headers: given, body: bytes }), reject)
      })
      forwarded.on('error', reject).end(body)
    })
  }

  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(proxy, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
}
