import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countingStore } from '../../../test/counting-store.ts'
import { publishAll } from '../../../test/publish-all.ts'
import { sampleFeed } from '../../../test/sample-feed.ts'
import { writeKey } from '../../core/layout/layout.ts'
import { type Partition, parsePartition, partitionsBetween } from '../../core/partition.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openEmbeddedLedger } from '../../ledger/pglite.ts'
import { openMemory } from '../../store/memory.ts'
import { discover } from './discover.ts'

/** A later run's cost: open partitions and new objects, whatever lies in the closed ones. */

const loaded_at = new Date('2023-01-01T00:00:00Z')
const later = new Date('2023-03-20T12:00:00Z')

let data_dir: string
let ledger: Ledger

beforeAll(async () => {
  data_dir = mkdtempSync(join(tmpdir(), 'discover-'))
  const now = new Date()
  ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now })
}, 120_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  rmSync(data_dir, { recursive: true })
})

describe.each([
  {
    layout: 'dt={yyyy}-{MM}-{dd}/{file}',
    old_objects: 10_000,
    first: '2022-05-01',
    last: '2022-12-31',
  },
  {
    layout: 'y={yyyy}/m={MM}/d={dd}/H={HH}/{file}',
    old_objects: 200_000,
    first: '2022-12-01T00',
    last: '2022-12-31T23',
  },
])('$layout', ({ layout, old_objects, first, last }) => {
  const feed = sampleFeed({ name: `feed_${first.length}`, layout, recheck: 3 })
  const store = countingStore(openMemory())
  const closed = [...partitionsBetween(parsePartition(first), parsePartition(last))]
  const nothing = new Uint8Array()
  const fill = async (partition: Partition, count: number) => {
    for (let i = 0; i < count; i++) {
      await store.write(writeKey(feed.layout, partition, { file: `part-${i}` }), nothing)
    }
  }
  const run = async () => {
    Object.assign(store.counts, { lists: 0, keys: 0, prefixes: 0, reads: 0, heads: 0 })
    const found = await discover(feed, { store, ledger, now: later, mode: 'new' })
    return { found, counts: { ...store.counts } }
  }
  const per_partition = Math.ceil(old_objects / closed.length)

  test(`${old_objects} objects in ${closed.length} closed partitions`, {
    timeout: 300_000,
  }, async () => {
    for (const partition of closed) await fill(partition, per_partition)
    const found = await discover(feed, { store, ledger, now: loaded_at, mode: 'new' })
    expect(found.objects).toBeGreaterThanOrEqual(old_objects)
    expect(store.counts).toMatchObject({ lists: 1, keys: found.objects })
    expect(await publishAll(feed, ledger, loaded_at)).toHaveLength(closed.length)

    // Nothing new: the directories that are walked and the three partitions whose turn it is.
    const quiet = await run()
    expect(quiet.found).toMatchObject({ full: false, new_objects: 0 })
    expect(quiet.found.partitions).toHaveLength(3)
    expect(quiet.counts.keys).toBe(3 * per_partition)
    const levels = feed.layout.levels.length - 1
    const directories = levels === 1 ? closed.length : 1 + 1 + 31 + 24
    expect(quiet.counts).toMatchObject({
      lists: levels + 3,
      prefixes: directories,
      reads: 0,
      heads: 0,
    })

    // Two new partitions cost what they hold, and the way to them.
    const day =
      feed.layout.grain === 'day'
        ? ['2023-03-19', '2023-03-20']
        : ['2023-03-20T10', '2023-03-20T11']
    for (const name of day) await fill(parsePartition(name), 10)
    const busy = await run()
    expect(busy.found).toMatchObject({ new_partitions: 2, new_objects: 20 })
    expect(busy.counts.keys).toBe(3 * per_partition + 20)
    const way = levels === 1 ? 0 : levels - 1
    expect(busy.counts.lists).toBe(quiet.counts.lists + way + 2)
    expect(busy.counts.prefixes).toBe(quiet.counts.prefixes + way + 2)
  })
})
