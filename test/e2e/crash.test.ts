import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { openDuckdb } from '../../src/duckdb/duckdb.ts'
import { LOAD_STEPS } from '../../src/exchange/load/load.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'

/**
 * Promise 2: killed at any instant and run again, the dataset and the counts are as if it ran once.
 * The loader is killed for real at every named step of a load, in each way of publishing.
 */
const bin = join(import.meta.dirname, '../../bin/bucketline')
const NOW = '2023-01-04T06:00:00Z'
let root = ''
let template = ''
let clean: Outcome

interface Outcome {
  readonly datasets: unknown
  readonly partitions: unknown
  readonly published: unknown
  readonly files: readonly string[]
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'crash-'))
  template = join(root, 'template')
  await writeDeliveries(template)
  // The state every crash starts from has a generation that is served: it must survive.
  expect(await load(template)).toBe(0)
  await writeSecondDeliveries(template)
  const dir = await copyOf('clean')
  expect(await load(dir)).toBe(0)
  clean = await outcome(dir)
  expect(clean.published).toHaveLength(7)
}, 120_000)
afterAll(() => rm(root, { recursive: true, force: true }))

describe('a load killed with SIGKILL and run again', () => {
  const cases = [
    ...LOAD_STEPS.map((step) => `${step}@events`),
    ...['staged', 'moved', 'committed'].flatMap((step) => [`${step}@auctions`, `${step}@users`]),
  ]
  it.each(cases)('at %s leaves dataset, ledger and counts of one clean run', async (step) => {
    const dir = await copyOf(step)
    expect(await load(dir, { BUCKETLINE_CRASH_AT: step })).toBe('SIGKILL')
    expect(await load(dir)).toBe(0)
    expect(await outcome(dir)).toEqual(clean)
    expect(await readdir(join(dir, '.bucketline/staging'))).toEqual([])
    await rm(dir, { recursive: true })
  })

  it('serves the generation before until the new one is committed', async () => {
    const dir = await copyOf('served')
    expect(await load(dir, { BUCKETLINE_CRASH_AT: 'moved@events' })).toBe('SIGKILL')
    expect((await outcome(dir)).datasets).toMatchObject([{ length: 3 }, {}, {}])
  })
})

/** A day of events, an hour of auctions, a day of users. */
async function writeDeliveries(dir: string): Promise<void> {
  await put(
    dir,
    'bucketline.yaml',
    `
stores: { inbox: { type: local, path: ./inbox } }
feeds:
  events: { store: inbox, prefix: events/, preset: hackle-events, max_rejected_percent: 50 }
  auctions: { store: inbox, prefix: auctions/, preset: metamarkets-rollup }
  users: { store: inbox, prefix: users/, preset: toplyne-users }
`,
  )
  await events(dir, 'a.parquet', 3)
  await put(dir, 'inbox/auctions/y=2023/m=01/d=02/H=05/a.gz', gzipSync(auction(1) + auction(2)))
  await put(
    dir,
    'inbox/users/updated_at=2023-01-01/a.csv',
    'USER_ID,UPDATED_AT,Country\n1,2023-01-01 10:00:00,UK\n2,2023-01-01 11:00:00,FR\n',
  )
}

/** A late object for each feed, a bad row, and a user whose old row is beaten. */
async function writeSecondDeliveries(dir: string): Promise<void> {
  await events(dir, 'b.parquet', 2)
  await put(dir, 'inbox/auctions/y=2023/m=01/d=02/H=05/b.gz', gzipSync(auction(3)))
  await put(dir, 'inbox/auctions/y=2023/m=01/d=02/H=06/a.gz', gzipSync(auction(4, '06')))
  await put(
    dir,
    'inbox/users/updated_at=2023-01-02/a.csv',
    'USER_ID,UPDATED_AT,Country\n1,2023-01-02 10:00:00,DE\n3,2023-01-02 11:00:00,KR\n',
  )
}

const auction = (cnt: number, hour = '05') =>
  `${JSON.stringify({ timestamp: `2023-01-02T${hour}:10:00Z`, cnt, country: 'USA', bid_sum: cnt * 1.5 })}\n`

