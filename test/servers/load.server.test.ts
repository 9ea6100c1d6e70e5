import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../src/store/store.ts'
import { openGcsBucket } from './gcs-bucket.ts'
import { openHttpProxy } from './http-proxy.ts'
import type { ServerName } from './kinds.ts'
import { type RunningServer, startServer } from './launch.ts'
import type { AccessKey } from './minio-admin.ts'
import { type BucketOptions, openS3Bucket, s3Server } from './s3-bucket.ts'
import { addReader } from './s3-reader.ts'

/** Loads by the command line, from each kind of server into each kind of ledger. */
const bin = join(import.meta.dirname, '../../bin/bucketline')
const NOW = '2023-01-10T00:00:00Z'
const servers = new Map<ServerName, Promise<RunningServer>>()
let root = ''
let database = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'load-'))
  database = (await serverOf('postgresql')).settings.url
}, 120_000)
afterAll(async () => {
  await Promise.all([...servers.values()].map(async (server) => (await server).stop()))
  await rm(root, { recursive: true, force: true })
})

/** Each is started once for the whole file. */
function serverOf(name: ServerName): Promise<RunningServer> {
  const server = servers.get(name) ?? startServer(name)
  servers.set(name, server)
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

/** A run that may fail. */
async function attempt(cwd: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(bin, args, { cwd, env: { ...process.env, BUCKETLINE_NOW: NOW, ...env } })
  const [stdout, stderr, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on('exit', resolve)),
  ])
  return { status, stdout, stderr }
}

const adding_up = (load: Load) =>
  load.rows_read === load.rows_published + load.duplicates + load.rejected

/** What loading needs of each kind of server: a bucket to deliver into, and how a feed's store names it. */
interface Bucket {
  /** As the partner, who may write. */
  readonly partner: ObjectStore
  /** As we are let in: to read, where the server has users. */
  readonly config: string
}

let bucket_number = 0

const s3Config = (bucket: string, url: string, { access_key_id, secret_access_key }: AccessKey) =>
  JSON.stringify({
    type: 's3',
    bucket,
    endpoint: url,
    force_path_style: true,
    auth: { type: 'access_key', access_key_id, secret_access_key },
  })

async function s3Bucket(server: RunningServer, options: BucketOptions = {}): Promise<Bucket> {
  const name = nextBucket()
  const root = s3Server(server)
  const { store: partner } = await openS3Bucket(root, name, options)
  const key = server.name === 'moto' ? root : await addReader(server, name)
  return { partner, config: s3Config(name, root.url, key) }
}

async function gcsBucket({ settings: { url } }: RunningServer): Promise<Bucket> {
  const name = nextBucket()
  const { store: partner } = await openGcsBucket(url, name)
  return { partner, config: JSON.stringify({ type: 'gcs', bucket: name, endpoint: url }) }
}

function nextBucket(): string {
  bucket_number += 1
  return `receive-${bucket_number}`
}

/** `ledger` part of a configuration and its environment. */
const PGLITE = async () => ['', {}] as const
const POSTGRESQL = async () =>
  ['ledger: { url: { env: LEDGER_URL } }\n', await newDatabase()] as const

const COMBINATIONS = [
  ['minio', 'PGlite', s3Bucket, PGLITE],
  ['minio', 'PostgreSQL', s3Bucket, POSTGRESQL],
  ['versitygw', 'PGlite', s3Bucket, PGLITE],
  ['versitygw', 'PostgreSQL', s3Bucket, POSTGRESQL],
  ['fake-gcs-server', 'PGlite', gcsBucket, PGLITE],
  ['fake-gcs-server', 'PostgreSQL', gcsBucket, POSTGRESQL],
  ['moto', 'PostgreSQL', s3Bucket, POSTGRESQL],
] as const

