import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { countingStore } from '../../../test/counting-store.ts'
import { publishAll } from '../../../test/publish-all.ts'
import { type SampleFeed, sampleFeed } from '../../../test/sample-feed.ts'
import type { Feed } from '../../core/feed.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openEmbeddedLedger } from '../../ledger/pglite.ts'
import { openLocal } from '../../store/local.ts'
import { openMemory } from '../../store/memory.ts'
import type { ObjectStore } from '../../store/store.ts'
import { plan } from '../plan/plan.ts'
import { type Discovery, discover } from './discover.ts'

const day_ms = 86_400_000

let data_dir: string
let ledger: Ledger
let store: ReturnType<typeof countingStore>
let feeds = 0

beforeAll(async () => {
  data_dir = mkdtempSync(join(tmpdir(), 'discover-'))
  const now = new Date()
  ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now })
}, 120_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  rmSync(data_dir, { recursive: true })
})
beforeEach(() => {
  store = countingStore(openMemory())
})

/** Every test has a feed of its own in the one ledger. */
function feedOf(own: SampleFeed): Feed {
  feeds += 1
  return sampleFeed({ name: `feed${feeds}`, ...own })
}

async function put(to: ObjectStore, keys: readonly string[], text = 'x'): Promise<void> {
  for (const key of keys) await to.write(key, new TextEncoder().encode(text))
}

const look = (feed: Feed, now = new Date(), mode: 'new' | 'all' = 'new'): Promise<Discovery> =>
  discover(feed, { store, ledger, now, mode })

const names = (found: Discovery) => found.partitions.map(({ partition }) => partition)
const strays = (found: Discovery) => found.strays.map(({ object, code }) => `${code} ${object}`)

describe('a first run', () => {
  test('says what it found, what strays there are and what it passed over', async () => {
    const feed = feedOf({ prefix: 'in/', layout: 'dt={yyyy}-{MM}-{dd}/{file}.parquet' })
    await put(store, [
      'in/dt=2023-01-01/a.parquet',
      'in/dt=2023-01-01/b.parquet',
      'in/dt=2023-01-01/_SUCCESS',
      'in/dt=2023-01-01/.a.parquet.crc',
      'in/dt=2023-01-01/part.csv',
      'in/dt=2023-01-02/_temporary/0/a.parquet',
      'in/dt=2023-01-02/a.parquet',
      'in/dt=2023-1-03/a.parquet',
      'in/dt=03-01-2023/a.parquet',
      'in/readme.txt',
      'other/dt=2023-01-01/a.parquet',
    ])
    const found = await look(feed)
    expect(found).toMatchObject({
      first: true,
      full: true,
      partitions: [
        { partition: '2023-01-01', objects: 2, bytes: 2, complete: true },
        { partition: '2023-01-02', objects: 1, bytes: 1, complete: true },
      ],
      new_partitions: 2,
      new_objects: 3,
      objects: 3,
      bytes: 3,
      ignored: { _SUCCESS: 1, '*.crc': 1, _temporary: 1 },
      requests: 1,
    })
    expect(strays(found)).toEqual([
      'wrong_order in/dt=03-01-2023/a.parquet',
      'stray_object in/dt=2023-01-01/part.csv',
      'unpadded in/dt=2023-1-03/a.parquet',
      'stray_object in/readme.txt',
    ])
    expect(await ledger.strays(feed.name)).toEqual(found.strays)
  })

  test('begins at the feed’s start and still sees strays before it', async () => {
    const feed = feedOf({ layout: 'y={yyyy}/m={MM}/d={dd}/{file}', start: '2023-02-15' })
    await put(store, [
      'a/stray',
      'y=2021/m=01/d=01/a',
      'y=2022/m=12/d=31/a',
      'y=2023/m=02/d=14/a',
      'y=2023/m=02/d=15/a',
      'y=2023/m=03/d=01/a',
    ])
    const found = await look(feed)
    expect(names(found)).toEqual(['2023-02-15', '2023-03-01'])
    expect(found.before_start).toBe(2)
    expect(strays(found)).toEqual(['stray_object a/stray'])
    // One listing from above, the stray directory, and the one from the start on.
    expect(store.counts).toMatchObject({ lists: 3, keys: 3 })
  })

  test('filters by start where keys do not sort by time', async () => {
    const feed = feedOf({ layout: 'r={region}/{yyyy}-{MM}/{file}', start: '2023-02' })
    await put(store, ['r=a/2023-01/x', 'r=a/2023-02/x', 'r=b/2023-01/x', 'r=b/2023-02/x'])
    const found = await look(feed)
    expect(found.partitions).toMatchObject([{ partition: '2023-02', objects: 2 }])
    expect(found.before_start).toBe(2)
  })

  test('a start that is no partition is refused', async () => {
    await expect(look(feedOf({ start: '2023-02-30' }))).rejects.toMatchObject({
      code: 'partition_invalid',
    })
  })
})

