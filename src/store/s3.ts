import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { inKeyOrder, listByPages, type PageOptions } from './grouping.ts'
import { checkKey } from './keys.ts'
import type { StoreEnvironment } from './open-store.ts'
import { S3_DEADLINES, type S3Deadlines, type S3Settings, s3Client } from './s3-client.ts'
import { type S3Call, s3Error, s3ErrorStatus } from './s3-errors.ts'
import { keyDecoder } from './s3-keys.ts'
import { decodeMetadata, WRITE_ID } from './s3-metadata.ts'
import { readS3 } from './s3-read.ts'
import { abortUpload, unfinishedUploads } from './s3-uploads.ts'
import { MIN_PART_BYTES, unquoted, writeS3 } from './s3-write.ts'
import type { IoOptions, ListEntry, ObjectInfo, ObjectStore, StoreFeatures } from './store.ts'

const FEATURES: StoreFeatures = {
  conditional_write: true,
  conditional_read: true,
  atomic_objects: true,
  versions: false,
  abort: true,
  keeps_uploads: true,
  min_part_bytes: MIN_PART_BYTES,
  metadata: true,
  keys: 'free',
}

const DELETE_BATCH = 1_000

type Call = Omit<S3Call, 'bucket' | 'region'>

/** One bucket with its client; what the parts of this store share. */
export interface S3Bucket {
  readonly client: S3Client
  readonly settings: S3Settings
  readonly deadlines: S3Deadlines
  /** Parameters of every request. */
  readonly common: { readonly Bucket: string; readonly RequestPayer?: 'requester' }
  /** Runs a request and codes what it throws. */
  call<T>(request: () => Promise<T>, call: Call): Promise<T>
  coded(error: unknown, call: Call): unknown
  head(key: string, io?: IoOptions): Promise<ObjectInfo | undefined>
  headWithWriteId(
    key: string,
    io?: IoOptions,
  ): Promise<{ info: ObjectInfo; write_id: string | undefined } | undefined>
}

/**
 * Opens a bucket on S3 or a server that speaks its protocol. A version is the ETag without quotes.
 * An abort that comes while the last request of a write is on its way may find the object written whole.
 * Throws `insecure_endpoint` and `secret_missing`; does not call the bucket.
 */
export async function openS3(
  settings: S3Settings,
  env: StoreEnvironment,
  deadlines: S3Deadlines = S3_DEADLINES,
): Promise<ObjectStore> {
  const bucket = bucketOf(settings, s3Client(settings, env, deadlines), deadlines)
  const url = `s3://${settings.bucket}/`
  return {
    features: FEATURES,
    url,
    async head(key, io = {}) {
      io.signal?.throwIfAborted()
      checkKey(key)
      return bucket.head(key, io)
    },
    async read(key, io = {}) {
      io.signal?.throwIfAborted()
      checkKey(key)
      return readS3(bucket, key, io)
    },
    async write(key, body, io = {}) {
      io.signal?.throwIfAborted()
      checkKey(key)
      return writeS3(bucket, key, body, io)
    },
    list(prefix, io = {}) {
      const listing = { pages: pages.bind(undefined, bucket), place: url }
      return listByPages(listing, prefix, io)
    },
    delete: (keys, io = {}) => remove(bucket, keys, io),
    unfinishedUploads: (keys, io = {}) => unfinishedUploads(bucket, keys, io),
    abortUpload: (upload, io = {}) => abortUpload(bucket, upload, io),
    async [Symbol.asyncDispose]() {
      bucket.client.destroy()
    },
  }
}

function bucketOf(settings: S3Settings, client: S3Client, deadlines: S3Deadlines): S3Bucket {
  const coded = (error: unknown, call: Call) =>
    s3Error(error, { ...call, bucket: settings.bucket, region: settings.region })
  const common = {
    Bucket: settings.bucket,
    ...(settings.requester_pays ? { RequestPayer: 'requester' as const } : {}),
  }

  async function call<T>(request: () => Promise<T>, about: Call): Promise<T> {
    try {
      return await request()
    } catch (error) {
      throw coded(error, about)
    }
  }

  async function headWithWriteId(key: string, io: IoOptions = {}, again = true) {
    const about = { action: 's3:GetObject', key }
    try {
      const output = await client.send(new HeadObjectCommand({ ...common, Key: key }), sending(io))
      const metadata = decodeMetadata(output.Metadata)
      const info: ObjectInfo = {
        key,
        size: output.ContentLength ?? 0,
        version: unquoted(output.ETag ?? ''),
        modified_at: output.LastModified ?? new Date(0),
        ...(output.ContentType === undefined ? {} : { content_type: output.ContentType }),
        ...(metadata === undefined ? {} : { metadata }),
      }
      return { info, write_id: output.Metadata?.[WRITE_ID] }
    } catch (error) {
      io.signal?.throwIfAborted()
      const status = s3ErrorStatus(error)
      if (status === 404) return undefined
      if (again && (status === 400 || status === 403)) {
        await explain(key, about, io)
        // Reading is permitted: the client has set its clock right by the first answer, say.
        return headWithWriteId(key, io, false)
      }
      throw coded(error, about)
    }
  }

  /** The answer to HEAD has no body, so a refused one is asked again in a way that names the reason. */
  async function explain(key: string, about: Call, io: IoOptions): Promise<void> {
    const get = new GetObjectCommand({ ...common, Key: key, Range: 'bytes=0-0' })
    try {
      const output = await client.send(get, sending(io))
      ;(output.Body as { destroy?: () => void } | undefined)?.destroy?.()
    } catch (error) {
      io.signal?.throwIfAborted()
      // An empty object has no first byte.
      if (s3ErrorStatus(error) !== 416) throw coded(error, about)
    }
  }

  return {
    client,
    settings,
    deadlines,
    common,
    call,
    coded,
    headWithWriteId,
    head: async (key, io) => (await headWithWriteId(key, io))?.info,
  }
}

