import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Storage } from '@google-cloud/storage'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Store } from '../../src/core/config.ts'
import { type GcsSettings, openGcs } from '../../src/store/gcs.ts'
import { openS3 } from '../../src/store/s3.ts'
import type { S3Settings } from '../../src/store/s3-client.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { bytes, digest, listed, patternBytes, readAll } from '../conformance/store-bench.ts'
import { startServer } from './launch.ts'
import { startToxiproxy, type Toxic, type ToxicProxy, type Toxiproxy } from './toxiproxy.ts'

const env = { base_dir: '/', resolveSecret: (secret: unknown) => String(secret) }
const data = patternBytes(3_000_000)
/** Milliseconds; what a call may take at most follows from these. */
const IDLE = 500
const ATTEMPTS = 3
/** Every attempt silent for `IDLE`, the pauses between them, and a machine that is busy. */
const BOUND = 9_000

interface Rig {
  /** The bucket through the proxy. */
  readonly store: ObjectStore
  /** The same bucket without it. */
  readonly direct: ObjectStore
  readonly proxy: ToxicProxy
  /** The same settings with another endpoint, and with more patience. */
  open(endpoint: string, idle_ms?: number): Promise<ObjectStore>
  stop(): Promise<void>
}

async function s3Rig(toxiproxy: Toxiproxy): Promise<Rig> {
  const server = await startServer('minio')
  const { url, access_key_id = '', secret_access_key = '' } = server.settings
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key }
  const region = 'us-east-1'
  const client = new S3Client({ region, endpoint: url, forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: 'faults' }))
  client.destroy()
  const open = (endpoint: string, idle_ms = IDLE) => {
    const auth = { type: 'access_key', access_key_id, secret_access_key }
    const settings = { type: 's3', bucket: 'faults', endpoint, force_path_style: true, auth }
    const deadlines = { connect_ms: IDLE, idle_ms, request_ms: 20_000, attempts: ATTEMPTS }
    return openS3(Store.parse(settings) as S3Settings, env, deadlines)
  }
  const proxy = await toxiproxy.proxy(url)
  const stop = () => server.stop()
  return { store: await open(proxy.url), direct: await open(url), proxy, open, stop }
}

async function gcsRig(toxiproxy: Toxiproxy): Promise<Rig> {
  const server = await startServer('fake-gcs-server')
  const { url } = server.settings
  await new Storage({ apiEndpoint: url, projectId: 'test' }).createBucket('faults')
  const open = (endpoint: string, idle_ms = IDLE) =>
    openGcs(Store.parse({ type: 'gcs', bucket: 'faults', endpoint }) as GcsSettings, env, {
      idle_ms,
      call_ms: 6 * idle_ms,
      attempts: ATTEMPTS,
    })
  const proxy = await toxiproxy.proxy(url)
  const stop = () => server.stop()
  return { store: await open(proxy.url), direct: await open(url), proxy, open, stop }
}

/** Every call of a store, on a bucket that holds `data` and thirty objects under `many/`. */
const CALLS: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  head: (store) => store.head('data'),
  list: (store) => listed(store, 'many/'),
  read: (store) => readAll(store, 'data'),
  write: (store) => store.write('written', bytes('x')),
  'large write': (store) => store.write('parts', data, { part_bytes: 256 * 1024 }),
  delete: (store) => store.delete(['absent']),
}

const allCalls = (store: ObjectStore) =>
  Promise.all(Object.values(CALLS).map((call) => call(store)))

/** Fails unless the call is refused as one that may succeed later, and soon enough. */
async function expectUnavailable(name: string, call: Promise<unknown>): Promise<void> {
  const began = performance.now()
  const error = await call.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  )
  expect([name, error]).toMatchObject([
    name,
    {
      code: 'store_unavailable',
      retryable: true,
      message: expect.stringMatching(/faults/),
      hint: expect.stringMatching(/ /),
    },
  ])
  expect([name, performance.now() - began < BOUND]).toEqual([name, true])
}

const allUnavailable = (store: ObjectStore) =>
  Promise.all(Object.entries(CALLS).map(([name, call]) => expectUnavailable(name, call(store))))

let toxiproxy: Toxiproxy
beforeAll(async () => {
  toxiproxy = await startToxiproxy()
})
afterAll(() => toxiproxy[Symbol.asyncDispose]())

