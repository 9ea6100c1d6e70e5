import type { IncomingMessage } from 'node:http'
import { ExchangeError } from '../core/errors.ts'
import { streamOf } from './body.ts'
import type { GcsBucket } from './gcs.ts'
import { gcsErrorStatus } from './gcs-errors.ts'
import { refusal, withRetries } from './gcs-http.ts'
import { resumingStream } from './resuming.ts'
import type { ReadOptions } from './store.ts'

interface Span {
  readonly start: number
  /** Inclusive. */
  readonly end: number | undefined
  readonly generation: string | undefined
}

/** Reads an object; see the port. A version is a generation, and the one first answered is kept to. */
export async function readGcs(
  bucket: GcsBucket,
  key: string,
  io: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const { signal, if_match, range } = io
  const start = range?.start ?? 0
  const place = `gs://${bucket.handle.name}/${key}`
  const call = { permission: 'storage.objects.get', key, precondition: 'object_changed' as const }
  const changed = () =>
    new ExchangeError('object_changed', `The object ${place} was replaced.`, { details: { key } })
  const get = (span: Span) =>
    withRetries(bucket.deadlines.attempts, signal, () => download(bucket, key, { ...span, signal }))

  let first: IncomingMessage
  try {
    first = await get({ start, end: range?.end, generation: if_match })
  } catch (error) {
    signal?.throwIfAborted()
    const status = gcsErrorStatus(error)
    // An old generation is 404 like an absent object, and a version of another store 400.
    const doubtful =
      status === 416 || (if_match !== undefined && (status === 404 || status === 400))
    if (!doubtful) throw bucket.coded(error, call)
    const [metadata] = await bucket.metadata(key, io)
    if (metadata === undefined) {
      throw bucket.coded(Object.assign(new Error(''), { code: 404 }), call)
    }
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
    idle_ms: bucket.deadlines.idle_ms,
    signal,
    reopen:
      generation === undefined
        ? undefined
        : async (from, to) => {
            try {
              return await get({ start: from, end: to, generation })
            } catch (error) {
              signal?.throwIfAborted()
              throw gcsErrorStatus(error) === 404 ? changed() : bucket.coded(error, call)
            }
          },
  })
}

async function download(
  bucket: GcsBucket,
  key: string,
  { start, end, generation, signal }: Span & { readonly signal: AbortSignal | undefined },
): Promise<IncomingMessage> {
  const url = new URL(bucket.objectUrl(key))
  url.searchParams.set('alt', 'media')
  if (generation !== undefined) url.searchParams.set('generation', generation)
  const response = await bucket.http.send({
    method: 'GET',
    url: url.href,
    headers: {
      ...(await bucket.authorize(url.href)),
      // The bytes as they are stored: unpacking is the format's business, and ranges count stored bytes.
      'Accept-Encoding': 'gzip',
      ...(start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end ?? ''}` }),
    },
    signal,
  })
  if (response.statusCode === 200 || response.statusCode === 206) return response
  throw await refusal(response)
}
