import { randomUUID } from 'node:crypto'
import { ExchangeError } from '../core/errors.ts'
import { chain, partsOf } from './body.ts'
import type { GcsBucket } from './gcs.ts'
import { gcsErrorStatus } from './gcs-errors.ts'
import { uploadChunks } from './gcs-upload.ts'
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
  const { signal, if_absent, content_type } = io
  const chunk_bytes = Math.ceil((io.part_bytes ?? DEFAULT_CHUNK_BYTES) / CHUNK_UNIT) * CHUNK_UNIT
  const parts = partsOf(body, chunk_bytes, signal === undefined ? {} : { signal })
  const first = await parts.next()
  if (first.done === true) throw new Error('a body has at least one part')
  const second = await parts.next()
  const write_id = randomUUID()
  const file = bucket.handle.file(key)
  const upload = {
    metadata: {
      metadata: { ...io.metadata, [WRITE_ID]: write_id },
      ...(content_type === undefined ? {} : { contentType: content_type }),
    },
    ...(if_absent === true ? { preconditionOpts: { ifGenerationMatch: 0 } } : {}),
  }
  try {
    if (second.done === true) {
      const bytes = Buffer.from(first.value)
      const save = () => file.save(bytes, { ...upload, resumable: false })
      await bucket.bounded(save, { ...io, attempt_ms: bucket.deadlines.call_ms })
      return bucket.infoOf(key, file.metadata)
    }
    // Not abortable: a session whose URI never arrives could not be cancelled.
    const [session] = await bucket.bounded(() => file.createResumableUpload(upload), {})
    const chunks = chain([first.value, second.value], parts)
    return bucket.infoOf(key, await uploadChunks(bucket, { key, session, chunks, signal }))
  } catch (error) {
    signal?.throwIfAborted()
    const coded = bucket.coded(error, {
      permission: 'storage.objects.create',
      key,
      ...(if_absent === true ? { precondition: 'object_exists' as const } : {}),
    })
    const status = gcsErrorStatus(error)
    // A lost answer: a second try met the object, or the end of the session, that the first one had made.
    const refused = status === 412 || status === 404 || status === 410
    // All answers lost: whoever is told that a conditional write failed would meet its own object.
    const unheard =
      if_absent === true && coded instanceof ExchangeError && coded.code === 'store_unavailable'
    if (refused || unheard) {
      const [found] = await bucket.metadata(key).catch((failure: unknown) => {
        if (unheard) return []
        throw failure
      })
      if (found?.metadata?.[WRITE_ID] === write_id) return bucket.infoOf(key, found)
    }
    throw coded
  } finally {
    await parts.return(undefined)
  }
}
