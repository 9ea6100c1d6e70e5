import { batches, type Sql, withoutNulls } from './database.ts'
import { objectIds } from './generations.ts'
import type { DatasetFile, FileKind, NewFile } from './ledger.ts'
import { inRange } from './partitions.ts'

/** Statements on dataset files and on which generation consists of which. */

export interface Member {
  readonly file_id: number
  readonly kind: FileKind
}

/** Records new files and returns them as members of their generation. */
export async function insertFiles(
  sql: Sql,
  files: readonly NewFile[],
  of: {
    readonly feed: string
    readonly partition_id: number
    readonly generation: number
    readonly load_id: string
    readonly now: Date
  },
): Promise<Member[]> {
  const members: Member[] = []
  for (const batch of batches(files, 1000)) {
    const rows: object[] = []
    for (const { objects, ...file } of batch) {
      rows.push({ ...file, object_ids: await objectIds(sql, of.feed, objects) })
    }
    const inserted = await sql.query<Member>(
      `INSERT INTO files (feed, partition_id, generation, load_id, kind, path, rows, bytes,
         min_time, max_time, object_ids, created_at)
       SELECT $1, $2, $3, $4, kind, path, rows, bytes, min_time, max_time, object_ids, $5
       FROM json_to_recordset($6::json) AS t (kind text, path text, rows bigint, bytes bigint,
         min_time timestamptz, max_time timestamptz, object_ids bigint[])
       RETURNING file_id, kind`,
      [of.feed, of.partition_id, of.generation, of.load_id, of.now, JSON.stringify(rows)],
    )
    for (const member of inserted) members.push(member)
  }
  return members
}

export async function members(
  sql: Sql,
  partition_id: number,
  generation: number,
): Promise<Member[]> {
  return await sql.query<Member>(
    `SELECT file_id, kind FROM generation_files WHERE partition_id = $1 AND generation = $2
     ORDER BY file_id`,
    [partition_id, generation],
  )
}

/** Makes exactly these files the generation, in place of what an earlier attempt at it left. */
export async function setMembers(
  sql: Sql,
  partition_id: number,
  generation: number,
  files: readonly Member[],
): Promise<void> {
  await sql.query('DELETE FROM generation_files WHERE partition_id = $1 AND generation = $2', [
    partition_id,
    generation,
  ])
  for (const batch of batches(files)) {
    await sql.query(
      `INSERT INTO generation_files (partition_id, generation, file_id, kind)
       SELECT $1, $2, file_id, kind FROM unnest($3::bigint[], $4::text[]) AS t (file_id, kind)`,
      [partition_id, generation, batch.map((m) => m.file_id), batch.map((m) => m.kind)],
    )
  }
}

/** Paths of files of a generation that were swept. */
export async function sweptMembers(
  sql: Sql,
  partition_id: number,
  generation: number,
): Promise<string[]> {
  const rows = await sql.query<{ path: string }>(
    `SELECT f.path FROM generation_files m JOIN files f USING (file_id)
     WHERE m.partition_id = $1 AND m.generation = $2 AND f.swept_at IS NOT NULL ORDER BY f.path`,
    [partition_id, generation],
  )
  return rows.map(({ path }) => path)
}

interface FileRow {
  file_id: string
  feed: string
  partition: string
  generation: number
  load_id: string
  kind: FileKind
  path: string
  rows: number
  bytes: number
  min_time: Date | null
  max_time: Date | null
  object_ids: number[]
}

const FILE = `f.file_id::text, f.feed, p.partition, f.generation, f.load_id, f.path, f.rows,
  f.bytes, f.min_time, f.max_time`

/** Files of the served generations, in order of partition and then of writing. */
export async function servedFiles(
  sql: Sql,
  feed: string,
  query: {
    readonly partitions?: readonly string[]
    readonly from?: string
    readonly to?: string
    readonly kinds?: readonly FileKind[]
    readonly objects?: boolean
  } = {},
): Promise<DatasetFile[]> {
  const rows = await sql.query<FileRow>(
    `SELECT ${FILE}, m.kind, CASE WHEN $6 THEN f.object_ids ELSE '{}' END AS object_ids
     FROM partitions p
     JOIN generation_files m
       ON m.partition_id = p.partition_id AND m.generation = p.served_generation
     JOIN files f USING (file_id)
     WHERE p.feed = $1 AND ($2::text[] IS NULL OR p.partition = ANY($2))
       AND ${inRange('p.partition', '$3', '$4')} AND ($5::text[] IS NULL OR m.kind = ANY($5))
       AND f.swept_at IS NULL
     ORDER BY p.partition, f.file_id`,
    [
      feed,
      query.partitions ?? null,
      query.from ?? null,
      query.to ?? null,
      query.kinds ?? null,
      query.objects ?? true,
    ],
  )
  return await withObjects(sql, rows)
}

