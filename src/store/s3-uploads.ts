import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import type { S3Bucket } from './s3.ts'
import { s3ErrorName } from './s3-errors.ts'
import { keyDecoder } from './s3-keys.ts'
import type { IoOptions, UnfinishedUpload } from './store.ts'

/** Listings under way at the same time. */
const AT_ONCE = 8

/**
 * Unfinished uploads under exactly these keys. Each key is listed by itself: MinIO takes the prefix for a
 * whole key (https://github.com/minio/minio/issues/20989).
 */
export async function unfinishedUploads(
  bucket: S3Bucket,
  keys: readonly string[],
  io: IoOptions,
): Promise<readonly UnfinishedUpload[]> {
  const found: UnfinishedUpload[] = []
  for (let at = 0; at < keys.length; at += AT_ONCE) {
    const group = keys.slice(at, at + AT_ONCE)
    found.push(...(await Promise.all(group.map((key) => uploadsUnder(bucket, key, io)))).flat())
  }
  return found
}

async function uploadsUnder(
  bucket: S3Bucket,
  key: string,
  io: IoOptions,
): Promise<UnfinishedUpload[]> {
  const found: UnfinishedUpload[] = []
  let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
  while (after !== undefined) {
    io.signal?.throwIfAborted()
    const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
      ...bucket.common,
      Prefix: key,
      EncodingType: 'url',
      ...after,
    })
    const page = await bucket.call(() => bucket.client.send(command, sending(io)), {
      action: 's3:ListBucketMultipartUploads',
    })
    const decode = keyDecoder(page)
    for (const { Key = '', UploadId } of page.Uploads ?? []) {
      // Longer keys begin with this one, too, and are somebody else's.
      if (UploadId !== undefined && decode(Key) === key) found.push({ key, id: UploadId })
    }
    const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page
    const has_more = IsTruncated === true && NextKeyMarker !== undefined
    after = has_more
      ? {
          KeyMarker: decode(NextKeyMarker),
          ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
        }
      : undefined
  }
  return found
}

/** Aborts one upload; one that was completed or aborted meanwhile is no error. */
export async function abortUpload(
  bucket: S3Bucket,
  { key, id }: UnfinishedUpload,
  io: IoOptions,
): Promise<void> {
  io.signal?.throwIfAborted()
  const command = new AbortMultipartUploadCommand({ ...bucket.common, Key: key, UploadId: id })
  try {
    await bucket.client.send(command, sending(io))
  } catch (error) {
    if (s3ErrorName(error) === 'NoSuchUpload') return
    throw bucket.coded(error, { action: 's3:AbortMultipartUpload', key })
  }
}

function sending({ signal }: IoOptions) {
  return signal === undefined ? {} : { abortSignal: signal }
}
