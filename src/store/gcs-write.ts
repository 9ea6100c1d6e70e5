import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { File, FileMetadata } from '@google-cloud/storage'
import { partsOf } from './body.ts'
import type { GcsBucket } from './gcs.ts'
import { gcsErrorStatus } from './gcs-errors.ts'
import type { Body, ObjectInfo, WriteOptions } from './store.ts'

/** Chunks of a resumable upload are multiples of this: https://cloud.google.com/storage/docs/performing-resumable-uploads */
export const CHUNK_UNIT = 256 * 1024
const DEFAULT_CHUNK_BYTES = 8 * 1024 * 1024

/** Carries an id of the write, so that a write whose answer was lost is known again as one's own. */
export const WRITE_ID = 'bucketline-write'

/** Writes one object: a simple upload where it fits into one chunk, else a resumable one. */
export async function writeGcs(
  bucket: GcsBucket,
  key: string,
  body: Body,
  io: WriteOptions,
): Promise<ObjectInfo> {
  const chunk_bytes = Math.ceil((io.part_bytes ?? DEFAULT_CHUNK_BYTES) / CHUNK_UNIT) * CHUNK_UNIT
  const parts = partsOf(body, chunk_bytes, io.signal)
  const first = await parts.next()
  if (first.done === true) throw new Error('a body has at least one part')
  const second = await parts.next()
  const write_id = randomUUID()
  const file = bucket.handle.file(key)
  const upload = {
    metadata: { metadata: { ...io.metadata, [WRITE_ID]: write_id } },
    ...(io.content_type === undefined ? {} : { contentType: io.content_type }),
    ...(io.if_absent === true ? { preconditionOpts: { ifGenerationMatch: 0 } } : {}),
  }
  try {
    if (second.done === true) {
      await bucket.orAborted(
        file.save(Buffer.from(first.value), { ...upload, resumable: false }),
        io,
      )
    } else {
      const chunks = chain([first.value, second.value], parts)
      await uploadChunks(bucket, file, { chunks, chunk_bytes, upload, io })
    }
    return bucket.infoOf(key, file.metadata)
  } catch (error) {
    io.signal?.throwIfAborted()
    // A lost answer: the client's second try met the object that its first one had made.
    if (gcsErrorStatus(error) === 412) {
      const [found] = await bucket.metadata(key)
      if (found?.metadata?.[WRITE_ID] === write_id) return bucket.infoOf(key, found)
    }
    throw bucket.coded(error, {
      permission: 'storage.objects.create',
      key,
      ...(io.if_absent === true ? { precondition: 'object_exists' as const } : {}),
    })
  }
}

interface Chunks {
  readonly chunks: AsyncGenerator<Uint8Array>
  readonly chunk_bytes: number
  readonly upload: { metadata: FileMetadata; contentType?: string }
  readonly io: WriteOptions
}

async function uploadChunks(
  bucket: GcsBucket,
  file: File,
  { chunks, chunk_bytes, upload, io }: Chunks,
): Promise<void> {
  let session: string | undefined
  const target = file.createWriteStream({ ...upload, resumable: true, chunkSize: chunk_bytes })
  target.on('uri', (uri: string) => {
    session = uri
  })
  try {
    const source = Readable.from(chunks, { objectMode: false, highWaterMark: chunk_bytes })
    await pipeline(source, target, io.signal === undefined ? {} : { signal: io.signal })
  } catch (error) {
    if (session !== undefined) await cancelSession(bucket, file.name, session)
    throw error
  }
}

/** An unfinished session holds its bytes for a week. Its URI is its own authority, so no credentials go along. */
async function cancelSession(bucket: GcsBucket, key: string, session: string): Promise<void> {
  let fault: string
  try {
    const signal = AbortSignal.timeout(bucket.idle_ms)
    const { status } = await fetch(session, { method: 'DELETE', signal })
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

async function* chain(
  leading: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* leading
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}
