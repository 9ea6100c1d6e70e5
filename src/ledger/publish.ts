import { ExchangeError } from '../core/errors.ts'
import type { Sql } from './database.ts'
import { insertFiles, type Member, members, setMembers } from './files.ts'
import { type ClaimedLoad, claimedLoad, releaseLease } from './leases.ts'
import type { EndLoad, Publication, Republication } from './ledger.ts'
import { recordOutcome } from './load-results.ts'
import type { LockedPartition } from './partitions.ts'

/** The ends of a load. */

/** The commit point: afterwards readers see the new generation, and the republished ones with it. */
export async function publish(sql: Sql, load_id: string, publication: Publication): Promise<void> {
  const { counts, now } = publication
  if (counts.rows_read !== counts.rows_published + counts.duplicates + counts.rejected) {
    throw new Error(
      `Load ${load_id} read ${counts.rows_read} rows, but accounts for ${counts.rows_published} published, ` +
        `${counts.duplicates} duplicates and ${counts.rejected} rejected`,
    )
  }
  const load = await claimedLoad(
    sql,
    load_id,
    publication.republished.map(({ partition }) => partition),
  )
  // Asked again after an answer was lost: it is done.
  if (load.state === 'published') return
  await surrender(sql, load)

  const { partition } = load
  const of = { feed: load.feed, load_id, now }
  const kept = await keptMembers(sql, partition, publication.kept_files)
  const added = await insertFiles(sql, publication.files, {
    ...of,
    partition_id: partition.partition_id,
    generation: load.generation,
  })
  await setMembers(sql, partition.partition_id, load.generation, [...kept, ...added])
  await serve(sql, { partition, generation: load.generation, load_id, now, pinned: false })
  for (const one of publication.republished) await republish(sql, load.partitions, one, of)
  await recordOutcome(sql, load, { state: 'published', ...publication })
}

/**
 * Ends a load without publishing. One that is published stays so: its loader gave up when the answer to that
 * was lost. Throws `lease_lost` where another loader decided it already.
 */
export async function endLoad(sql: Sql, load_id: string, end: EndLoad): Promise<void> {
  const load = await claimedLoad(sql, load_id)
  if (load.state === 'published') return
  if (load.state === end.state && load.code === end.code) return
  await surrender(sql, load)
  const added = await insertFiles(sql, end.files, {
    feed: load.feed,
    load_id,
    partition_id: load.partition.partition_id,
    generation: load.generation,
    now: end.now,
  })
  await setMembers(sql, load.partition.partition_id, load.generation, added)
  await recordOutcome(sql, load, end)
}

/** Gives the claim up, or ends the transaction where it is not this load's any more. */
async function surrender(sql: Sql, load: ClaimedLoad): Promise<void> {
  const held = await releaseLease(sql, load.load_id)
  if (held && load.state === 'running') return
  throw new ExchangeError(
    'lease_lost',
    `The claim of load ${load.load_id} on partition ${load.partition.partition} of ${load.feed} ended before the load did; nothing of it was published.`,
    { details: { load_id: load.load_id, feed: load.feed, partition: load.partition.partition } },
  )
}

async function keptMembers(
  sql: Sql,
  partition: LockedPartition,
  kept_files: readonly string[],
): Promise<Member[]> {
  if (kept_files.length === 0) return []
  const served = await servedMembers(sql, partition)
  return kept_files.map((file_id) => {
    const member = served.get(file_id)
    if (member === undefined) {
      throw new Error(`File ${file_id} is not of the served generation of ${partition.partition}`)
    }
    return member
  })
}

async function servedMembers(sql: Sql, partition: LockedPartition): Promise<Map<string, Member>> {
  if (partition.served_generation === null) return new Map()
  const served = await members(sql, partition.partition_id, partition.served_generation)
  return new Map(served.map((member) => [String(member.file_id), member]))
}

/** Makes the next generation of a partition whose winners changed; its objects stay what they were. */
export async function republish(
  sql: Sql,
  partitions: ReadonlyMap<string, LockedPartition>,
  change: Republication,
  of: { readonly feed: string; readonly load_id: string; readonly now: Date },
): Promise<void> {
  const partition = partitions.get(change.partition) as LockedPartition
  if (partition.served_generation === null) {
    throw new Error(
      `Partition ${change.partition} of ${of.feed} is not served and cannot be republished`,
    )
  }
  const carried = await servedMembers(sql, partition)
  for (const member of carried.values()) {
    if (member.kind === 'data' || member.kind === 'beaten') carried.delete(String(member.file_id))
  }
  const before = await servedMembers(sql, partition)
  for (const { file_id, kind } of change.carried) {
    const member = before.get(file_id)
    if (member === undefined) {
      throw new Error(`File ${file_id} is not of the served generation of ${change.partition}`)
    }
    carried.set(file_id, { file_id: member.file_id, kind })
  }
  const generation = await deriveGeneration(sql, partition, {
    content: partition.served_generation,
    reason: change.reason,
    now: of.now,
  })
  const added = await insertFiles(sql, change.files, {
    ...of,
    partition_id: partition.partition_id,
    generation,
  })
  await setMembers(sql, partition.partition_id, generation, [...carried.values(), ...added])
  await serve(sql, { partition, generation, load_id: of.load_id, now: of.now })
}

/** A new generation of the objects of an earlier one; returns its number. */
export async function deriveGeneration(
  sql: Sql,
  partition: LockedPartition,
  from: { readonly content: number; readonly reason: string; readonly now: Date },
): Promise<number> {
  const generation = partition.generation + 1
  await sql.query(
    `INSERT INTO generations (partition_id, generation, reason, content_generation, data_hash,
       contract_hash, settings_hash, created_at)
     SELECT partition_id, $3, $4, content_generation, data_hash, contract_hash, settings_hash, $5
     FROM generations WHERE partition_id = $1 AND generation = $2`,
    [partition.partition_id, from.content, generation, from.reason, from.now],
  )
  return generation
}

/** Makes a generation the served one. `pinned` left out stays as it is. */
export async function serve(
  sql: Sql,
  change: {
    readonly partition: LockedPartition
    readonly generation: number
    readonly load_id: string
    readonly now: Date
    readonly pinned?: boolean
  },
): Promise<void> {
  const { partition_id } = change.partition
  await sql.query(
    `UPDATE generations SET published_at = coalesce(published_at, $3),
       load_id = coalesce(load_id, $4),
       rows = (SELECT coalesce(sum(CASE m.kind WHEN 'data' THEN f.rows WHEN 'beaten' THEN -f.rows END), 0)
               FROM generation_files m JOIN files f USING (file_id)
               WHERE m.partition_id = $1 AND m.generation = $2)
     WHERE partition_id = $1 AND generation = $2`,
    [partition_id, change.generation, change.now, change.load_id],
  )
  await sql.query(
    `UPDATE partitions SET served_generation = $2, generation = greatest(generation, $2),
       published_at = $3, pinned = coalesce($4, pinned)
     WHERE partition_id = $1`,
    [partition_id, change.generation, change.now, change.pinned ?? null],
  )
}
