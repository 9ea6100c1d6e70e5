import { createServer } from 'node:net'
import { type RunningServer, startServer } from './launch.ts'

/** What breaks a connection, and its attributes: https://github.com/Shopify/toxiproxy#toxics */
export type Toxic =
  /** Milliseconds of delay. */
  | { readonly type: 'latency'; readonly attributes: { latency: number; jitter?: number } }
  /** Kilobytes a second. */
  | { readonly type: 'bandwidth'; readonly attributes: { rate: number } }
  /** Pieces of about so many bytes, so many microseconds apart. */
  | {
      readonly type: 'slicer'
      readonly attributes: { average_size: number; size_variation: number; delay: number }
    }
  /** Nothing passes; the connection is closed after so many milliseconds, with 0 never. */
  | { readonly type: 'timeout'; readonly attributes: { timeout: number } }
  /** A TCP reset after so many milliseconds. */
  | { readonly type: 'reset_peer'; readonly attributes: { timeout: number } }
  /** The connection is closed after so many bytes. */
  | { readonly type: 'limit_data'; readonly attributes: { bytes: number } }

export interface ToxicOptions {
  /** `downstream`: what the server answers (default). `upstream`: what the client asks. */
  readonly stream?: 'downstream' | 'upstream'
}

/** One proxied server. */
export interface ToxicProxy {
  /** Where a client reaches the server through the proxy. */
  readonly url: string
  /** Toxics act on connections that are open as well as on new ones. */
  add(toxic: Toxic, options?: ToxicOptions): Promise<void>
  /** No toxic is left, and the proxy is open. What is connected through a toxic is cut. */
  heal(): Promise<void>
  /** Removes every toxic and cuts nothing: what is connected goes on. Every client must be reading. */
  lift(): Promise<void>
  /** Refuses connections, and cuts those that are open. */
  refuse(): Promise<void>
}

export interface Toxiproxy extends AsyncDisposable {
  readonly server: RunningServer
  /** Puts a proxy on a free loopback port in front of the server at `upstream`, an URL. */
  proxy(upstream: string): Promise<ToxicProxy>
}

/** Starts toxiproxy and speaks its HTTP API. */
export async function startToxiproxy(): Promise<Toxiproxy> {
  const server = await startServer('toxiproxy')
  const api = async (method: string, path: string, body?: unknown): Promise<void> => {
    const response = await fetch(`${server.settings.url}${path}`, {
      method,
      // It refuses browsers, by their name.
      headers: { 'User-Agent': 'bucketline-tests', 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = await response.text()
    if (!response.ok) throw new Error(`toxiproxy ${method} ${path}: ${response.status} ${answer}`)
  }
  let proxies = 0
  return {
    server,
    async proxy(upstream) {
      const { protocol, host } = new URL(upstream)
      proxies += 1
      const name = `proxy-${proxies}`
      const listen = `127.0.0.1:${await freePort()}`
      const start = () => api('POST', '/proxies', { name, listen, upstream: host, enabled: true })
      await start()
      const toxics: string[] = []
      let refusing = false
      return {
        url: `${protocol}//${listen}`,
        async add(toxic, { stream = 'downstream' } = {}) {
          const toxic_name = `${toxic.type}-${toxics.length}`
          await api('POST', `/proxies/${name}/toxics`, { ...toxic, name: toxic_name, stream })
          toxics.push(toxic_name)
        },
        async heal() {
          if (toxics.length === 0 && !refusing) return
          // It removes a toxic by writing what the toxic held to the client, and waits for ever for one that has
          // gone away in the meantime; so the proxy goes with its toxics, and a new one takes its port.
          await api('DELETE', `/proxies/${name}`)
          await start()
          toxics.length = 0
          refusing = false
        },
        async lift() {
          while (toxics.length > 0) await api('DELETE', `/proxies/${name}/toxics/${toxics.pop()}`)
        },
        async refuse() {
          await api('POST', `/proxies/${name}`, { enabled: false })
          refusing = true
        },
      }
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
