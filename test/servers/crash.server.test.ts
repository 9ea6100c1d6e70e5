import { afterAll } from 'vitest'
import type { RigOptions } from '../support/crash-rig.ts'
import { describeCrashes } from '../support/crash-suite.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, s3Server } from './s3-bucket.ts'

const servers = new Map<string, Promise<RunningServer>>()
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop()
})

function server(name: 'minio' | 'postgresql'): Promise<RunningServer> {
  const running = servers.get(name) ?? startServer(name)
  servers.set(name, running)
  return running
}

let buckets = 0
async function bucket() {
  const minio = s3Server(await server('minio'))
  buckets += 1
  const name = `inbox-${buckets}`
  const { store, close } = await openS3Bucket(minio, name)
  const { url, access_key_id, secret_access_key } = minio
  return {
    store: {
      ...store,
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]()
        await close?.()
      },
    },
    settings: {
      type: 's3',
      bucket: name,
      endpoint: url,
      force_path_style: true,
      auth: { type: 'access_key', access_key_id, secret_access_key },
    },
  }
}

const database = async () => ({ postgres_url: (await server('postgresql')).settings.url })
const combinations: readonly { name: string; open: () => Promise<RigOptions>; steps: boolean }[] = [
  {
    name: 'MinIO, PostgreSQL',
    open: async () => ({ openStore: bucket, ...(await database()) }),
    steps: true,
  },
  { name: 'MinIO, PGlite', open: async () => ({ openStore: bucket }), steps: false },
  { name: 'local folder, PostgreSQL', open: database, steps: false },
]
for (const { name, ...options } of combinations) describeCrashes(name, options)
