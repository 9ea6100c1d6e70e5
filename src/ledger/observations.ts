import { batches, type Sql, storable } from './database.ts'
import { dataHash, listingHash } from './fingerprint.ts'
import type { ObjectSeen, PartitionObservation, Stray } from './ledger.ts'

/** Statements on what listings show: partitions, objects, strays. */

interface KnownPartition {
  readonly partition_id: number
  readonly partition: string
  readonly listing_hash: string
}

export async function observe(
  sql: Sql,
  feed: string,
  seen: readonly PartitionObservation[],
  strays: readonly Stray[],
  now: Date,
): Promise<{ new_partitions: number; new_objects: number }> {
  await ensureFeed(sql, feed)
  let new_partitions = 0
  for (const batch of batches(seen)) {
    const added = await sql.query(
      `INSERT INTO partitions (feed, partition, first_seen_at, checked_at)
       SELECT $1, name, $3, $3 FROM unnest($2::text[]) AS t (name) ORDER BY name
       ON CONFLICT (feed, partition) DO NOTHING RETURNING partition_id`,
      [feed, batch.map(({ partition }) => partition), now],
    )
    new_partitions += added.length
  }
  const known = await lockPartitions(sql, feed, seen)

  // Most looks at a partition find it as it was; only the others' objects are read and compared.
  const changed = seen.filter((one) => known.get(one.partition)?.listing_hash !== listingHash(one))
  const new_objects = await recordObjects(sql, { feed, changed, known, now })
  for (const batch of batches(seen)) await recordPartitions(sql, batch, known, now)
  await recordStrays(sql, feed, strays, now)
  return { new_partitions, new_objects }
}

/** Every table of a feed hangs on this row; it is also what a feed-wide claim locks. */
export async function ensureFeed(sql: Sql, feed: string): Promise<void> {
  await sql.query('INSERT INTO feeds (feed) VALUES ($1) ON CONFLICT DO NOTHING', [feed])
}

async function lockPartitions(
  sql: Sql,
  feed: string,
  seen: readonly PartitionObservation[],
): Promise<Map<string, KnownPartition>> {
  const known = new Map<string, KnownPartition>()
  // In name order, so that two observers of the same partitions wait for instead of blocking each other.
  const names = seen.map(({ partition }) => partition).sort()
  for (const batch of batches(names)) {
    const rows = await sql.query<KnownPartition>(
      `SELECT partition_id, partition, listing_hash FROM partitions
       WHERE feed = $1 AND partition = ANY($2) ORDER BY partition FOR NO KEY UPDATE`,
      [feed, batch],
    )
    for (const row of rows) known.set(row.partition, row)
  }
  return known
}

interface ObjectRow extends ObjectSeen {
  readonly partition_id: number
}

async function recordObjects(
  sql: Sql,
  io: {
    readonly feed: string
    readonly changed: readonly PartitionObservation[]
    readonly known: ReadonlyMap<string, KnownPartition>
    readonly now: Date
  },
): Promise<number> {
  const { feed, changed, known, now } = io
  const listed = new Map<string, ObjectRow>()
  const partition_ids: number[] = []
  for (const one of changed) {
    const partition_id = idOf(known, one.partition)
    partition_ids.push(partition_id)
    for (const object of one.objects) listed.set(identity(object), { ...object, partition_id })
  }
  const gone: number[] = []
  for (const batch of batches(partition_ids)) {
    const present = await sql.query<{
      object_id: number
      key: string
      version: string
      size: number
      role: string
      partition_id: number
    }>(
      `SELECT object_id, key, version, size, role, partition_id FROM objects
       WHERE partition_id = ANY($1) AND gone_at IS NULL`,
      [batch],
    )
    for (const row of present) {
      const object = listed.get(identity(row))
      if (object === undefined) gone.push(row.object_id)
      // What is recorded already as it is listed needs no write.
      else if (
        object.partition_id === row.partition_id &&
        object.role === row.role &&
        object.size === row.size
      ) {
        listed.delete(identity(row))
      }
    }
  }
  // Before the inserts: an object that moved to another partition is gone from one and present in the other.
  for (const batch of batches(gone)) {
    await sql.query('UPDATE objects SET gone_at = $2 WHERE object_id = ANY($1)', [batch, now])
  }
  let added = 0
  for (const batch of batches([...listed.values()])) {
    // A changed layout can move objects between partitions; the next listing of the one they leave
    // must be compared even if it is equal to an earlier one.
    await sql.query(
      `UPDATE partitions SET listing_hash = '' WHERE partition_id IN (
         SELECT o.partition_id
         FROM json_to_recordset($2::json) AS t (partition_id bigint, key text, version text)
         CROSS JOIN LATERAL (
           SELECT partition_id FROM objects
           WHERE feed = $1 AND key = t.key AND version = t.version OFFSET 0) o
         WHERE o.partition_id <> t.partition_id)`,
      [feed, JSON.stringify(batch)],
    )
    const rows = await sql.query<{ added: boolean }>(
      `INSERT INTO objects AS o
         (feed, partition_id, key, version, size, modified_at, role, first_seen_at)
       SELECT $1, partition_id, key, version, size, modified_at, role, $3
       FROM json_to_recordset($2::json) AS t (partition_id bigint, key text, version text,
         size bigint, modified_at timestamptz, role text)
       ON CONFLICT (feed, key, version) DO UPDATE SET partition_id = excluded.partition_id,
         size = excluded.size, modified_at = excluded.modified_at, role = excluded.role,
         gone_at = NULL
       RETURNING xmax = 0 AS added`,
      [feed, JSON.stringify(batch), now],
    )
    added += rows.filter((row) => row.added).length
  }
  // A key that fits the layout by now (its date was in the future) is no stray any more.
  for (const batch of batches([...listed.values()].map(({ key }) => key))) {
    await sql.query('DELETE FROM strays WHERE feed = $1 AND object = ANY($2)', [feed, batch])
  }
  return added
}

