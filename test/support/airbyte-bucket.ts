import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3'
import { type S3Server, s3RootClient } from '../servers/s3-bucket.ts'

/** What lies in a destination's bucket, seen by the vendor's client. */
export interface Bucket {
  readonly name: string
  /** Configuration of the connector that writes into it. */
  config(more?: object): object
  keys(): Promise<string[]>
  /** Keys a reader of streams looks at: all but the destination's own. */
  objects(): Promise<string[]>
  text(key: string): Promise<string>
  bytes(key: string): Promise<Uint8Array>
  /** Takes every object of another bucket of the server. */
  copyFrom(other: Bucket): Promise<void>
  /** Copies objects into a folder; their paths. */
  download(keys: readonly string[], dir: string): Promise<string[]>
  /** What no manifest names, logs of attempts and unfinished uploads: nothing, after a sync. */
  leftovers(): Promise<string[]>
  close(): void
}

const BUCKET_PATH = 'lake'

/** Makes a bucket. `url` is where the connector finds the server, which may be behind a proxy. */
export async function openBucket(
  server: S3Server,
  name: string,
  url = server.url,
): Promise<Bucket> {
  const client = s3RootClient(server)
  await client.send(new CreateBucketCommand({ Bucket: name }))
  const { access_key_id, secret_access_key } = server
  const keys = () => listAll(client, name)
  const bytes = async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key }))
    if (Body === undefined) throw new Error(`${Key} has no body`)
    return Body.transformToByteArray()
  }
  const text = async (key: string) => new TextDecoder().decode(await bytes(key))
  return {
    name,
    keys,
    text,
    bytes,
    config: (more = {}) => ({
      access_key_id,
      secret_access_key,
      s3_bucket_name: name,
      s3_bucket_path: BUCKET_PATH,
      s3_bucket_region: 'us-east-1',
      s3_endpoint: url,
      format: { format_type: 'JSONL', compression: { compression_type: 'No Compression' } },
      ...more,
    }),
    objects: async () => (await keys()).filter((key) => !key.includes('/_bucketline/')),
    async copyFrom(other) {
      for (const Key of await other.keys()) {
        const CopySource = encodeURI(`${other.name}/${Key}`)
        await client.send(new CopyObjectCommand({ Bucket: name, Key, CopySource }))
      }
    },
    download: (wanted, dir) =>
      Promise.all(
        wanted.map(async (key, at) => {
          const path = join(dir, String(at), key.split('/').at(-1) as string)
          await mkdir(dirname(path), { recursive: true })
          await writeFile(path, await bytes(key))
          return path
        }),
      ),
    async leftovers() {
      const all = await keys()
      const manifests = all.filter((key) => key.includes('/manifests/'))
      const named = new Set(manifests)
      for (const key of manifests) {
        const { objects } = JSON.parse(await text(key)) as { objects: { key: string }[] }
        for (const object of objects) named.add(object.key)
      }
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: name }))
      return [
        ...all.filter((key) => !named.has(key)),
        ...[...named].filter((key) => !all.includes(key)).map((key) => `absent: ${key}`),
        ...Uploads.map(({ Key }) => `unfinished: ${Key}`),
      ]
    },
    close: () => client.destroy(),
  }
}

async function listAll(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = []
  let token: string | undefined
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: token }),
    )
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
    token = page.NextContinuationToken
  } while (token !== undefined)
  return keys
}