let databases = 0
async function newDatabase(): Promise<{ LEDGER_URL: string }> {
  databases += 1
  await promisify(execFile)('psql', [database, '-c', `CREATE DATABASE loads_${databases}`])
  const url = new URL(database)
  url.pathname = `/loads_${databases}`
  return { LEDGER_URL: url.href }
}

describe('bucketline load', () => {
  it.each(COMBINATIONS)('from %s with a ledger in %s', async (name, _, newBucket, newLedger) => {
    const { partner, config } = await newBucket(await serverOf(name))
    await deliver(partner, 3)
    const [ledger, env] = await newLedger()
    const dir = await workspace('store', `${ledger}stores: { bucket: ${config} }\n${auctions}\n`)
    const { loads } = await run(dir, ['load'], env)
    const hours = ['2023-01-01T00', '2023-01-01T01', '2023-01-01T02']
    expect(loads.map((l) => l.partition)).toEqual(hours)
    for (const load of loads) expect(load).toMatchObject({ state: 'published', rejected: 1 })
    expect(loads.every(adding_up)).toBe(true)
    expect((await run(dir, ['load'], env)).loads).toEqual([])
    // The partner replaces one object and adds another.
    const key = (hour: string, file: string) => `data/y=2023/m=01/d=01/H=${hour}/${file}`
    const row = (hour: string, cnt: number) =>
      gzipSync(`${JSON.stringify({ timestamp: `2023-01-01T${hour}:00:00Z`, cnt })}\n`)
    await partner.write(key('01', 'a b+c.gz'), row('01', 7))
    await partner.write(key('02', 'late.gz'), row('02', 9))
    const again = (await run(dir, ['load'], env)).loads
    expect(again.map((l) => [l.partition, l.generation, l.rows_read])).toEqual([
      ['2023-01-01T01', 2, 1],
      ['2023-01-01T02', 2, 1],
    ])
    const sums = ['query', 'SELECT sum(cnt) AS cnt, count(*) AS n FROM auctions']
    expect((await run(dir, sums, env)).rows).toEqual([{ cnt: 3 + 7 + 3 + 9, n: 6 }])
  })
})

describe('an object replaced between plan and fetch', () => {
  it.each([
    ['in a plain bucket', {}],
    ['in a versioned bucket, where the old one is still there', { versioning: true }],
  ])('%s ends the load and not the data', async (_, options) => {
    const server = await serverOf('minio')
    const proxy = await openHttpProxy(server.settings.url)
    try {
      const { partner, config } = await s3Bucket(server, options)
      await deliver(partner, 2)
      const key = (hour: string) => `data/y=2023/m=01/d=01/H=${hour}/a b+c.gz`
      // In the versioned bucket this leaves a delete marker, which is no object.
      await partner.delete([key('01')])
      const newer = gzipSync('{"timestamp":"2023-01-01T00:10:00Z","cnt":40}\n')
      let replaced = 0
      proxy.before = async ({ method, path }) => {
        if (method !== 'GET' || path.includes('list-type') || replaced > 0) return
        replaced += 1
        await partner.write(key('00'), newer)
      }
      const [ledger, env] = await POSTGRESQL()
      const through_proxy = config.replace(server.settings.url, proxy.url)
      const store = `stores: { bucket: ${through_proxy} }`
      const dir = await workspace('raced', `${ledger}${store}\n${auctions}\n`)
      const { status, stdout } = await attempt(dir, ['load', '--json'], env)
      expect([replaced, status]).toEqual([1, 1])
      expect(JSON.parse(stdout).loads).toMatchObject([{ state: 'failed', rows_published: 0 }])
      expect(stdout).toContain('object_changed')
      const { loads } = await run(dir, ['load'], env)
      expect(loads).toMatchObject([
        { partition: '2023-01-01T00', state: 'published', rows_read: 1, rows_published: 1 },
      ])
      const { rows } = await run(dir, ['query', 'SELECT cnt FROM auctions'], env)
      expect(rows).toEqual([{ cnt: 40 }])
    } finally {
      await proxy.close()
    }
  })
})
