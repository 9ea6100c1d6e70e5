import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../src/store/store.ts'
import { openGcsBucket } from './gcs-bucket.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket } from './s3-bucket.ts'

/** Loads by the command line from real servers, and several loaders on one PostgreSQL ledger. */
const bin = join(import.meta.dirname, '../../bin/bucketline')
const NOW = '2023-01-10T00:00:00Z'
const servers: RunningServer[] = []
let root = ''
let database = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'load-'))
  const postgres = await start('postgresql')
  database = postgres.settings.url
}, 120_000)
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await rm(root, { recursive: true, force: true })
})

async function start(name: Parameters<typeof startServer>[0]): Promise<RunningServer> {
  const server = await startServer(name)
  servers.push(server)
  return server
}

/** Hours of auctions, two rows and one refused line each. */
async function deliver(store: ObjectStore, hours: number): Promise<void> {
  for (let hour = 0; hour < hours; hour += 1) {
    const HH = String(hour % 24).padStart(2, '0')
    const day = String(1 + Math.floor(hour / 24)).padStart(2, '0')
    const row = (cnt: number) =>
      JSON.stringify({ timestamp: `2023-01-${day}T${HH}:10:00Z`, cnt, country: 'KR', bid_sum: 1.5 })
    await store.write(
      `data/y=2023/m=01/d=${day}/H=${HH}/a b+c.gz`,
      gzipSync(`${row(1)}\n${row(2)}\n{"bundle": ,}\n`),
    )
  }
}

async function workspace(name: string, config: string): Promise<string> {
  const dir = await mkdtemp(join(root, `${name}-`))
  await writeFile(join(dir, 'bucketline.yaml'), config)
  return dir
}

const auctions =
  'feeds: { auctions: { store: bucket, prefix: data/, preset: metamarkets-rollup, max_rejected_percent: 50 } }'

interface Load {
  readonly partition: string
  readonly generation: number
  readonly state: string
  readonly rows_read: number
  readonly rows_published: number
  readonly duplicates: number
  readonly rejected: number
}

async function run(cwd: string, args: readonly string[], env: Record<string, string> = {}) {
  const { stdout } = await promisify(execFile)(bin, [...args, '--json'], {
    cwd,
    env: { ...process.env, BUCKETLINE_NOW: NOW, ...env },
    maxBuffer: 1 << 26,
  })
  return JSON.parse(stdout) as { loads: Load[]; rows: Record<string, unknown>[] }
}

const adding_up = (load: Load) =>
  load.rows_read === load.rows_published + load.duplicates + load.rejected

async function loadsFrom(store: ObjectStore, storeConfig: string): Promise<void> {
  await deliver(store, 3)
  const dir = await workspace('store', `stores: { bucket: ${storeConfig} }\n${auctions}\n`)
  const { loads } = await run(dir, ['load'])
  expect(loads.map((l) => l.partition)).toEqual(['2023-01-01T00', '2023-01-01T01', '2023-01-01T02'])
  expect(loads.every((l) => l.state === 'published' && l.rejected === 1 && adding_up(l))).toBe(true)
  expect((await run(dir, ['load'])).loads).toEqual([])
  // The partner replaces one object and adds another.
  await store.write(
    'data/y=2023/m=01/d=01/H=01/a b+c.gz',
    gzipSync('{"timestamp":"2023-01-01T01:00:00Z","cnt":7}\n'),
  )
  await store.write(
    'data/y=2023/m=01/d=01/H=02/late.gz',
    gzipSync('{"timestamp":"2023-01-01T02:00:00Z","cnt":9}\n'),
  )
  const again = (await run(dir, ['load'])).loads
  expect(again.map((l) => [l.partition, l.generation, l.rows_read])).toEqual([
    ['2023-01-01T01', 2, 1],
    ['2023-01-01T02', 2, 1],
  ])
  const { rows } = await run(dir, ['query', 'SELECT sum(cnt) AS cnt, count(*) AS n FROM auctions'])
  expect(rows).toEqual([{ cnt: 3 + 7 + 3 + 9, n: 6 }])
}

