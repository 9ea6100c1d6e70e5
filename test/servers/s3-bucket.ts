import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutBucketEncryptionCommand,
  PutBucketVersioningCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Store } from '../../src/core/config.ts'
import { resolveSecret } from '../../src/store/credentials.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import type { OpenedStore } from '../conformance/store.ts'
import type { RunningServer } from './launch.ts'

export interface S3Server {
  readonly url: string
  readonly access_key_id: string
  readonly secret_access_key: string
}

/** URL and root keys of a running S3 server. */
export function s3Server({ settings }: Pick<RunningServer, 'settings'>): S3Server {
  const { url, access_key_id = '', secret_access_key = '' } = settings
  return { url, access_key_id, secret_access_key }
}

/** The vendor's client with the root keys, for what the port has no call for. */
export function s3RootClient({ url, access_key_id, secret_access_key }: S3Server): S3Client {
  return new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
  })
}

/**
 * Opens a bucket of a running server as a store, by the settings a configuration file would have; the
 * root keys where `changes` says nothing else. Secrets may be given as text or as `{ env }` of `env`.
 */
export async function openS3Store(
  server: Pick<RunningServer, 'settings'>,
  changes: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<ObjectStore> {
  const { url, access_key_id, secret_access_key } = s3Server(server)
  const settings = Store.parse({
    type: 's3',
    endpoint: url,
    force_path_style: true,
    auth: { type: 'access_key', access_key_id, secret_access_key },
    ...changes,
  })
  return openStore(settings, {
    base_dir: '/',
    resolveSecret: (secret) => resolveSecret(secret, { env, base_dir: '/' }),
  })
}

export interface BucketOptions {
  /** Keeps every version of an object, and a marker where one was deleted. */
  readonly versioning?: boolean
  /** Encrypts what is written without another wish: AES256 is SSE-S3. */
  readonly encryption?: 'AES256'
  /** Key that the store is set to write with: SSE-KMS. */
  readonly sse_kms_key_id?: string
}

/** Makes a bucket on an S3 server and opens it as a store, with a probe for unfinished uploads. */
export async function openS3Bucket(
  server: S3Server,
  bucket: string,
  { versioning = false, encryption, sse_kms_key_id }: BucketOptions = {},
): Promise<OpenedStore> {
  const client = s3RootClient(server)
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  if (versioning) {
    const VersioningConfiguration = { Status: 'Enabled' as const }
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }))
  }
  if (encryption !== undefined) {
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: encryption } }]
    await client.send(
      new PutBucketEncryptionCommand({
        Bucket: bucket,
        ServerSideEncryptionConfiguration: { Rules },
      }),
    )
  }
  const { access_key_id, secret_access_key } = server
  const store = await openS3Store(
    { settings: { ...server } },
    {
      bucket,
      auth: { type: 'access_key', access_key_id, secret_access_key: { env: 'SECRET' } },
      ...(sse_kms_key_id === undefined ? {} : { sse_kms_key_id }),
    },
    { SECRET: secret_access_key },
  )
  return {
    store,
    async openUploads(key) {
      const list = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key })
      const { Uploads = [] } = await client.send(list)
      return Uploads.filter(({ Key }) => Key === key).length
    },
    cutOffUpload: (key) => cutOffUpload(client, bucket, key),
    close: async () => client.destroy(),
  }
}

/** One part of a multipart upload that nobody completes. */
export async function cutOffUpload(client: S3Client, Bucket: string, Key: string): Promise<void> {
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const Body = new Uint8Array(5 << 20)
  await client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body }))
}
