import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { ExchangeError } from '../core/errors.ts'
import { streamOf } from './body.ts'
import { backoffMs } from './retries.ts'

/** Times in a row that a body may break off without one byte more before the read fails. */
const RESUMES = 4

export interface ResumingRead {
  readonly key: string
  /** The object as people name it, for messages. */
  readonly place: string
  readonly body: Readable
  /** First byte of `body`, and the byte after its last; infinite where the answer did not say. */
  readonly start: number
  readonly end: number
  /** Longest wait for the next bytes, in milliseconds. */
  readonly idle_ms: number
  readonly signal?: AbortSignal | undefined
  /** Asks again for bytes `start` to `end` (inclusive) of the same version; undefined where that is unknown. */
  readonly reopen: ((start: number, end: number) => Promise<Readable>) | undefined
}

/**
 * A body as a stream that ends whole or errors: when the connection breaks off or falls silent, the rest is
 * asked for from the byte reached. Throws `store_unavailable` when that gains nothing several times in a row.
 */
export function resumingStream(read: ResumingRead): ReadableStream<Uint8Array> {
  const { signal, end } = read
  let body = read.body
  let at = read.start

  async function* bytes(): AsyncGenerator<Uint8Array> {
    let failures = 0
    while (true) {
      let cause: unknown
      try {
        for await (const chunk of watched(body, read.idle_ms)) {
          at += chunk.byteLength
          failures = 0
          yield chunk
        }
        if (at >= end || end === Number.POSITIVE_INFINITY) return
        cause = new Error(`the answer ended at byte ${at} of ${end}`)
      } catch (error) {
        signal?.throwIfAborted()
        cause = error
      }
      failures += 1
      if (failures > RESUMES || read.reopen === undefined || end === Number.POSITIVE_INFINITY) {
        const message = `Reading ${read.place} broke off at byte ${at} of ${end}.`
        throw new ExchangeError('store_unavailable', message, { cause, details: { key: read.key } })
      }
      await delay(backoffMs(failures), undefined, signal === undefined ? {} : { signal })
      body = await read.reopen(at, end - 1)
    }
  }

  const abort = () => body.destroy(asError(signal?.reason))
  signal?.addEventListener('abort', abort, { once: true })
  return streamOf(bytes(), async () => {
    signal?.removeEventListener('abort', abort)
    body.destroy()
  })
}

async function* watched(body: Readable, idle_ms: number): AsyncGenerator<Uint8Array> {
  // A body that breaks off between two reads must not end the process; the next read sees the error.
  body.on('error', () => {})
  const silence = () => body.destroy(new Error(`no bytes for ${idle_ms} ms`))
  // The clock runs only while bytes are waited for: a reader may take its time.
  let timer = setTimeout(silence, idle_ms)
  try {
    for await (const chunk of body) {
      clearTimeout(timer)
      yield chunk
      timer = setTimeout(silence, idle_ms)
    }
  } finally {
    clearTimeout(timer)
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
