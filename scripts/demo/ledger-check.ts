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
 * Compares every load the ledger has with what the deliveries were made to become, no more and no
 * fewer, and adds them up. Throws an `AssertionError` naming the first difference.
 */
export async function checkLedger(
  data_dir: string,
  expected: readonly Expected[],
): Promise<Totals> {
  await using ledger = await openEmbeddedLedger({
    data_dir,
    role: 'reader',
    command: 'demo',
    now: new Date(),
  })
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

/** Loads of one partition stay in the order they ran in: sorting is stable. */
function byPartition(a: Expected, b: Expected): number {
  const [left, right] = [`${a.feed} ${a.partition}`, `${b.feed} ${b.partition}`]
  return left < right ? -1 : left > right ? 1 : 0
}