describe('a later run', () => {
  test('sees a new, a changed, an added and a removed object', async () => {
    const feed = feedOf({})
    await put(store, ['dt=2023-01-01/a', 'dt=2023-01-02/a', 'dt=2023-01-02/b', 'dt=2023-01-03/a'])
    const now = new Date()
    await look(feed, now)
    expect(await publishAll(feed, ledger, now)).toEqual(['2023-01-01', '2023-01-02', '2023-01-03'])
    expect((await look(feed)).new_objects).toBe(0)
    expect(await publishAll(feed, ledger, now)).toEqual([])

    await put(store, ['dt=2023-01-01/a'], 'changed')
    await store.delete(['dt=2023-01-02/b', 'dt=2023-01-03/a'])
    await put(store, ['dt=2023-01-04/a'])
    const found = await look(feed)
    expect(found).toMatchObject({ full: false, new_partitions: 1, new_objects: 2 })
    const { items, not_loaded } = await plan(feed, { ledger, discovered: names(found) })
    expect(items).toMatchObject([
      {
        partition: '2023-01-01',
        reason: 'changed_object',
        reason_text: '1 object changed: dt=2023-01-01/a',
        generation: 2,
      },
      { partition: '2023-01-02', reason: 'removed_object', removed: ['dt=2023-01-02/b'] },
      { partition: '2023-01-04', reason: 'first', generation: 1 },
    ])
    expect(not_loaded).toMatchObject([{ partition: '2023-01-03', why: 'all_objects_removed' }])
  })

  test('keeps the strays of directories it does not look into, and drops those that are gone', async () => {
    const feed = feedOf({ layout: 'dt={yyyy}-{MM}-{dd}/{file}.gz', recheck: 0 })
    await put(store, ['dt=2023-01-01/a.gz', 'dt=2023-01-01/odd', 'junk/x', 'dt=2023-01-02/a.gz'])
    const then = new Date()
    await look(feed, then)
    await publishAll(feed, ledger, then)
    await store.delete(['junk/x'])
    await put(store, ['dt=2023-01-03/odd'])
    const found = await look(feed, new Date(then.getTime() + 8 * day_ms))
    expect(names(found)).toEqual([])
    expect(strays(found)).toEqual([
      'stray_object dt=2023-01-01/odd',
      'stray_object dt=2023-01-03/odd',
    ])
    expect(await ledger.strays(feed.name)).toEqual(found.strays)
  })

  test('looks at closed partitions again in turn', async () => {
    const feed = feedOf({ layout: 'y={yyyy}/m={MM}/d={dd}/{file}', recheck: 2 })
    const all = ['01', '02', '03', '04', '05'].map((d) => `y=2022/m=03/d=${d}/a`)
    await put(store, all)
    const then = new Date()
    await look(feed, then)
    await publishAll(feed, ledger, then)
    const seen: string[][] = []
    for (let run = 1; run <= 3; run++) {
      seen.push(names(await look(feed, new Date(then.getTime() + (60 + run) * day_ms))))
    }
    expect(seen).toEqual([
      ['2022-03-01', '2022-03-02'],
      ['2022-03-03', '2022-03-04'],
      ['2022-03-01', '2022-03-05'],
    ])
  })

  test('passes over a month of closed partitions, but not while days of it may still come', async () => {
    const feed = feedOf({ layout: 'y={yyyy}/m={MM}/d={dd}/{file}', recheck: 0 })
    const days = (month: string, count: number) =>
      Array.from(
        { length: count },
        (_, i) => `y=2022/m=${month}/d=${String(i + 1).padStart(2, '0')}/a`,
      )
    await put(store, [...days('01', 31), ...days('02', 27)])
    const then = new Date('2022-03-01T00:00:00Z')
    await look(feed, then)
    await publishAll(feed, ledger, then)
    store.counts.lists = 0
    const missing_day = 'y=2022/m=02/d=28/a'
    // January is whole and over: only the root, the year and February are listed.
    await look(feed, new Date('2022-03-15T00:00:00Z'))
    expect(store.counts.lists).toBe(3)
    await put(store, [missing_day])
    expect(names(await look(feed, new Date('2022-03-16T00:00:00Z')))).toEqual(['2022-02-28'])
  })

  test('finds a new region of a closed partition and lists all of its regions', async () => {
    const feed = feedOf({ layout: 'region={region}/dt={yyyy}-{MM}-{dd}/{file}', recheck: 0 })
    await put(store, [
      'region=a/dt=2022-01-01/x',
      'region=b/dt=2022-01-01/x',
      'region=a/dt=2022-01-02/x',
    ])
    const then = new Date('2022-01-03T00:00:00Z')
    await look(feed, then)
    await publishAll(feed, ledger, then)
    const later = new Date('2022-06-01T00:00:00Z')
    expect(names(await look(feed, later))).toEqual([])
    await put(store, ['region=c/dt=2022-01-01/x'])
    const found = await look(feed, later)
    expect(found.partitions).toMatchObject([{ partition: '2022-01-01', objects: 3 }])
    expect(found.new_objects).toBe(1)
  })
})

