import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { ExchangeError } from '../core/errors.ts'
import { chain, partsOf, SpareParts } from './body.ts'
import type { S3Bucket } from './s3.ts'
import { s3ErrorName, s3ErrorStatus } from './s3-errors.ts'
import { encodeMetadata, WRITE_ID } from './s3-metadata.ts'
import type { Body, ObjectInfo, WriteOptions } from './store.ts'

/** The service's own bounds: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MIN_PART_BYTES = 5 * 1024 * 1024
const MAX_PARTS = 10_000
const DEFAULT_PART_BYTES = 8 * 1024 * 1024
const PARTS_IN_FLIGHT = 4

interface Target {
  readonly bucket: S3Bucket
  readonly key: string
  /** Parameters that put and create-multipart share. */
  readonly params: Readonly<Record<string, unknown>>
  readonly if_absent: boolean
  readonly write_id: string
}

/**
 * Writes one object: a single put where it fits into one part, else a multipart upload that holds
 * `PARTS_IN_FLIGHT` parts in memory. The upload is written here rather than with the vendor's helper, which
 * reports an abort before the parts on the way have ended and can so leave some behind.
 */
export async function writeS3(
  bucket: S3Bucket,
  key: string,
  body: Body,
  io: WriteOptions,
): Promise<ObjectInfo> {
  const known_size = body instanceof Uint8Array ? body.byteLength : 0
  const part_bytes = Math.max(
    io.part_bytes ?? DEFAULT_PART_BYTES,
    MIN_PART_BYTES,
    Math.ceil(known_size / MAX_PARTS),
  )
  const target = targetOf(bucket, key, io)
  const stop = new AbortController()
  const signal = io.signal === undefined ? stop.signal : AbortSignal.any([io.signal, stop.signal])
  const spare = new SpareParts()
  const parts = partsOf(body, part_bytes, { signal, spare })
  const first = await parts.next()
  if (first.done === true) throw new Error('a body has at least one part')
  const second = await parts.next()
  if (second.done === true) return putWhole(target, first.value, signal)
  const leading = [first.value, second.value]
  return uploadParts(target, { leading, rest: parts, spare, stop, signal })
}

function targetOf(bucket: S3Bucket, key: string, io: WriteOptions): Target {
  const write_id = randomUUID()
  const { sse_kms_key_id } = bucket.settings
  return {
    bucket,
    key,
    if_absent: io.if_absent === true,
    write_id,
    params: {
      ...bucket.common,
      Key: key,
      Metadata: { ...encodeMetadata(io.metadata ?? {}), [WRITE_ID]: write_id },
      ...(io.content_type === undefined ? {} : { ContentType: io.content_type }),
      ...(sse_kms_key_id === undefined
        ? {}
        : { ServerSideEncryption: 'aws:kms' as const, SSEKMSKeyId: sse_kms_key_id }),
    },
  }
}

function absentOnly({ if_absent }: Target): { IfNoneMatch?: '*' } {
  return if_absent ? { IfNoneMatch: '*' } : {}
}

