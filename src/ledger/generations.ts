import { batches, type Sql } from './database.ts'
import type { GenerationRecord, LatestGeneration, ObjectVersion } from './ledger.ts'

/** Statements on generations and the object sets they are. */

interface GenerationRow extends Omit<GenerationRecord, 'objects'> {
  readonly partition_id: number
  readonly partition: string
  readonly served: boolean
}

const GENERATION = `g.partition_id, p.partition, g.generation, g.reason, g.content_generation,
  g.created_at, g.contract_hash, g.settings_hash, g.published_at IS NOT NULL AS published,
  g.generation = p.served_generation AS served`

/** Every generation of one partition, oldest first. */
export async function generations(
  sql: Sql,
  feed: string,
  partition: string,
): Promise<GenerationRecord[]> {
  const rows = await sql.query<GenerationRow>(
    `SELECT ${GENERATION} FROM partitions p JOIN generations g USING (partition_id)
     WHERE p.feed = $1 AND p.partition = $2 ORDER BY g.generation`,
    [feed, partition],
  )
  return await withObjects(sql, rows)
}

/** The latest generation of each partition that has one, with the served one beside it where it is another. */
export async function latestGenerations(
  sql: Sql,
  feed: string,
  partitions: readonly string[],
): Promise<Map<string, LatestGeneration>> {
  const found = new Map<string, LatestGeneration>()
  for (const batch of batches(partitions, 1000)) {
    const rows = await sql.query<GenerationRow>(
      `SELECT ${GENERATION} FROM partitions p JOIN generations g ON g.partition_id = p.partition_id
         AND g.generation IN (p.generation, p.served_generation)
       WHERE p.feed = $1 AND p.partition = ANY($2) ORDER BY p.partition, g.generation DESC`,
      [feed, batch],
    )
    const records = await withObjects(sql, rows)
    for (const [index, record] of records.entries()) {
      const row = rows[index] as GenerationRow
      const latest = found.get(row.partition)
      if (latest === undefined) found.set(row.partition, record)
      if (row.served) {
        found.set(row.partition, { ...(latest ?? record), served: record })
      }
    }
  }
  return found
}

/** Reads the object sets of many generations at once; equal sets of one partition are read once. */
async function withObjects(sql: Sql, rows: readonly GenerationRow[]): Promise<GenerationRecord[]> {
  const sets = new Map<string, ObjectVersion[]>()
  for (const { partition_id, content_generation } of rows) {
    sets.set(`${partition_id}/${content_generation}`, [])
  }
  for (const batch of batches([...sets.keys()])) {
    const wanted = batch.map((name) => name.split('/').map(Number))
    const objects = await sql.query<ObjectVersion & { partition_id: number; generation: number }>(
      `SELECT t.partition_id, t.generation, o.key, o.version, o.size
       FROM unnest($1::bigint[], $2::integer[]) AS t (partition_id, generation)
       JOIN generation_objects m ON m.partition_id = t.partition_id
         AND m.from_generation <= t.generation
         AND (m.until_generation IS NULL OR m.until_generation > t.generation)
       JOIN objects o USING (object_id)
       ORDER BY o.key`,
      [wanted.map(([id]) => id), wanted.map(([, generation]) => generation)],
    )
    for (const { partition_id, generation, ...object } of objects) {
      sets.get(`${partition_id}/${generation}`)?.push(object)
    }
  }
  return rows.map(({ partition_id, partition, served, ...row }) => ({
    ...row,
    objects: sets.get(`${partition_id}/${row.content_generation}`) ?? [],
  }))
}

/** Writes only what the generation's object set adds to and removes from the one before. */
export async function recordContent(
  sql: Sql,
  partition_id: number,
  generation: number,
  object_ids: readonly number[],
): Promise<void> {
  const open = await sql.query<{ object_id: number }>(
    `SELECT object_id FROM generation_objects
     WHERE partition_id = $1 AND until_generation IS NULL`,
    [partition_id],
  )
  const before = new Set(open.map(({ object_id }) => object_id))
  const after = new Set(object_ids)
  for (const batch of batches([...before.difference(after)])) {
    await sql.query(
      `UPDATE generation_objects SET until_generation = $2
       WHERE partition_id = $1 AND until_generation IS NULL AND object_id = ANY($3)`,
      [partition_id, generation, batch],
    )
  }
  for (const batch of batches([...after.difference(before)])) {
    await sql.query(
      `INSERT INTO generation_objects (partition_id, object_id, from_generation)
       SELECT $1, id, $2 FROM unnest($3::bigint[]) AS t (id)`,
      [partition_id, generation, batch],
    )
  }
}

/** Ids of objects in their order. Objects that no listing showed are a defect of the caller. */
export async function objectIds(
  sql: Sql,
  feed: string,
  objects: readonly Pick<ObjectVersion, 'key' | 'version'>[],
): Promise<number[]> {
  const ids: number[] = []
  for (const batch of batches(objects)) {
    const found = await sql.query<{ object_id: number | null; key: string }>(
      // A subquery per object, not a join: statistics that know nothing of a new feed make a join of
      // two large sets look like one of a single row, and take minutes for it.
      `SELECT t.key, (SELECT o.object_id FROM objects o
         WHERE o.feed = $1 AND o.key = t.key AND o.version = t.version) AS object_id
       FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS t (key, version, position)
       ORDER BY t.position`,
      [feed, batch.map(({ key }) => key), batch.map(({ version }) => version)],
    )
    for (const { object_id, key } of found) {
      if (object_id === null) throw new Error(`Object ${key} of ${feed} was never observed`)
      ids.push(object_id)
    }
  }
  return ids
}