async function recordPartitions(
  sql: Sql,
  seen: readonly PartitionObservation[],
  known: ReadonlyMap<string, KnownPartition>,
  now: Date,
): Promise<void> {
  const rows = seen.map((one) => {
    const data = one.objects.filter(({ role }) => role === 'data')
    return {
      partition_id: idOf(known, one.partition),
      complete: one.complete,
      waiting_for: one.waiting_for,
      completed_at: one.complete ? (one.completed_at ?? now) : undefined,
      objects: data.length,
      bytes: data.reduce((sum, { size }) => sum + size, 0),
      data_hash: dataHash(data),
      listing_hash: listingHash(one),
    }
  })
  await sql.query(
    `UPDATE partitions AS p SET complete = t.complete, waiting_for = t.waiting_for,
       objects = t.objects, bytes = t.bytes, data_hash = t.data_hash,
       listing_hash = t.listing_hash, checked_at = $2,
       completed_at = coalesce(t.completed_at, p.completed_at),
       first_completed_at = coalesce(p.first_completed_at, t.completed_at)
     FROM json_to_recordset($1::json) AS t (partition_id bigint, complete boolean,
       waiting_for text, completed_at timestamptz, objects bigint, bytes bigint, data_hash text,
       listing_hash text)
     WHERE p.partition_id = t.partition_id`,
    [JSON.stringify(rows), now],
  )
}

async function recordStrays(sql: Sql, feed: string, strays: readonly Stray[], now: Date) {
  const rows = strays.map((stray) => ({ ...stray, reason: storable(stray.reason) }))
  for (const batch of batches(rows)) {
    await sql.query(
      `INSERT INTO strays (feed, object, code, reason, first_seen_at, seen_at)
       SELECT DISTINCT ON (object) $1, object, code, reason, $3, $3
       FROM json_to_recordset($2::json) AS t (object text, code text, reason text)
       ON CONFLICT (feed, object) DO UPDATE
         SET code = excluded.code, reason = excluded.reason, seen_at = excluded.seen_at`,
      [feed, JSON.stringify(batch), now],
    )
  }
}

const identity = (object: { key: string; version: string }) => `${object.key}\0${object.version}`

function idOf(known: ReadonlyMap<string, KnownPartition>, partition: string): number {
  const id = known.get(partition)?.partition_id
  if (id === undefined) throw new Error(`Partition ${partition} was not recorded`)
  return id
}

export async function presentObjects(
  sql: Sql,
  feed: string,
  partitions: readonly string[],
): Promise<(ObjectSeen & { partition: string })[]> {
  const found: (ObjectSeen & { partition: string })[] = []
  for (const batch of batches(partitions, 1000)) {
    const rows = await sql.query<ObjectSeen & { partition: string }>(
      `SELECT p.partition, o.key, o.version, o.size, o.modified_at, o.role
       FROM partitions p JOIN objects o USING (partition_id)
       WHERE p.feed = $1 AND p.partition = ANY($2) AND o.gone_at IS NULL
       ORDER BY p.partition, o.key`,
      [feed, batch],
    )
    for (const row of rows) found.push(row)
  }
  return found
}

export async function strays(sql: Sql, feed?: string): Promise<Stray[]> {
  return await sql.query<Stray>(
    `SELECT feed, object, code, reason FROM strays
     WHERE $1::text IS NULL OR feed = $1 ORDER BY feed, object`,
    [feed ?? null],
  )
}

export async function clearStrays(sql: Sql, feed: string): Promise<void> {
  await sql.query('DELETE FROM strays WHERE feed = $1', [feed])
}
