import type { IncomingMessage } from 'node:http'
import { ExchangeError } from '../core/errors.ts'
import { streamOf } from './body.ts'
import type { GcsBucket } from './gcs.ts'
import { gcsErrorStatus } from './gcs-errors.ts'
import { resumingStream } from './resuming.ts'
import type { ReadOptions } from './store.ts'

/** Reads an object; see the port. A version is a generation, and the one first answered is kept to. */
export async function readGcs(
  bucket: GcsBucket,
  key: string,
  io: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const { signal, if_match, range } = io
  const { downloader } = bucket
  const start = range?.start ?? 0
  const place = `gs://${bucket.handle.name}/${key}`
  const call = { permission: 'storage.objects.get', key, precondition: 'object_changed' as const }
  const changed = () =>
    new ExchangeError('object_changed', `The object ${place} was replaced.`, { details: { key } })

  let first: IncomingMessage
  try {
    first = await downloader.get({ key, start, end: range?.end, generation: if_match, signal })
  } catch (error) {
    signal?.throwIfAborted()
    const status = gcsErrorStatus(error)
    // An old generation is 404 like an absent object, and a version of another store 400.
    const doubtful =
      status === 416 || (if_match !== undefined && (status === 404 || status === 400))
    if (!doubtful) throw bucket.coded(error, call)
    const [metadata] = await bucket.metadata(key, io)
    if (metadata === undefined)
      throw bucket.coded(Object.assign(new Error(''), { code: 404 }), call)
    if (if_match !== undefined && String(metadata.generation) !== if_match) throw changed()
    if (status !== 416) throw bucket.coded(error, call)
    return streamOf((async function* () {})())
  }

  const generation = if_match ?? first.headers['x-goog-generation']?.toString()
  const length = first.headers['content-length']
  return resumingStream({
    key,
    place,
    body: first,
    start,
    end: start + (length === undefined ? Number.POSITIVE_INFINITY : Number(length)),
    idle_ms: bucket.idle_ms,
    signal,
    reopen:
      generation === undefined
        ? undefined
        : async (from, to) => {
            try {
              return await downloader.get({ key, start: from, end: to, generation, signal })
            } catch (error) {
              signal?.throwIfAborted()
              throw gcsErrorStatus(error) === 404 ? changed() : bucket.coded(error, call)
            }
          },
  })
}