/** Files of any one generation that were not swept, in order of writing. */
export async function generationFiles(
  sql: Sql,
  feed: string,
  partition: string,
  generation: number,
): Promise<DatasetFile[]> {
  const rows = await sql.query<FileRow>(
    `SELECT ${FILE}, m.kind, f.object_ids FROM partitions p
     JOIN generation_files m ON m.partition_id = p.partition_id
     JOIN files f USING (file_id)
     WHERE p.feed = $1 AND p.partition = $2 AND m.generation = $3 AND f.swept_at IS NULL
     ORDER BY f.file_id`,
    [feed, partition, generation],
  )
  return await withObjects(sql, rows)
}

/** Reject files of every load of a feed that were not swept, in order of the loads. */
export async function rejectFiles(
  sql: Sql,
  feed: string,
  partitions?: readonly string[],
): Promise<DatasetFile[]> {
  const rows = await sql.query<FileRow>(
    `SELECT ${FILE}, f.kind, f.object_ids FROM files f JOIN partitions p USING (partition_id)
     WHERE f.feed = $1 AND f.kind = 'rejects' AND f.swept_at IS NULL
       AND ($2::text[] IS NULL OR p.partition = ANY($2))
     ORDER BY f.load_id, f.file_id`,
    [feed, partitions ?? null],
  )
  return await withObjects(sql, rows)
}

/** Names the objects of files; each object is read once however many files hold its rows. */
async function withObjects(sql: Sql, rows: readonly FileRow[]): Promise<DatasetFile[]> {
  const ids = new Set(rows.flatMap(({ object_ids }) => object_ids))
  const names = new Map<number, { key: string; version: string }>()
  for (const batch of batches([...ids])) {
    const objects = await sql.query<{ object_id: number; key: string; version: string }>(
      'SELECT object_id, key, version FROM objects WHERE object_id = ANY($1)',
      [batch],
    )
    for (const { object_id, ...name } of objects) names.set(object_id, name)
  }
  return rows.map(({ object_ids, ...row }) => ({
    ...withoutNulls(row),
    objects: object_ids.map((id) => names.get(id) as { key: string; version: string }),
  }))
}

/**
 * Paths that must stay: of served generations, of the `retain` latest published generations of each
 * partition, and of as many latest ones of any outcome, whose rejects people still look at.
 */
export async function retainedFiles(
  sql: Sql,
  feed: string,
  retain: number,
  partitions?: readonly string[],
): Promise<string[]> {
  const rows = await sql.query<{ path: string }>(
    `WITH ranked AS (
       SELECT g.partition_id, g.generation, g.generation = p.served_generation AS served,
         g.published_at IS NOT NULL AS published,
         row_number() OVER (PARTITION BY g.partition_id, g.published_at IS NOT NULL
           ORDER BY g.generation DESC) AS of_outcome,
         row_number() OVER (PARTITION BY g.partition_id ORDER BY g.generation DESC) AS of_all
       FROM partitions p JOIN generations g USING (partition_id)
       WHERE p.feed = $1 AND ($3::text[] IS NULL OR p.partition = ANY($3)))
     SELECT DISTINCT f.path FROM ranked r
     JOIN generation_files m USING (partition_id, generation) JOIN files f USING (file_id)
     WHERE (r.served OR (r.published AND r.of_outcome <= $2) OR r.of_all <= $2)
       AND f.swept_at IS NULL
     ORDER BY f.path`,
    [feed, retain, partitions ?? null],
  )
  return rows.map(({ path }) => path)
}

/** Records that files are gone. */
export async function markSwept(
  sql: Sql,
  feed: string,
  paths: readonly string[],
  now: Date,
): Promise<void> {
  for (const batch of batches(paths)) {
    await sql.query(
      `UPDATE files SET swept_at = $3
       WHERE feed = $1 AND path = ANY($2) AND swept_at IS NULL`,
      [feed, batch, now],
    )
  }
}