describe('bucketline load', () => {
  it('from S3', async () => {
    const { settings } = await start('versitygw')
    const { access_key_id = '', secret_access_key = '', url } = settings
    const { store, close } = await openS3Bucket(
      { url, access_key_id, secret_access_key },
      'receive',
    )
    await loadsFrom(
      store,
      `{ type: s3, bucket: receive, endpoint: "${url}", force_path_style: true, auth: { type: access_key, access_key_id: "${access_key_id}", secret_access_key: "${secret_access_key}" } }`,
    )
    await close?.()
  })
  it('from GCS', async () => {
    const { settings } = await start('fake-gcs-server')
    const { store, close } = await openGcsBucket(settings.url, 'receive')
    await loadsFrom(store, `{ type: gcs, bucket: receive, endpoint: "${settings.url}" }`)
    await close?.()
  })
})

describe('several loaders on one PostgreSQL ledger', () => {
  /** Loaders share the ledger and, as on a shared disk, the data directory. */
  async function shared(name: string, hours: number): Promise<string> {
    const { openLocal } = await import('../../src/store/local.ts')
    const { mkdir } = await import('node:fs/promises')
    const inbox = join(root, `${name}-inbox`)
    await mkdir(inbox)
    await using store = await openLocal(inbox)
    await deliver(store, hours)
    await promisify(execFile)('psql', [database, '-c', `CREATE DATABASE ${name}`])
    const url = new URL(database)
    url.pathname = `/${name}`
    return workspace(
      name,
      `ledger: { url: { env: LEDGER_URL } }\nstores: { bucket: { type: local, path: ${inbox} } }\n${auctions}\n# ${url}\n`,
    )
  }
  const env = async (dir: string) => ({
    LEDGER_URL:
      ((await readFile(join(dir, 'bucketline.yaml'), 'utf8')).match(/# (\S+)/) ?? [])[1] ?? '',
  })

  it('load each generation once between them', async () => {
    const dir = await shared('two', 16)
    const results = await Promise.all([
      run(dir, ['load'], await env(dir)),
      run(dir, ['load'], await env(dir)),
      run(dir, ['load'], await env(dir)),
    ])
    const loads = results.flatMap((r) => r.loads)
    expect(loads.map((l) => `${l.partition} ${l.generation}`).sort()).toEqual(
      Array.from({ length: 16 }, (_, h) => `2023-01-01T${String(h).padStart(2, '0')} 1`),
    )
    expect(loads.every(adding_up)).toBe(true)
    expect(
      (await run(dir, ['query', 'SELECT count(*) AS n FROM auctions'], await env(dir))).rows,
    ).toEqual([{ n: 32 }])
  })

  it('take over what a killed one had begun, once its lease is over', async () => {
    const dir = await shared('killed', 4)
    const killed = spawn(bin, ['load'], {
      cwd: dir,
      env: {
        ...process.env,
        BUCKETLINE_NOW: NOW,
        BUCKETLINE_CRASH_AT: 'moved',
        ...(await env(dir)),
      },
      stdio: 'ignore',
    })
    expect(await new Promise((resolve) => killed.on('exit', (_, signal) => resolve(signal)))).toBe(
      'SIGKILL',
    )
    const beside = (await run(dir, ['load'], await env(dir))).loads
    expect(beside.map((l) => l.partition)).toEqual([
      '2023-01-01T01',
      '2023-01-01T02',
      '2023-01-01T03',
    ])
    const later = { ...(await env(dir)), BUCKETLINE_NOW: '2023-01-10T01:00:00Z' }
    const after = (await run(dir, ['load'], later)).loads
    expect(after.map((l) => [l.partition, l.state, l.rows_published])).toEqual([
      ['2023-01-01T00', 'published', 2],
    ])
    expect((await run(dir, ['query', 'SELECT count(*) AS n FROM auctions'], later)).rows).toEqual([
      { n: 8 },
    ])
  })
})
