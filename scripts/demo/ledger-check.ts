import assert from 'node:assert/strict'
import type { LoadRecord } from '../../src/ledger/ledger.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'
import type { Expected } from './expected.ts'

export interface Totals {
  readonly loads: number
  readonly rows_read: number
  readonly rows_published: number
  readonly duplicates: number
  readonly rejected: number
}

/**
 * Checks that a partition (`events 2023-01-02`) whose later delivery was refused still serves the rows
 * of the one before. Throws an `AssertionError`.
 */
export async function checkStillServed(
  data_dir: string,
  name: string,
  before: readonly Expected[],
): Promise<void> {
  const delivery = before.find((each) => nameOf(each) === name)
  assert.ok(delivery, `${name} was delivered before`)
  const { feed, partition: day, rows_read, duplicates, rejected } = delivery
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0)
  await using ledger = await openLedger(data_dir)
  const [partition] = await ledger.partitions(feed, { from: day, to: day })
  assert.equal(partition?.state, 'refused', `state of ${name}`)
  assert.equal(partition.served_generation, 1, `served generation of ${name}`)
  assert.equal(partition.rows, rows_read - duplicates - refused, `served rows of ${name}`)
}

/**
 * Compares every load the ledger has with what the deliveries were made to become, no more and no
 * fewer, and adds them up. Throws an `AssertionError` naming the first difference.
 */
export async function checkLedger(
  data_dir: string,
  expected: readonly Expected[],
): Promise<Totals> {
  await using ledger = await openLedger(data_dir)
  const loads = await ledger.loads({})
  assert.deepEqual(loads.map(asExpected).sort(byPartition), [...expected].sort(byPartition))
  const sum = (field: Exclude<keyof Totals, 'loads'>) =>
    loads.reduce((total, load) => total + (load.state === 'published' ? load[field] : 0), 0)
  const totals = {
    loads: loads.length,
    rows_read: sum('rows_read'),
    rows_published: sum('rows_published'),
    duplicates: sum('duplicates'),
    rejected: sum('rejected'),
  }
  assert.equal(
    totals.rows_read,
    totals.rows_published + totals.duplicates + totals.rejected,
    'rows read = published + duplicates + rejected',
  )
  return totals
}

const openLedger = (data_dir: string) =>
  openEmbeddedLedger({ data_dir, role: 'reader', command: 'npm run demo', now: new Date() })

function asExpected(load: LoadRecord): Expected {
  const rejected: Record<string, number> = {}
  for (const { code, count } of load.reject_summary) rejected[code] = (rejected[code] ?? 0) + count
  assert.ok(
    load.state === 'published' || load.state === 'refused',
    `${load.partition}: ${load.message}`,
  )
  return {
    feed: load.feed,
    partition: load.partition,
    state: load.state,
    rows_read: load.rows_read,
    duplicates: load.duplicates,
    rejected,
  }
}

const nameOf = ({ feed, partition }: Expected): string => `${feed} ${partition}`

/** Loads of one partition stay in the order they ran in: sorting is stable. */
const byPartition = (a: Expected, b: Expected): number =>
  nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0
