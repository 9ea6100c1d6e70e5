import { join } from 'node:path'
import type { Feed } from '../../core/feed.ts'
import { literal } from '../../duckdb/duckdb.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import type { PlanItem } from '../plan/plan.ts'

/**
 * The served rows of a partition that a load leaves as they are, as a SELECT: with `append` those
 * of objects it need not read again. Undefined where there are none, or no rule looks at them.
 */
export async function keptRows(
  feed: Feed,
  item: PlanItem,
  { ledger, datasets_dir }: { readonly ledger: Ledger; readonly datasets_dir: string },
): Promise<string | undefined> {
  if (feed.contract.quality.length === 0 || item.reads.length === item.objects.length)
    return undefined
  const read = new Set(item.reads.map((o) => o.key))
  const stays = new Set(item.objects.filter((o) => !read.has(o.key)).map((o) => o.key))
  const served = await ledger.servedFiles(feed.name, { partitions: [item.partition] })
  const files = served.filter((f) => f.kind === 'data' && f.objects.some((o) => stays.has(o.key)))
  if (files.length === 0) return undefined
  const gone = files.flatMap((f) => f.objects.filter((o) => !stays.has(o.key)))
  const paths = files.map((f) => literal(join(datasets_dir, f.path))).join(', ')
  const left =
    gone.length === 0 ? '' : ` WHERE _object NOT IN (${gone.map((o) => literal(o.key)).join(', ')})`
  return `SELECT * FROM read_parquet([${paths}], union_by_name = true, hive_partitioning = false)${left}`
}
