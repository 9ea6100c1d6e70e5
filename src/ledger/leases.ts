import { only, type Sql } from './database.ts'
import type { LoadState } from './ledger.ts'
import { type LockedPartition, lockByName } from './partitions.ts'

/** Claims: a running load has one lease row, and whoever deletes that row decides the load. */

/** Keeps a claim alive; false when it is not this load's any more. */
export async function renewLease(
  sql: Sql,
  load_id: string,
  lease_ms: number,
  now: Date,
): Promise<boolean> {
  const renewed = await sql.query(
    'UPDATE leases SET expires_at = $2 WHERE load_id = $1 RETURNING load_id',
    [load_id, new Date(now.getTime() + lease_ms)],
  )
  return renewed.length > 0
}

/** Loads whose claim is alive. */
export async function runningLoads(sql: Sql, now: Date): Promise<string[]> {
  const rows = await sql.query<{ load_id: string }>(
    'SELECT load_id FROM leases WHERE expires_at > $1 ORDER BY load_id',
    [now],
  )
  return rows.map(({ load_id }) => load_id)
}

/** Takes the leases of loads away and marks them failed; returns those that still had one. */
export async function interrupt(
  sql: Sql,
  load_ids: readonly string[],
  now: Date,
): Promise<string[]> {
  if (load_ids.length === 0) return []
  const taken = await sql.query<{ load_id: string }>(
    'DELETE FROM leases WHERE load_id = ANY($1) RETURNING load_id',
    [load_ids],
  )
  const ids = taken.map(({ load_id }) => load_id).sort()
  await sql.query(
    `UPDATE loads SET state = 'failed', code = 'interrupted', retryable = true, ended_at = $2,
       message = 'The process that ran this load (' || holder || ') ended or was cut off before it finished.'
     WHERE load_id = ANY($1) AND state = 'running'`,
    [ids, now],
  )
  return ids
}

/** Interrupts loads whose claim is over, or every running one. */
export async function recover(sql: Sql, now: Date, everything: boolean): Promise<string[]> {
  const rows = await sql.query<{ load_id: string }>(
    'SELECT load_id FROM leases WHERE $2 OR expires_at <= $1 ORDER BY load_id FOR UPDATE',
    [now, everything],
  )
  return await interrupt(
    sql,
    rows.map(({ load_id }) => load_id),
    now,
  )
}

export interface ClaimedLoad {
  readonly load_id: string
  readonly feed: string
  readonly generation: number
  readonly state: LoadState
  readonly code: string | null
  readonly partition: LockedPartition
  /** The partition and the others asked for, locked until the transaction ends. */
  readonly partitions: ReadonlyMap<string, LockedPartition>
}

/** A load that is about to end, with its partition and others of its feed locked. */
export async function claimedLoad(
  sql: Sql,
  load_id: string,
  others: readonly string[] = [],
): Promise<ClaimedLoad> {
  const { feed, partition } = only(
    await sql.query<{ feed: string; partition: string }>(
      `SELECT p.feed, p.partition FROM loads l JOIN partitions p USING (partition_id)
       WHERE l.load_id = $1`,
      [load_id],
    ),
  )
  const partitions = await lockByName(sql, feed, [...new Set([partition, ...others])])
  // Read after the lock: another process may have decided the load while this one waited.
  const load = only(
    await sql.query<{ generation: number; state: LoadState; code: string | null }>(
      'SELECT generation, state, code FROM loads WHERE load_id = $1',
      [load_id],
    ),
  )
  return {
    ...load,
    load_id,
    feed,
    partition: partitions.get(partition) as LockedPartition,
    partitions,
  }
}

/** Gives the lease up; false where somebody took it. */
export async function releaseLease(sql: Sql, load_id: string): Promise<boolean> {
  const released = await sql.query('DELETE FROM leases WHERE load_id = $1 RETURNING load_id', [
    load_id,
  ])
  return released.length > 0
}