async function putWhole(
  target: Target,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<ObjectInfo> {
  const { bucket, key } = target
  for (let attempt = 1; ; attempt += 1) {
    try {
      const put = new PutObjectCommand({
        ...bucket.common,
        ...target.params,
        ...absentOnly(target),
        Key: key,
        Body: bytes,
        ContentLength: bytes.byteLength,
      })
      const { ETag } = await bucket.client.send(put, { abortSignal: signal })
      return await written(target, bytes.byteLength, ETag)
    } catch (error) {
      signal.throwIfAborted()
      const own = await ownObject(target, error)
      if (own !== undefined) return own
      // AWS answers 409 when two conditional writes meet; the object may or may not be there yet.
      if (
        s3ErrorStatus(error) === 409 &&
        s3ErrorName(error) !== 'ObjectParentIsFile' &&
        attempt < 4
      ) {
        await delay(100 * attempt, undefined, { signal })
        continue
      }
      throw bucket.coded(error, writeCall(target))
    }
  }
}

interface Parts {
  readonly leading: readonly Uint8Array[]
  readonly rest: AsyncGenerator<Uint8Array>
  readonly spare: SpareParts
  /** Ends everything on the way when one part fails. */
  readonly stop: AbortController
  readonly signal: AbortSignal
}

async function uploadParts(
  target: Target,
  { leading, rest, spare, stop, signal }: Parts,
): Promise<ObjectInfo> {
  const { bucket, key } = target
  // Not abortable: an upload whose id never arrives could not be removed.
  const { UploadId } = await bucket.call(
    () =>
      bucket.client.send(
        new CreateMultipartUploadCommand({ ...bucket.common, ...target.params, Key: key }),
      ),
    writeCall(target),
  )
  const upload = { ...bucket.common, Key: key, UploadId }
  const done: CompletedPart[] = []
  const on_the_way = new Set<Promise<void>>()
  let size = 0

  async function send(PartNumber: number, bytes: Uint8Array): Promise<void> {
    try {
      const part = new UploadPartCommand({
        ...upload,
        PartNumber,
        Body: bytes,
        ContentLength: bytes.byteLength,
      })
      const { ETag } = await bucket.client.send(part, { abortSignal: signal })
      done.push({ PartNumber, ETag })
      spare.give(bytes)
    } catch (error) {
      stop.abort(signal.aborted ? signal.reason : bucket.coded(error, writeCall(target)))
    }
  }

  try {
    let number = 0
    for await (const bytes of chain(leading, rest)) {
      signal.throwIfAborted()
      number += 1
      if (number > MAX_PARTS) {
        const message = `s3://${bucket.settings.bucket}/${key} has more than ${MAX_PARTS} parts of ${leading[0]?.byteLength} bytes.`
        throw new ExchangeError('store_refused', message, { hint: 'Write smaller objects.' })
      }
      size += bytes.byteLength
      const sending = send(number, bytes).finally(() => on_the_way.delete(sending))
      on_the_way.add(sending)
      if (on_the_way.size >= PARTS_IN_FLIGHT) await Promise.race(on_the_way)
    }
    await Promise.all(on_the_way)
    signal.throwIfAborted()
    done.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
    return await complete(target, upload, { parts: done, size })
  } catch (error) {
    stop.abort(error)
    // A part that lands after the removal would stay, so all of them end first.
    await Promise.all(on_the_way)
    await removeUpload(target, upload)
    throw error
  }
}

interface Upload {
  readonly Bucket: string
  readonly Key: string
  readonly UploadId: string | undefined
}

async function complete(
  target: Target,
  upload: Upload,
  { parts, size }: { parts: CompletedPart[]; size: number },
): Promise<ObjectInfo> {
  const { bucket } = target
  try {
    const { ETag } = await bucket.client.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        ...absentOnly(target),
        MultipartUpload: { Parts: parts },
      }),
    )
    return await written(target, size, ETag)
  } catch (error) {
    const own = await ownObject(target, error)
    if (own !== undefined) return own
    const holder = s3ErrorStatus(error) === 409 ? await bucket.head(target.key) : undefined
    if (holder !== undefined && target.if_absent) {
      const message = `There is an object s3://${bucket.settings.bucket}/${target.key} already.`
      throw new ExchangeError('object_exists', message, { cause: error })
    }
    throw bucket.coded(error, writeCall(target))
  }
}

/** A failed removal is said aloud and does not hide why the write ended. */
async function removeUpload({ bucket, key }: Target, upload: Upload): Promise<void> {
  try {
    await bucket.client.send(new AbortMultipartUploadCommand(upload))
  } catch (error) {
    if (s3ErrorName(error) === 'NoSuchUpload') return
    process.emitWarning(
      `An unfinished upload under s3://${bucket.settings.bucket}/${key} could not be removed (${s3ErrorName(error) ?? String(error)}); a lifecycle rule AbortIncompleteMultipartUpload removes such.`,
      { code: 'upload_left' },
    )
  }
}

/**
 * When the answer to a write is lost, the client's own second try is refused because the first one had
 * succeeded: the object carries this write's id then. The answers to all tries can be lost, and whoever is
 * told that a conditional write failed meets its own object when trying again.
 */
async function ownObject(target: Target, error: unknown): Promise<ObjectInfo | undefined> {
  const status = s3ErrorStatus(error)
  const refused = status === 412 || status === 409 || s3ErrorName(error) === 'NoSuchUpload'
  const unheard = !refused && target.if_absent && isUnavailable(target, error)
  if (!refused && !unheard) return undefined
  const found = await target.bucket.headWithWriteId(target.key).catch((failure: unknown) => {
    if (unheard) return undefined
    throw failure
  })
  return found?.write_id === target.write_id ? found.info : undefined
}

function isUnavailable(target: Target, error: unknown): boolean {
  const coded = target.bucket.coded(error, writeCall(target))
  return coded instanceof ExchangeError && coded.code === 'store_unavailable'
}

async function written(
  target: Target,
  size: number,
  etag: string | undefined,
): Promise<ObjectInfo> {
  const { bucket, key } = target
  if (etag !== undefined) return { key, size, version: unquoted(etag), modified_at: new Date() }
  const info = await bucket.head(key)
  if (info === undefined) throw bucket.coded(new Error(`${key} vanished`), writeCall(target))
  return info
}

/** ETags travel in quotes. */
export function unquoted(etag: string): string {
  return etag.replace(/^"(.*)"$/, '$1')
}

function writeCall({ key, if_absent }: Target) {
  return {
    action: 's3:PutObject',
    key,
    ...(if_absent ? { precondition: 'object_exists' as const } : {}),
  }
}