async function events(dir: string, name: string, rows: number): Promise<void> {
  const path = join(dir, 'inbox/events/dt=2023-01-02', name)
  await mkdir(dirname(path), { recursive: true })
  await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(root, 'spill') })
  const id = `md5('${name}' || i)`
  await duckdb.run(`COPY (SELECT CASE WHEN i = 1 AND '${name}' = 'b.parquet' THEN 'no uuid' ELSE (${id}::VARCHAR)[1:8] || '-0000-4000-8000-' || (${id})[1:12] END AS insert_id,
    'buy' AS event_key, TIMESTAMP '2023-01-02 03:00:00' + to_seconds(i) AS ts, 1.5::DECIMAL(24,6) AS metric_value,
    MAP {'id': 'i' || i, 'device_id': 'd' || i} AS identifiers, MAP {'k': 'v'} AS event_properties, MAP {'k': 'v'} AS user_properties,
    MAP {'osname': 'iOS', 'appversion': '1.0'} AS platform_properties FROM range(${rows}) t(i)) TO '${path}' (FORMAT parquet)`)
  await put(dir, 'inbox/events/dt=2023-01-02/_SUCCESS', '')
}

async function put(dir: string, path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true })
  await writeFile(join(dir, path), content)
}

async function copyOf(name: string): Promise<string> {
  const dir = join(root, name.replace('@', '-'))
  // Object versions are made of times and inodes, so the inbox stays one folder for all copies.
  await mkdir(dir)
  await cp(join(template, '.bucketline'), join(dir, '.bucketline'), {
    recursive: true,
    filter: (path) => !path.includes('.s.PGSQL'),
  })
  const config = `stores: { inbox: { type: local, path: ${JSON.stringify(join(template, 'inbox'))} } }`
  const text = await readFile(join(template, 'bucketline.yaml'), 'utf8')
  await writeFile(join(dir, 'bucketline.yaml'), text.replace(/stores: .*/, config))
  return dir
}

/** Exit code of a load, or the signal that ended it. */
function load(cwd: string, env: Record<string, string> = {}): Promise<number | string> {
  return new Promise((resolve, reject) => {
    const child = spawn(bin, ['load', '--json'], {
      cwd,
      env: { ...process.env, BUCKETLINE_NOW: NOW, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (said !== '' && code !== 0) process.stderr.write(said)
      resolve(signal ?? code ?? -1)
    })
  })
}

/** The state of a data directory, read in this process: a command for each part would take most of the time. */
async function outcome(dir: string): Promise<Outcome> {
  const env = { ...process.env, BUCKETLINE_NOW: NOW }
  const { signal } = new AbortController()
  const app = await openApp({
    config_file: 'bucketline.yaml',
    cwd: dir,
    env,
    command: 'test',
    signal,
  })
  const query = async (sql: string) => (await app.query(sql)).rows
  const datasets = [
    await query('SELECT * FROM events ORDER BY insert_id'),
    await query('SELECT * FROM auctions ORDER BY cnt'),
    await query('SELECT * FROM users ORDER BY USER_ID'),
  ]
  const { partitions } = await app.status({ feeds: [] })
  await app[Symbol.asyncDispose]()
  return {
    datasets,
    partitions: partitions.map(
      ({ feed, partition, state, generation, served_generation, objects, rows, timeliness }) => ({
        feed,
        partition,
        state,
        generation,
        served_generation,
        objects,
        rows,
        timeliness,
      }),
    ),
    published: await publishedLoads(dir),
    // Names hold the load's id, which differs from run to run.
    files: (await filesBelow(join(dir, '.bucketline/datasets')))
      .map((f) => f.replace(/-[0-9a-z-]{20,}\//i, '-ID/'))
      .sort(),
  }
}

/** Counts of the loads that published, from the ledger itself. */
async function publishedLoads(dir: string): Promise<unknown[]> {
  await using ledger = await openEmbeddedLedger({
    data_dir: join(dir, '.bucketline'),
    role: 'reader',
    command: 'test',
    now: new Date(NOW),
  })
  return (await ledger.loads({}))
    .filter((l) => l.state === 'published')
    .map(
      ({
        feed,
        partition,
        generation,
        reason,
        rows_read,
        rows_published,
        duplicates,
        rejected,
        objects,
        bytes,
        reject_summary,
      }) => ({
        feed,
        partition,
        generation,
        reason,
        rows_read,
        rows_published,
        duplicates,
        rejected,
        objects,
        bytes,
        reject_summary,
      }),
    )
    .sort((a, b) =>
      `${a.feed}${a.partition}${a.generation}`.localeCompare(
        `${b.feed}${b.partition}${b.generation}`,
      ),
    )
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((e) => e.isFile())
    .map((e) => join(e.parentPath, e.name).slice(dir.length + 1))
}
