import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'

/** Headers that say who asks; empty where an emulator wants none. */
export type Authorize = (url: string) => Promise<Record<string, string>>

export interface Download {
  readonly key: string
  readonly start: number
  /** Inclusive. */
  readonly end?: number | undefined
  readonly generation?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Downloader {
  /** The answer to a request for an object's bytes; an answer that is an error is thrown with `code` its status. */
  get(download: Download): Promise<IncomingMessage>
  close(): void
}

export interface DownloaderOptions {
  /** URL of the service without a path. */
  readonly endpoint: string
  readonly bucket: string
  readonly user_project?: string | undefined
  readonly authorize: Authorize
  readonly idle_ms: number
  readonly attempts: number
}

/**
 * Requests for objects' bytes, with the vendor client's credentials but not through it: a stream of its own
 * that is given up leaves its connection waiting (seconds for every read after it), and it takes no signal.
 */
export function openDownloader(options: DownloaderOptions): Downloader {
  const { endpoint, bucket, user_project, authorize, idle_ms, attempts } = options
  const secure = endpoint.startsWith('https:')
  const settings = { keepAlive: true, maxSockets: 64, proxyEnv: process.env }
  const agent = secure ? new HttpsAgent(settings) : new HttpAgent(settings)
  const send = secure ? httpsRequest : httpRequest

  async function tryGet(download: Download): Promise<IncomingMessage> {
    const { key, start, end, generation, signal } = download
    const url = new URL(
      `${endpoint}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(key)}`,
    )
    url.searchParams.set('alt', 'media')
    if (generation !== undefined) url.searchParams.set('generation', generation)
    if (user_project !== undefined) url.searchParams.set('userProject', user_project)
    const headers = {
      ...(await authorize(url.href)),
      // The bytes as they are stored: unpacking is the format's business, and ranges count stored bytes.
      'Accept-Encoding': 'gzip',
      ...(start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end ?? ''}` }),
    }
    const request = send(url, { agent, headers, ...(signal === undefined ? {} : { signal }) })
    request.setTimeout(idle_ms, () => {
      request.destroy(
        Object.assign(new Error(`no answer for ${idle_ms} ms`), { code: 'ETIMEDOUT' }),
      )
    })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    // From here on the reader watches for silence, and only while it waits.
    request.setTimeout(0)
    request.on('error', () => {})
    const status = response.statusCode ?? 0
    if (status === 200 || status === 206) return response
    const text = (await response.setEncoding('utf8').toArray()).join('').slice(0, 2_000)
    throw Object.assign(new Error(text), { code: status })
  }

  return {
    async get(download) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await tryGet(download)
        } catch (error) {
          const { signal } = download
          signal?.throwIfAborted()
          if (attempt >= attempts || !isPassing(error)) throw error
          await delay(200 * 2 ** attempt, undefined, signal === undefined ? {} : { signal })
        }
      }
    },
    close: () => agent.destroy(),
  }
}

function isPassing(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (typeof code === 'number') return code === 408 || code === 429 || code >= 500
  return typeof code === 'string' && /^E(CONN|PIPE|TIMEDOUT|AI_AGAIN)/.test(code)
}
