import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { SERVER_KINDS, type ServerKind, type ServerName } from '../test/servers/kinds.ts'
import { startServer } from '../test/servers/launch.ts'
import { type S3Server, s3RootClient, s3Server } from '../test/servers/s3-bucket.ts'

/** A local S3 server that contenders write to; its data lie in the system's temporary folder. */
export interface ObjectServer extends S3Server {
  /** Name and version, as a page tells it. */
  readonly title: string
  /** An empty bucket, removed with what is in it when disposed of. */
  openBucket(): Promise<Bucket>
  stop(): Promise<void>
}

export interface Bucket extends AsyncDisposable {
  readonly name: string
  keys(): Promise<readonly string[]>
  read(key: string): Promise<Readable>
  download(key: string, path: string): Promise<void>
}

/** Starts one; builds it where it is not built yet (minutes). */
export async function startObjectServer(name: ServerName): Promise<ObjectServer> {
  const running = await startServer(name)
  const server = s3Server(running)
  const { build }: ServerKind = SERVER_KINDS[name]
  let buckets = 0
  return {
    ...server,
    title: build === undefined ? name : `${name} ${build.version}`,
    openBucket: () => openBucket(server, `bench-${++buckets}`),
    stop: () => running.stop(),
  }
}

async function openBucket(server: S3Server, name: string): Promise<Bucket> {
  const client = s3RootClient(server)
  await client.send(new CreateBucketCommand({ Bucket: name }))
  const keys = async () => {
    const found: string[] = []
    let token: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: name, ContinuationToken: token }),
      )
      found.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
      token = page.NextContinuationToken
    } while (token !== undefined)
    return found
  }
  const read = async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key }))
    return Body as Readable
  }
  return {
    name,
    keys,
    read,
    download: async (key, path) => pipeline(await read(key), createWriteStream(path)),
    async [Symbol.asyncDispose]() {
      const all = await keys()
      for (let from = 0; from < all.length; from += 1000) {
        const Objects = all.slice(from, from + 1000).map((Key) => ({ Key }))
        await client.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects } }))
      }
      await client.send(new DeleteBucketCommand({ Bucket: name }))
      client.destroy()
    },
  }
}
