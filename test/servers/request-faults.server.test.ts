import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { bytes, inParallel } from '../conformance/store-bench.ts'
import { openGcsBucket } from './gcs-bucket.ts'
import { type HttpProxy, openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket } from './s3-bucket.ts'

/** Whole loads from a server of whose answers one in ten is none. */
const DAYS = 2
const OBJECTS_OF_A_DAY = 200
/** Of requests: every tenth fails. */
const FAILING = 0.1
const SEED = 20230101

interface Rig {
  readonly server: RunningServer
  readonly store: ObjectStore
  /** Settings of the store at an endpoint. */
  settings(endpoint: string): Record<string, unknown>
  /** The answer of a service that wants to be asked less. */
  readonly slow_down: { readonly status: number; readonly type: string; readonly text: string }
}

async function s3Rig(): Promise<Rig> {
  const server = await startServer('minio')
  const { url, access_key_id = '', secret_access_key = '' } = server.settings
  const { store } = await openS3Bucket({ url, access_key_id, secret_access_key }, 'requests')
  const auth = { type: 'access_key', access_key_id, secret_access_key: { env: 'SECRET' } }
  return {
    server,
    store,
    settings: (endpoint) => ({
      ...{ type: 's3', bucket: 'requests', endpoint, force_path_style: true, auth },
    }),
    slow_down: {
      status: 503,
      type: 'application/xml',
      text: '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
    },
  }
}

async function gcsRig(): Promise<Rig> {
  const server = await startServer('fake-gcs-server')
  const { store } = await openGcsBucket(server.settings.url, 'requests')
  return {
    server,
    store,
    settings: (endpoint) => ({ type: 'gcs', bucket: 'requests', endpoint, project: 'test' }),
    slow_down: {
      status: 429,
      type: 'application/json',
      text: '{"error":{"code":429,"message":"The object exceeded the rate limit for object mutation operations."}}',
    },
  }
}

/** The same row of numbers from 0 to 1 for the same seed. */
function chances(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe.each([
  ['S3 on MinIO', s3Rig],
  ['GCS on fake-gcs-server', gcsRig],
])('%s, where one request in ten fails', (_, openRig) => {
  let rig: Rig
  let proxy: HttpProxy
  let root = ''
  beforeAll(async () => {
    rig = await openRig()
    proxy = await openHttpProxy(rig.server.settings.url)
    root = await mkdtemp(join(tmpdir(), 'request-faults-'))
    const objects = Array.from({ length: DAYS * OBJECTS_OF_A_DAY }, (_, at) => at)
    await inParallel(objects, 8, (at) => {
      const day = 1 + Math.floor(at / OBJECTS_OF_A_DAY)
      const lines = [`{"id":${at}}\n`, `{"id":${-at - 1}}\n`, '{"id":"x"}\n']
      return rig.store.write(`events/dt=2023-01-0${day}/${at}`, bytes(lines.join('')))
    })
  })
  afterAll(async () => {
    await proxy.close()
    await rig.server.stop()
    await rm(root, { recursive: true, force: true })
  })

  async function loadFrom(endpoint: string) {
    const dir = await mkdtemp(join(root, 'site-'))
    const properties = [{ name: 'id', logicalType: 'integer', required: true }]
    await writeFile(
      join(dir, 'events.odcs.yaml'),
      stringify({
        ...{ apiVersion: 'v3.2.0', kind: 'DataContract', id: 'events', version: '1.0.0' },
        status: 'active',
        schema: [{ name: 'events', properties }],
      }),
    )
    const feed = {
      ...{ store: 'bucket', prefix: 'events/', contract: 'events.odcs.yaml' },
      layout: 'dt={yyyy}-{MM}-{dd}/{file}',
      format: { type: 'jsonl' },
      max_rejected_percent: 50,
    }
    await writeFile(
      join(dir, 'bucketline.yaml'),
      stringify({
        threads: 2,
        stores: { bucket: rig.settings(endpoint) },
        feeds: { events: feed },
      }),
    )
    const signal = new AbortController().signal
    await using app = await openApp({
      config_file: 'bucketline.yaml',
      cwd: dir,
      env: { SECRET: rig.server.settings.secret_access_key },
      command: 'test',
      signal,
    })
    const states = []
    const run = { watch: false, signal, observe: () => undefined }
    const selection = { feeds: [], all: false, force: false, replay: false }
    for await (const load of app.load(selection, run)) {
      const { partition, generation, state, rows_read, rows_published, rejected, objects } = load
      states.push({ partition, generation, state, rows_read, rows_published, rejected, objects })
    }
    const { rows } = await app.query('SELECT _object, _row, id FROM events ORDER BY ALL')
    expect(await readdir(join(dir, '.bucketline/staging'))).toEqual([])
    return { states, rows }
  }

  it('a whole load succeeds, and its result is that of a clean one', async () => {
    const clean = await loadFrom(rig.server.settings.url)
    expect(clean.states).toHaveLength(DAYS)
    expect(clean.rows).toHaveLength(2 * DAYS * OBJECTS_OF_A_DAY)

    const chance = chances(SEED)
    const failed = { reset: 0, lost: 0, slow: 0 }
    const fates = new WeakMap<object, keyof typeof failed>()
    proxy.before = (request) => {
      const drawn = chance() / FAILING
      if (drawn >= 1) return
      const fate = drawn < 0.4 ? 'reset' : drawn < 0.7 ? 'lost' : 'slow'
      failed[fate] += 1
      fates.set(request, fate)
      // The connection ends before the server was asked.
      if (fate === 'reset') throw new Error('reset')
    }
    proxy.alter = (answer, request) => {
      const fate = fates.get(request)
      if (fate === undefined) return answer
      // Here it was asked, and the answer does not arrive.
      if (fate === 'lost') throw new Error('lost')
      const { status, type, text } = rig.slow_down
      return { status, headers: { 'content-type': type }, body: Buffer.from(text) }
    }
    expect(await loadFrom(proxy.url)).toEqual(clean)
    const requests = proxy.requests.length
    const failures = failed.reset + failed.lost + failed.slow
    // Each object once, each failed request again, and the listings.
    expect(requests).toBeGreaterThan(DAYS * OBJECTS_OF_A_DAY + failures)
    expect(requests).toBeLessThan(1.3 * DAYS * OBJECTS_OF_A_DAY + 100)
    expect(failures / requests).toBeGreaterThan(0.05)
    expect(Math.min(failed.reset, failed.lost, failed.slow)).toBeGreaterThan(3)
  }, 400_000)
})
