import type { FileMetadata } from '@google-cloud/storage'
import { ExchangeError } from '../core/errors.ts'
import type { GcsBucket } from './gcs.ts'
import { refusal, textOf, withRetries } from './gcs-http.ts'

export interface ChunkedUpload {
  readonly key: string
  /** URI of the session; its own authority, so no credentials go along. */
  readonly session: string
  /** In order, each but the last of the chunk size. */
  readonly chunks: AsyncGenerator<Uint8Array>
  readonly signal?: AbortSignal | undefined
}

/** What the service has: the bytes kept so far, or the finished object. */
type Progress = { readonly kept: number } | { readonly metadata: FileMetadata }

/**
 * Sends a resumable upload chunk by chunk, one chunk in memory and one ahead; on any end but success the session
 * is cancelled. https://cloud.google.com/storage/docs/performing-resumable-uploads
 */
export async function uploadChunks(
  bucket: GcsBucket,
  upload: ChunkedUpload,
): Promise<FileMetadata> {
  const { chunks } = upload
  let offset = 0
  try {
    let next = await chunks.next()
    while (next.done !== true) {
      const chunk = next.value
      next = await chunks.next()
      const total = next.done === true ? offset + chunk.byteLength : undefined
      const progress = await sendChunk(bucket, upload, { chunk, offset, total })
      offset += chunk.byteLength
      if ('metadata' in progress) {
        if (total !== undefined && Number(progress.metadata.size) === total)
          return progress.metadata
        throw broken(bucket, upload.key, `ended with ${progress.metadata.size} bytes`)
      }
    }
    throw broken(bucket, upload.key, 'did not end')
  } catch (error) {
    await chunks.return(undefined)
    await cancel(bucket, upload)
    throw error
  }
}

interface Chunk {
  readonly chunk: Uint8Array
  readonly offset: number
  /** Known with the last chunk only. */
  readonly total: number | undefined
}

async function sendChunk(
  bucket: GcsBucket,
  upload: ChunkedUpload,
  { chunk, offset, total }: Chunk,
): Promise<Progress> {
  const end = offset + chunk.byteLength
  let from = offset
  return withRetries(bucket.deadlines.attempts, upload.signal, async (attempt) => {
    if (attempt > 1) {
      const known = await put(bucket, upload, {
        range: `*/${total ?? '*'}`,
        body: new Uint8Array(0),
      })
      if ('metadata' in known || (total === undefined && known.kept === end)) return known
      from = known.kept
    }
    while (true) {
      if (from < offset || from > end) {
        throw broken(bucket, upload.key, `stands at byte ${from}, before byte ${offset} being sent`)
      }
      const range = `${from}-${end - 1}/${total ?? '*'}`
      const progress = await put(bucket, upload, { range, body: chunk.subarray(from - offset) })
      if ('metadata' in progress || progress.kept === end) return progress
      // The service may keep less than it was sent.
      from = progress.kept
    }
  })
}

async function put(
  bucket: GcsBucket,
  { session, signal }: ChunkedUpload,
  { range, body }: { range: string; body: Uint8Array },
): Promise<Progress> {
  const response = await bucket.http.send({
    method: 'PUT',
    url: session,
    headers: { 'Content-Range': `bytes ${range}`, 'Content-Length': String(body.byteLength) },
    body,
    signal,
  })
  if (response.statusCode === 308) {
    response.resume()
    const last = /-(\d+)$/.exec(response.headers.range ?? '')?.[1]
    return { kept: last === undefined ? 0 : Number(last) + 1 }
  }
  if (response.statusCode === 200 || response.statusCode === 201) {
    return { metadata: JSON.parse(await textOf(response)) as FileMetadata }
  }
  throw await refusal(response)
}

/** An unfinished session would hold its bytes for a week. */
async function cancel(bucket: GcsBucket, { key, session }: ChunkedUpload): Promise<void> {
  let fault: string
  try {
    const response = await bucket.http.send({ method: 'DELETE', url: session })
    response.resume()
    const status = response.statusCode ?? 0
    // 499 says cancelled; 404 and 410 that it is gone.
    if (status < 300 || status === 499 || status === 404 || status === 410) return
    fault = `HTTP ${status}`
  } catch (error) {
    fault = String(error)
  }
  process.emitWarning(
    `An unfinished upload under gs://${bucket.handle.name}/${key} could not be cancelled (${fault}); the service drops it after a week.`,
    { code: 'upload_left' },
  )
}

function broken(bucket: GcsBucket, key: string, fault: string): ExchangeError {
  const message = `The upload of gs://${bucket.handle.name}/${key} ${fault}.`
  return new ExchangeError('store_unavailable', message, { details: { key } })
}
