import { ExchangeError } from '../core/errors.ts'
import type { Sql } from './database.ts'
import { insertFiles, members, setMembers, sweptMembers } from './files.ts'
import type { NewFile, Republication } from './ledger.ts'
import { type LockedPartition, lockByName } from './partitions.ts'
import { deriveGeneration, republish, serve } from './publish.ts'

export interface RollbackChange {
  readonly republished: readonly Republication[]
  readonly data?: readonly NewFile[]
  readonly now: Date
}

/** Serves an older generation, or a new one of its objects where `data` says its winners differ. */
export async function rollback(
  sql: Sql,
  target: { readonly feed: string; readonly partition: string; readonly generation: number },
  change: RollbackChange,
): Promise<void> {
  const { feed, generation } = target
  await sql.query('SELECT 1 FROM feeds WHERE feed = $1 FOR NO KEY UPDATE', [feed])
  const names = [target.partition, ...change.republished.map(({ partition }) => partition)]
  const partitions = await lockByName(sql, feed, names)
  const partition = partitions.get(target.partition) as LockedPartition
  await refuseWhileLoading(sql, feed, partitions, change.now)

  const name = `Generation ${generation} of partition ${target.partition} of ${feed}`
  const [published] = await sql.query<{ load_id: string }>(
    `SELECT load_id FROM generations
     WHERE partition_id = $1 AND generation = $2 AND published_at IS NOT NULL`,
    [partition.partition_id, generation],
  )
  if (published === undefined) {
    throw new ExchangeError('generation_unavailable', `${name} was never published.`)
  }
  const swept = await sweptMembers(sql, partition.partition_id, generation)
  if (swept.length > 0) {
    throw new ExchangeError(
      'generation_unavailable',
      `${name} can no longer be served: ${swept.length} of its files were swept.`,
      { details: { files: swept } },
    )
  }
  const of = { feed, load_id: published.load_id, now: change.now }
  const served =
    change.data === undefined
      ? generation
      : await replaceData(sql, partition, generation, change.data, of)
  await serve(sql, { ...of, partition, generation: served, pinned: true })
  for (const one of change.republished) await republish(sql, partitions, one, of)
}

/** The older generation again with other `data` files: a generation of its own, since generations never change. */
async function replaceData(
  sql: Sql,
  partition: LockedPartition,
  content: number,
  data: readonly NewFile[],
  of: { readonly feed: string; readonly load_id: string; readonly now: Date },
): Promise<number> {
  const { partition_id } = partition
  const generation = await deriveGeneration(sql, partition, {
    content,
    reason: 'rollback',
    now: of.now,
  })
  const carried = (await members(sql, partition_id, content)).filter(
    ({ kind }) => kind !== 'data' && kind !== 'beaten',
  )
  const added = await insertFiles(sql, data, { ...of, partition_id, generation })
  await setMembers(sql, partition_id, generation, [...carried, ...added])
  return generation
}

async function refuseWhileLoading(
  sql: Sql,
  feed: string,
  partitions: ReadonlyMap<string, LockedPartition>,
  now: Date,
): Promise<void> {
  const busy = await sql.query<{ load_id: string; partition: string; holder: string }>(
    `SELECT s.load_id, p.partition, l.holder FROM leases s
     JOIN partitions p USING (partition_id) JOIN loads l USING (load_id)
     WHERE s.feed = $1 AND s.expires_at > $3
       AND (s.partition_id = ANY($2) OR s.exclusive_feed IS NOT NULL)
     ORDER BY s.load_id LIMIT 1`,
    [feed, [...partitions.values()].map(({ partition_id }) => partition_id), now],
  )
  const [one] = busy
  if (one === undefined) return
  throw new ExchangeError(
    'partition_loading',
    `Partition ${one.partition} of ${feed} is being loaded by ${one.holder}.`,
    { details: one },
  )
}