describe('completion', () => {
  test('a day without its marker waits, and so does one whose marker is older than a part', async () => {
    const feed = feedOf({ completion: { type: 'marker' } })
    await put(store, ['dt=2023-01-01/a', 'dt=2023-01-02/a'])
    await put(store, ['dt=2023-01-02/_SUCCESS'], '')
    let found = await look(feed)
    expect(found.partitions).toMatchObject([
      { partition: '2023-01-01', complete: false, waiting_for: 'no_marker' },
      { partition: '2023-01-02', complete: true, objects: 1 },
    ])
    await new Promise((resolve) => setTimeout(resolve, 5))
    await put(store, ['dt=2023-01-02/b'])
    found = await look(feed)
    expect(found.partitions[1]).toMatchObject({
      waiting_for: 'stale_marker',
      detail: 'dt=2023-01-02/b',
    })
    const { items, not_loaded } = await plan(feed, { ledger })
    expect(items).toEqual([])
    expect(not_loaded).toMatchObject([
      { waiting_for: 'no_marker' },
      { waiting_for: 'stale_marker' },
    ])
    await put(store, ['dt=2023-01-02/_SUCCESS'], '')
    found = await look(feed)
    expect(found.partitions[1]).toMatchObject({ complete: true, objects: 2 })
  })

  test('a manifest names the parts, and what it does not name is a stray', async () => {
    const feed = feedOf({ prefix: 'in', completion: { type: 'manifest' } })
    await put(store, ['in/dt=2023-01-01/a', 'in/dt=2023-01-01/b', 'in/dt=2023-01-02/a'])
    const manifest = JSON.stringify({ files: [{ path: 'a', size: 1 }] })
    await put(store, ['in/dt=2023-01-01/manifest.json'], manifest)
    await put(store, ['in/dt=2023-01-02/manifest.json'], '{"files": [')
    const found = await look(feed)
    expect(found.partitions).toMatchObject([
      { partition: '2023-01-01', complete: true, objects: 1 },
      {
        partition: '2023-01-02',
        complete: false,
        waiting_for: 'manifest_invalid',
        detail: expect.stringContaining('not valid JSON'),
      },
    ])
    expect(strays(found)).toEqual(['not_in_manifest in/dt=2023-01-01/b'])
  })

  test('a marker needs a directory per partition', async () => {
    const feed = feedOf({ layout: '{yyyy}-{MM}-{dd}-{file}', completion: { type: 'marker' } })
    await expect(look(feed)).rejects.toMatchObject({ code: 'layout_invalid' })
  })
})

test('of a directory that does not fit a thousand objects are named', async () => {
  const feed = feedOf({})
  await put(store, ['dt=2023-01-01/a', ...Array.from({ length: 1100 }, (_, i) => `other/${i}/x`)])
  for (const mode of ['new', 'new', 'all'] as const) {
    const found = await look(feed, new Date(), mode)
    expect(found.strays.length).toBe(1001)
    expect(found.strays[0]).toMatchObject({
      object: 'other/',
      reason: expect.stringContaining('more than'),
    })
  }
})

test('in a folder, where a file can be seen growing, a quiet period waits for its end', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'inbox-'))
  await using local = await openLocal(folder)
  const completion = { type: 'quiet_period', quiet: '1h' } as const
  const feed = feedOf({ layout: 'y={yyyy}/m={MM}/{file}.csv', completion })
  await put(local, ['y=2023/m=01/a.csv', 'y=2023/m=02/.hidden', 'y=2023/m=2/a.csv', 'y=2023/x'])
  const lookLocal = (now: Date) => discover(feed, { store: local, ledger, now, mode: 'new' })
  const soon = await lookLocal(new Date())
  expect(soon.partitions).toMatchObject([{ partition: '2023-01', waiting_for: 'quiet_period' }])
  expect(strays(soon)).toEqual(['unpadded y=2023/m=2/a.csv', 'stray_object y=2023/x'])
  appendFileSync(join(folder, 'y=2023/m=01/a.csv'), 'more')
  const grown = await lookLocal(new Date())
  expect(grown).toMatchObject({ full: false, new_objects: 1, bytes: 5 })
  const later = await lookLocal(new Date(Date.now() + 2 * 3_600_000))
  expect(later.partitions).toMatchObject([{ partition: '2023-01', complete: true, objects: 1 }])
  expect(strays(later)).toEqual(strays(soon))
  rmSync(folder, { recursive: true })
})

test('an aborted run records no partition it has not seen whole', async () => {
  const feed = feedOf({})
  await put(store, ['dt=2023-01-01/a', 'dt=2023-01-02/a'])
  const stop = new AbortController()
  stop.abort(new Error('stopped'))
  const run = discover(feed, { store, ledger, now: new Date(), mode: 'new', signal: stop.signal })
  await expect(run).rejects.toThrow('stopped')
  expect(await ledger.partitions(feed.name)).toEqual([])
})
