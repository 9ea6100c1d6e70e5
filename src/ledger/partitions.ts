import { type Sql, withoutNulls } from './database.ts'
import type { LastLoad, LoadState, PartitionRecord, PartitionState } from './ledger.ts'

/** Statements on partitions as a whole. */

interface PartitionRow {
  feed: string
  partition: string
  state: PartitionState
  waiting_for: string | null
  generation: number
  served_generation: number | null
  pinned: boolean
  objects: number
  bytes: number
  rows: number
  first_seen_at: Date
  checked_at: Date
  first_completed_at: Date | null
  completed_at: Date | null
  published_at: Date | null
}

interface LastLoadRow {
  load_id: string | null
  load_generation: number
  load_state: LoadState
  contract_hash: string
  settings_hash: string
  code: string | null
  message: string | null
  retryable: boolean
}

/**
 * A partition is judged by its latest attempt as long as that attempt's objects are the present
 * ones; objects that no attempt has seen make it `ready` where they are complete, else `waiting`.
 */
const STATE = `CASE
  WHEN l.state = 'running' THEN 'loading'
  WHEN g.data_hash = p.data_hash THEN CASE WHEN p.pinned THEN 'published' ELSE l.state END
  WHEN p.complete THEN 'ready'
  ELSE 'waiting' END`

export async function partitions(
  sql: Sql,
  feed: string,
  range: { readonly from?: string; readonly to?: string } = {},
): Promise<PartitionRecord[]> {
  const rows = await sql.query<PartitionRow & LastLoadRow>(
    `SELECT p.feed, p.partition, ${STATE} AS state, p.waiting_for, p.generation,
       p.served_generation, p.pinned, p.objects, p.bytes, coalesce(s.rows, 0) AS rows,
       p.first_seen_at, p.checked_at, p.first_completed_at, p.completed_at, p.published_at,
       l.load_id, l.generation AS load_generation, l.state AS load_state, g.contract_hash,
       g.settings_hash, l.code, l.message, l.retryable
     FROM partitions p
     LEFT JOIN loads l ON l.load_id = p.last_load_id
     LEFT JOIN generations g ON g.partition_id = l.partition_id AND g.generation = l.generation
     LEFT JOIN generations s
       ON s.partition_id = p.partition_id AND s.generation = p.served_generation
     WHERE p.feed = $1 AND ${inRange('p.partition', '$2', '$3')}
     ORDER BY p.partition`,
    [feed, range.from ?? null, range.to ?? null],
  )
  return rows.map((row) => {
    const { load_id, load_generation, load_state, contract_hash, settings_hash, ...rest } = row
    const { code, message, retryable, ...partition } = rest
    if (load_id === null) return withoutNulls(partition)
    const last_load: LastLoad = withoutNulls({
      load_id,
      generation: load_generation,
      state: load_state,
      contract_hash,
      settings_hash,
      code,
      message,
      retryable,
    })
    return { ...withoutNulls(partition), last_load }
  })
}

/**
 * Names from `from` to `to`, both inclusive and each possibly NULL. A name is inside `to` also
 * where it continues it: the hour `2023-01-05T09` lies in the day `2023-01-05`.
 */
export const inRange = (name: string, from: string, to: string): string =>
  `(${from}::text IS NULL OR ${name} >= ${from})
   AND (${to}::text IS NULL OR ${name} <= ${to} OR starts_with(${name}, ${to}))`

export interface LockedPartition {
  partition_id: number
  partition: string
  generation: number
  served_generation: number | null
  last_load_id: string | null
}

/** Locks partitions until the transaction ends, in name order so that no two lockers block each other. */
export async function lockByName(
  sql: Sql,
  feed: string,
  names: readonly string[],
): Promise<Map<string, LockedPartition>> {
  const rows = await sql.query<LockedPartition>(
    `SELECT partition_id, partition, generation, served_generation, last_load_id FROM partitions
     WHERE feed = $1 AND partition = ANY($2) ORDER BY partition FOR NO KEY UPDATE`,
    [feed, names],
  )
  const found = new Map(rows.map((row) => [row.partition, row]))
  for (const name of names) {
    if (!found.has(name)) throw new Error(`The ledger does not know partition ${name} of ${feed}`)
  }
  return found
}
