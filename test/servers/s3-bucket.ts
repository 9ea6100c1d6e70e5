import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { Store } from '../../src/core/config.ts'
import { resolveSecret } from '../../src/store/credentials.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { OpenedStore } from '../conformance/store.ts'

export interface S3Server {
  readonly url: string
  readonly access_key_id: string
  readonly secret_access_key: string
}

/** Makes a bucket on an S3 server and opens it as a store, with a probe for unfinished uploads. */
export async function openS3Bucket(server: S3Server, bucket: string): Promise<OpenedStore> {
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: server.url,
    forcePathStyle: true,
    credentials: {
      accessKeyId: server.access_key_id,
      secretAccessKey: server.secret_access_key,
    },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const settings = Store.parse({
    type: 's3',
    bucket,
    endpoint: server.url,
    force_path_style: true,
    auth: {
      type: 'access_key',
      access_key_id: server.access_key_id,
      secret_access_key: { env: 'SECRET' },
    },
  })
  const sources = { env: { SECRET: server.secret_access_key }, base_dir: '/' }
  const store = await openStore(settings, {
    base_dir: '/',
    resolveSecret: (secret) => resolveSecret(secret, sources),
  })
  return {
    store,
    async openUploads(key) {
      const list = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key })
      return (await client.send(list)).Uploads?.length ?? 0
    },
    close: async () => client.destroy(),
  }
}
