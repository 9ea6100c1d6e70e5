import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Store } from '../../src/core/config.ts'
import { type GcsSettings, openGcs } from '../../src/store/gcs.ts'
import { openS3 } from '../../src/store/s3.ts'
import type { S3Settings } from '../../src/store/s3-client.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import {
  bytes,
  digest,
  expectCode,
  patternBytes,
  readAll,
  readText,
} from '../conformance/store-bench.ts'
import { type FaultyProxy, openFaultyProxy } from './faulty-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'

const env = { base_dir: '/', resolveSecret: (secret: unknown) => String(secret) }
const data = patternBytes(6_000_000)

interface Rig {
  readonly server: RunningServer
  readonly proxy: FaultyProxy
  readonly store: ObjectStore
  /** The same bucket without the proxy. */
  readonly direct: ObjectStore
}

async function s3Rig(name: 'versitygw' | 'minio'): Promise<Rig> {
  const server = await startServer(name)
  const { url, access_key_id = '', secret_access_key = '' } = server.settings
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key }
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials,
  })
  await client.send(new CreateBucketCommand({ Bucket: 'faults' }))
  client.destroy()
  const proxy = await openFaultyProxy(url)
  const open = (endpoint: string) => {
    const auth = { type: 'access_key', access_key_id, secret_access_key }
    const settings = { type: 's3', bucket: 'faults', endpoint, force_path_style: true, auth }
    const deadlines = { connect_ms: 1_000, idle_ms: 500, request_ms: 5_000, attempts: 3 }
    return openS3(Store.parse(settings) as S3Settings, env, deadlines)
  }
  return { server, proxy, store: await open(proxy.url), direct: await open(url) }
}

async function gcsRig(): Promise<Rig> {
  const server = await startServer('fake-gcs-server')
  const { url } = server.settings
  await new Storage({ apiEndpoint: url, projectId: 'test' }).createBucket('faults')
  const proxy = await openFaultyProxy(url)
  const open = (endpoint: string) =>
    openGcs(Store.parse({ type: 'gcs', bucket: 'faults', endpoint }) as GcsSettings, env, {
      idle_ms: 500,
      call_ms: 3_000,
      attempts: 3,
    })
  return { server, proxy, store: await open(proxy.url), direct: await open(url) }
}

describe.each([
  ['s3 on versitygw', () => s3Rig('versitygw')],
  ['s3 on MinIO', () => s3Rig('minio')],
  ['gcs on fake-gcs-server', gcsRig],
])('a network that breaks: %s', (_, openRig) => {
  let rig: Rig
  beforeAll(async () => {
    rig = await openRig()
    await rig.direct.write('data', data)
  })
  beforeEach(() => {
    rig.proxy.fault = undefined
  })
  afterAll(async () => {
    await rig.proxy.close()
    await rig.server.stop()
  })

  it('a read that breaks off goes on from the byte reached', async () => {
    rig.proxy.fault = { after_bytes: 1_000_000, times: 3 }
    expect(digest(await readAll(rig.store, 'data'))).toBe(digest(data))
    expect(rig.proxy.fault.times).toBe(0)
    rig.proxy.fault = { after_bytes: 1_000_000, times: 2 }
    const range = { start: 1_000_001, end: 4_500_000 }
    expect(digest(await readAll(rig.store, 'data', { range }))).toBe(
      digest(data.subarray(range.start, range.end + 1)),
    )
  })

  it('a read that breaks off never goes on in another version', async () => {
    await rig.direct.write('replaced', data)
    rig.proxy.fault = { after_bytes: 1_000_000, times: 1 }
    const reader = (await rig.store.read('replaced')).getReader()
    await reader.read()
    await rig.direct.write('replaced', new Uint8Array(data.byteLength))
    const drained = (async () => {
      while (!(await reader.read()).done);
    })()
    await expectCode(drained, 'object_changed')
  })

  it('a read that gains nothing ends', async () => {
    rig.proxy.fault = { after_bytes: 100, times: 1_000 }
    await expectCode(readAll(rig.store, 'data'), 'store_unavailable')
  })

  it('a reader may take longer than the idle deadline', async () => {
    let size = 0
    for await (const chunk of await rig.store.read('data')) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 1_200))
      size += chunk.byteLength
    }
    expect(size).toBe(data.byteLength)
  })

  it('a write whose answer is lost is known as written', async () => {
    rig.proxy.fault = { after_bytes: 0, times: 1 }
    const written = await rig.store.write('lost', bytes('mine'), { if_absent: true })
    expect(rig.proxy.fault.times).toBe(0)
    expect(await rig.direct.head('lost')).toMatchObject({ version: written.version, size: 4 })
    await expectCode(rig.store.write('lost', bytes('other'), { if_absent: true }), 'object_exists')
    expect(await readText(rig.direct, 'lost')).toBe('mine')
  })

  it('a conditional write is known as written although every answer to it was lost', async () => {
    rig.proxy.fault = { after_bytes: 0, times: 3 }
    const written = await rig.store.write('unheard', bytes('mine'), { if_absent: true })
    expect(rig.proxy.fault.times).toBe(0)
    expect(await rig.direct.head('unheard')).toMatchObject({ version: written.version, size: 4 })
    rig.proxy.fault = { after_bytes: 0, times: 3 }
    // An object that somebody else wrote is not taken for one's own.
    const other = rig.store.write('unheard', bytes('other'), { if_absent: true })
    await expectCode(other, 'store_unavailable')
    expect(await readText(rig.direct, 'unheard')).toBe('mine')
  })

  it('a large write whose last answer is lost is known as written', async () => {
    const part_bytes = rig.store.features.min_part_bytes
    const size = 2 * part_bytes
    const body = (async function* () {
      yield patternBytes(size)
      // What was sent so far is answered: the next answer is that to the last request.
      await new Promise((done) => setTimeout(done, 400))
      rig.proxy.fault = { after_bytes: 0, times: 1 }
    })()
    const write = rig.store.write('large', body, { if_absent: true, part_bytes })
    await write
    expect(rig.proxy.fault).toHaveProperty('times', 0)
    expect((await rig.direct.head('large'))?.size).toBe(size)
  })
})
