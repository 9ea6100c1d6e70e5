import { once } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import { gcsErrno, gcsErrorStatus } from './gcs-errors.ts'
import { backoffMs } from './retries.ts'

export interface GcsRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

/** Requests that carry objects' bytes. */
export interface GcsHttp {
  /** One request, tried once; the answer whatever its status. Errors as Node's, or `ETIMEDOUT` after silence. */
  send(request: GcsRequest): Promise<IncomingMessage>
  close(): void
}

/**
 * Bytes go by this and not through the vendor's client: its download streams leave a connection waiting when
 * they are given up (seconds for every read after), its resumable uploads raise errors nobody can catch once
 * they are aborted, and neither takes a signal or a deadline. Everything else is the client's.
 */
export function openGcsHttp(idle_ms: number): GcsHttp {
  const settings = { keepAlive: true, maxSockets: 64, proxyEnv: process.env }
  const plain = new HttpAgent(settings)
  const secure = new HttpsAgent(settings)
  return {
    async send({ method, url, headers = {}, body, signal }) {
      const options = { method, headers, ...(signal === undefined ? {} : { signal }) }
      const request = url.startsWith('https:')
        ? httpsRequest(url, { ...options, agent: secure })
        : httpRequest(url, { ...options, agent: plain })
      const silent = () => request.destroy(timedOut(idle_ms))
      request.setTimeout(idle_ms, silent)
      // Node begins to count when the connection is there: making one takes a deadline of its own.
      request.once('socket', (socket) => {
        if (!socket.connecting) return
        const connecting = setTimeout(silent, idle_ms)
        socket.once('connect', () => clearTimeout(connecting))
        socket.once('close', () => clearTimeout(connecting))
      })
      request.end(body)
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      // From here on the reader watches for silence, and only while it waits.
      request.setTimeout(0)
      request.on('error', () => {})
      return response
    },
    close() {
      plain.destroy()
      secure.destroy()
    },
  }
}

/** The answer's text; short, as answers without an object's bytes are. */
export async function textOf(response: IncomingMessage): Promise<string> {
  return (await response.setEncoding('utf8').toArray()).join('')
}

/** An answer that is an error, as the vendor's client would throw it. */
export async function refusal(response: IncomingMessage): Promise<Error> {
  const text = (await textOf(response)).slice(0, 2_000)
  return Object.assign(new Error(text), { code: response.statusCode ?? 0 })
}

/** Tries again what can pass by itself: network faults, 408, 429 and 5xx. */
export async function withRetries<T>(
  attempts: number,
  signal: AbortSignal | undefined,
  work: (attempt: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt)
    } catch (error) {
      signal?.throwIfAborted()
      if (attempt >= attempts || !isPassing(error)) throw error
      const wait = backoffMs(attempt, { throttled: gcsErrorStatus(error) === 429 })
      await pause(wait, signal)
    }
  }
}

/** Ends with the signal's own reason. */
async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  }
}

function isPassing(error: unknown): boolean {
  const status = gcsErrorStatus(error)
  if (status !== undefined) return status === 408 || status === 429 || status >= 500
  const errno = gcsErrno(error)
  // A certificate that is not trusted is not trusted the next time either.
  return errno !== undefined && !/^E(PROTO|RR_TLS)/.test(errno)
}

/** The error of a wait that took too long, as a network fault looks. */
export function timedOut(ms: number): Error {
  return Object.assign(new Error(`no answer for ${ms} ms`), { code: 'ETIMEDOUT' })
}