async function* pages(
  bucket: S3Bucket,
  prefix: string,
  io: PageOptions,
): AsyncGenerator<ListEntry> {
  let token: string | undefined
  do {
    io.signal?.throwIfAborted()
    const command = new ListObjectsV2Command({
      ...bucket.common,
      Prefix: prefix,
      EncodingType: 'url',
      ...(io.max_keys === undefined ? {} : { MaxKeys: io.max_keys }),
      ...(io.delimiter === undefined ? {} : { Delimiter: io.delimiter }),
      ...(io.start_after === undefined ? {} : { StartAfter: io.start_after }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    })
    let page: ListObjectsV2CommandOutput
    try {
      page = await bucket.client.send(command, sending(io))
    } catch (error) {
      io.signal?.throwIfAborted()
      throw bucket.coded(error, { action: 's3:ListBucket' })
    }
    for (const entry of entriesOf(page)) {
      io.signal?.throwIfAborted()
      yield entry
    }
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined
  } while (token !== undefined)
}

/** A page gives objects and groups apart; together they are in key order. */
function entriesOf(page: ListObjectsV2CommandOutput): readonly ListEntry[] {
  const decode = keyDecoder(page)
  const objects = (page.Contents ?? []).map((object) => ({
    key: decode(object.Key ?? ''),
    size: object.Size ?? 0,
    version: unquoted(object.ETag ?? ''),
    modified_at: object.LastModified ?? new Date(0),
  }))
  const groups = (page.CommonPrefixes ?? []).map((group) => ({
    prefix: decode(group.Prefix ?? ''),
  }))
  return inKeyOrder(objects, groups)
}

async function remove(bucket: S3Bucket, keys: readonly string[], io: IoOptions): Promise<void> {
  for (const key of keys) checkKey(key)
  const alone = keys.filter((key) => !hasXmlForm(key))
  const together = alone.length === 0 ? keys : keys.filter(hasXmlForm)
  for (let at = 0; at < together.length; at += DELETE_BATCH) {
    await removeBatch(bucket, together.slice(at, at + DELETE_BATCH), io)
  }
  for (const key of alone) {
    io.signal?.throwIfAborted()
    await bucket.call(
      () =>
        bucket.client.send(new DeleteObjectCommand({ ...bucket.common, Key: key }), sending(io)),
      { action: 's3:DeleteObject', key },
    )
  }
}

/** XML 1.0 has no way to write some characters; keys with them go in the path of a request each. */
function hasXmlForm(key: string): boolean {
  for (let i = 0; i < key.length; i += 1) {
    const unit = key.charCodeAt(i)
    if (unit >= 0xfffe || (unit < 0x20 && unit !== 9 && unit !== 10 && unit !== 13)) return false
  }
  return true
}

async function removeBatch(
  bucket: S3Bucket,
  keys: readonly string[],
  io: IoOptions,
): Promise<void> {
  io.signal?.throwIfAborted()
  const command = new DeleteObjectsCommand({
    ...bucket.common,
    Delete: { Quiet: true, Objects: keys.map((Key) => ({ Key })) },
  })
  const { Errors = [] } = await bucket.call(() => bucket.client.send(command, sending(io)), {
    action: 's3:DeleteObject',
  })
  const fault = Errors.find(({ Code }) => Code !== 'NoSuchKey')
  if (fault === undefined) return
  const error = Object.assign(new Error(fault.Message ?? ''), {
    name: fault.Code ?? 'Unknown',
    $metadata: { httpStatusCode: fault.Code === 'AccessDenied' ? 403 : 500 },
  })
  throw bucket.coded(error, {
    action: 's3:DeleteObject',
    ...(fault.Key === undefined ? {} : { key: fault.Key }),
  })
}

function sending({ signal }: IoOptions) {
  return signal === undefined ? {} : { abortSignal: signal }
}
