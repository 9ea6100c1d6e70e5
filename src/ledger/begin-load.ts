import type { Sql } from './database.ts'
import { dataHash } from './fingerprint.ts'
import { objectIds, recordContent } from './generations.ts'
import { interrupt } from './leases.ts'
import type { BeginLoad, BegunLoad } from './ledger.ts'
import { newLoadId } from './load-id.ts'
import { ensureFeed } from './observations.ts'
import { type LockedPartition, lockByName } from './partitions.ts'

/** The claim of a partition, and the generation it is claimed for. */

interface LatestGeneration {
  generation: number
  data_hash: string
  contract_hash: string
  settings_hash: string
  published_at: Date | null
}

export async function beginLoad(sql: Sql, request: BeginLoad): Promise<BegunLoad | undefined> {
  const { feed, now } = request
  await ensureFeed(sql, feed)
  // Claims of one feed are made one after the other: who sees no other claim is the only one who does.
  await sql.query('SELECT 1 FROM feeds WHERE feed = $1 FOR NO KEY UPDATE', [feed])
  const locked = await lockByName(sql, feed, [request.partition])
  const partition = locked.get(request.partition) as LockedPartition

  const leases = await sql.query<{ load_id: string; live: boolean; blocks: boolean }>(
    `SELECT load_id, expires_at > $2 AS live,
       partition_id = $3 OR $4 OR exclusive_feed IS NOT NULL AS blocks
     FROM leases WHERE feed = $1`,
    [feed, now, partition.partition_id, request.exclusive_feed],
  )
  const blocking = leases.filter(({ blocks }) => blocks)
  if (blocking.some(({ live }) => live)) return undefined
  if (partition.last_load_id !== (request.expected_last_load ?? null)) return undefined
  await interrupt(
    sql,
    blocking.map(({ load_id }) => load_id),
    now,
  )

  const generation = await settleGeneration(sql, partition, request)
  const load_id = newLoadId(now)
  await sql.query(
    `INSERT INTO loads (load_id, feed, partition_id, generation, reason, state, holder, started_at)
     VALUES ($1, $2, $3, $4, $5, 'running', $6, $7)`,
    [load_id, feed, partition.partition_id, generation, request.reason, request.holder, now],
  )
  await sql.query(
    `INSERT INTO leases (load_id, feed, partition_id, exclusive_feed, expires_at)
     VALUES ($1, $2, $3, $4, $5)`,
    [
      load_id,
      feed,
      partition.partition_id,
      request.exclusive_feed ? feed : null,
      new Date(now.getTime() + request.lease_ms),
    ],
  )
  await sql.query(
    'UPDATE partitions SET generation = $2, last_load_id = $3 WHERE partition_id = $1',
    [partition.partition_id, generation, load_id],
  )
  return partition.served_generation === null
    ? { load_id, generation }
    : { load_id, generation, served_generation: partition.served_generation }
}

/** The latest generation where it was never published and is of the same objects and hashes, else a new one. */
async function settleGeneration(
  sql: Sql,
  partition: LockedPartition,
  request: BeginLoad,
): Promise<number> {
  const data_hash = dataHash(request.objects)
  const [latest] = await sql.query<LatestGeneration>(
    `SELECT generation, data_hash, contract_hash, settings_hash, published_at FROM generations
     WHERE partition_id = $1 AND generation = $2`,
    [partition.partition_id, partition.generation],
  )
  if (
    latest?.published_at === null &&
    latest.data_hash === data_hash &&
    latest.contract_hash === request.contract_hash &&
    latest.settings_hash === request.settings_hash
  ) {
    return latest.generation
  }
  const generation = partition.generation + 1
  await sql.query(
    `INSERT INTO generations (partition_id, generation, reason, content_generation, data_hash,
       contract_hash, settings_hash, created_at)
     VALUES ($1, $2, $3, $2, $4, $5, $6, $7)`,
    [
      partition.partition_id,
      generation,
      request.reason,
      data_hash,
      request.contract_hash,
      request.settings_hash,
      request.now,
    ],
  )
  const object_ids = await objectIds(sql, request.feed, request.objects)
  await recordContent(sql, partition.partition_id, generation, object_ids)
  return generation
}
