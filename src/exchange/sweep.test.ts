import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sampleFeed } from '../../test/sample-feed.ts'
import { openDuckdbEngine } from '../engine/duckdb.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { openEmbeddedLedger } from '../ledger/pglite.ts'
import { dataPaths, generationPath } from './paths.ts'
import { sweepFeed, sweepStaging } from './sweep.ts'

let data_dir: string
let ledger: Ledger
const feed = sampleFeed()
const start = Date.parse('2023-01-07T05:00:00Z')
const at = (seconds: number) => new Date(start + seconds * 1000)
const LEASE_S = 10

beforeAll(async () => {
  data_dir = await mkdtemp(join(tmpdir(), 'sweep-'))
  ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now: at(0) })
}, 120_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  await rm(data_dir, { recursive: true })
})

/** A load that has begun, staged a file and moved another, and not published yet. */
async function moved(partition: string) {
  const object = { key: `dt=${partition}/a`, version: 'v1', size: 1 }
  const seen = { ...object, modified_at: at(0), role: 'data' } as const
  await ledger.observe(feed.name, [{ partition, objects: [seen], complete: true }], [], at(0))
  const begun = await ledger.beginLoad({
    feed: feed.name,
    partition,
    reason: 'first',
    objects: [object],
    contract_hash: feed.contract_hash,
    settings_hash: feed.settings_hash,
    holder: 'a:1',
    lease_ms: LEASE_S * 1000,
    exclusive_feed: false,
    now: at(0),
  })
  if (begun === undefined) throw new Error('the load did not begin')
  const { load_id } = begun
  const paths = dataPaths(data_dir)
  const path = `${generationPath(feed.name, partition, 1, load_id)}/data.parquet`
  for (const file of [join(paths.staging, load_id, 'x'), join(paths.datasets, path)]) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, 'rows')
  }
  const none = { rows_read: 1, rows_published: 1, duplicates: 0, rejected: 0, objects: 1, bytes: 1 }
  const publish = (now: Date) =>
    ledger.publish(load_id, {
      counts: none,
      files: [{ kind: 'data', path, rows: 1, bytes: 4, objects: [object] }],
      kept_files: [],
      objects: [],
      rejects: [],
      notes: [],
      republished: [],
      now,
    })
  const left = async () => ({
    staged: (await readdir(paths.staging)).includes(load_id),
    moved: (await readdir(paths.datasets, { recursive: true })).includes(path),
  })
  return { publish, left }
}

const tools = (now: Date) => {
  const paths = dataPaths(data_dir)
  const limits = { memory_limit: '128MB', spill_dir: paths.spill }
  const engine = openDuckdbEngine({ ...limits, datasets_dir: paths.datasets })
  return { ledger, engine, paths, now: () => now }
}

test('leaves what a load with a live claim has staged and moved', async () => {
  const load = await moved('2023-01-01')
  await sweepStaging(tools(at(LEASE_S - 1)))
  expect(await sweepFeed(feed, tools(at(LEASE_S - 1)))).toMatchObject({ files: 0 })
  expect(await load.left()).toEqual({ staged: true, moved: true })
  await load.publish(at(LEASE_S - 1))
})

test('removes the files of a load whose claim ran out together with the claim', async () => {
  const load = await moved('2023-01-02')
  expect(await sweepFeed(feed, tools(at(LEASE_S)))).toMatchObject({ files: 1 })
  expect(await load.left()).toEqual({ staged: true, moved: false })
  // It was only stalled: what it would serve now is gone.
  await expect(load.publish(at(LEASE_S))).rejects.toMatchObject({ code: 'lease_lost' })
})

test('a staging folder goes together with the claim, too', async () => {
  const load = await moved('2023-01-03')
  await sweepStaging(tools(at(LEASE_S)))
  expect(await load.left()).toEqual({ staged: false, moved: true })
  await expect(load.publish(at(LEASE_S))).rejects.toMatchObject({ code: 'lease_lost' })
})