describe.each([
  ['s3 on MinIO', s3Rig],
  ['gcs on fake-gcs-server', gcsRig],
])('%s through toxiproxy', (_, openRig) => {
  let rig: Rig
  beforeAll(async () => {
    rig = await openRig(toxiproxy)
    await rig.direct.write('data', data)
    for (let n = 0; n < 30; n += 1) await rig.direct.write(`many/${n + 10}`, bytes('x'))
  })
  beforeEach(() => rig.proxy.heal())
  afterAll(() => rig.stop())

  const reset: Toxic = { type: 'reset_peer', attributes: { timeout: 0 } }
  const black_hole: Toxic = { type: 'timeout', attributes: { timeout: 0 } }

  it('resets that go on end a call, those that end do not', async () => {
    await rig.proxy.add(reset)
    await allUnavailable(rig.store)
    const healed = sleep(60).then(() => rig.proxy.heal())
    await allCalls(rig.store)
    await healed
  })

  it('a server that says nothing ends a call in time', async () => {
    await rig.proxy.add(black_hole)
    await allUnavailable(rig.store)
  })

  it('what is sent disappears, and the call ends in time', async () => {
    await rig.proxy.add(black_hole, { stream: 'upstream' })
    await allUnavailable(rig.store)
  })

  it('a server that is gone is named, and found again when it is back', async () => {
    await rig.proxy.refuse()
    await allUnavailable(rig.store)
    await rig.proxy.heal()
    await allCalls(rig.store)
    // However often it has failed before, a call is tried again: no budget of repetitions runs out.
    await rig.proxy.add(reset)
    for (let round = 0; round < 8; round += 1)
      await Promise.allSettled(Object.values(CALLS).map((call) => call(rig.store)))
    const healed = sleep(60).then(() => rig.proxy.heal())
    await allCalls(rig.store)
    await healed
  })

  it('a connection that is never made ends a call in time', async () => {
    await using full = await listenWithoutAccepting()
    await using store = await rig.open(full.url)
    await allUnavailable(store)
  })

  it('a body that stops in the middle ends the read in time, and one that goes on does not', async () => {
    // Read all the while: the proxy cannot change a connection that nobody reads from.
    const slow: Toxic = { type: 'bandwidth', attributes: { rate: 2_000 } }
    await rig.proxy.add(slow)
    const stopped = expectUnavailable('read', readAll(rig.store, 'data'))
    await sleep(400)
    await rig.proxy.add(black_hole)
    await stopped

    await rig.proxy.heal()
    await rig.proxy.add(slow)
    // A silence shorter than the deadline: the same body goes on. One with the deadline of the others would
    // have asked again by then.
    await using patient = await rig.open(rig.proxy.url, 40 * IDLE)
    const resumed = readAll(patient, 'data').then(digest)
    await sleep(400)
    await rig.proxy.add(black_hole)
    await sleep(3 * IDLE)
    await rig.proxy.lift()
    expect(await resumed).toBe(digest(data))
  })

  it('slow bytes are no silence', async () => {
    await rig.proxy.add({ type: 'bandwidth', attributes: { rate: 1_500 } })
    await rig.proxy.add({ type: 'latency', attributes: { latency: 20 } })
    const began = performance.now()
    expect(digest(await readAll(rig.store, 'data'))).toBe(digest(data))
    // Longer than the deadline for silence, so that it was slow in earnest.
    expect(performance.now() - began).toBeGreaterThan(2 * IDLE)
    await rig.proxy.heal()
    await rig.proxy.add(
      { type: 'slicer', attributes: { average_size: 4_096, size_variation: 512, delay: 1_000 } },
      { stream: 'upstream' },
    )
    // What is sent lies in the system's buffers, so that its progress is not seen from here.
    await using patient = await rig.open(rig.proxy.url, 5_000)
    await patient.write('slow', data)
    await rig.proxy.heal()
    expect(digest(await readAll(rig.direct, 'slow'))).toBe(digest(data))
  })

  it('an object that is cut off again and again is read whole', async () => {
    await rig.proxy.add({ type: 'limit_data', attributes: { bytes: 700_000 } })
    expect(digest(await readAll(rig.store, 'data'))).toBe(digest(data))
    const range = { start: 123_456, end: 2_345_678 }
    expect(digest(await readAll(rig.store, 'data', { range }))).toBe(
      digest(data.subarray(range.start, range.end + 1)),
    )
  })

  it('a listing that is cut off is none', async () => {
    const whole = await listed(rig.direct, 'many/')
    expect(whole).toHaveLength(30)
    await rig.proxy.add({ type: 'limit_data', attributes: { bytes: 2_000 } })
    await expectUnavailable('list', listed(rig.store, 'many/'))
    const healed = sleep(60).then(() => rig.proxy.heal())
    expect(await listed(rig.store, 'many/')).toEqual(whole)
    await healed
  })
})

/**
 * A port whose queue of connections is full: the system does not answer who asks for one more. The listener
 * is a thread that sleeps, since a process that runs would take them.
 */
async function listenWithoutAccepting() {
  const worker = new Worker(
    `const { createServer } = require('node:net')
     const { parentPort } = require('node:worker_threads')
     const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
     })`,
    { eval: true },
  )
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  const { connect } = await import('node:net')
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await sleep(50)
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}
