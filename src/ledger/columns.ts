import { batches, only, type Sql } from './database.ts'
import type { DatasetColumn, NewColumn } from './ledger.ts'
import { ensureFeed } from './observations.ts'

/** Statements on the columns of datasets and the ids they keep for ever. */

export async function columns(sql: Sql, feed: string): Promise<DatasetColumn[]> {
  return await sql.query<DatasetColumn>(
    `SELECT name, type, field_id, nested_ids, semantic, added_at FROM dataset_columns
     WHERE feed = $1 ORDER BY field_id`,
    [feed],
  )
}

/** Gives ids to columns, and to paths inside columns, that have none; a known column takes the type asked for. */
export async function ensureColumns(
  sql: Sql,
  feed: string,
  wanted: readonly NewColumn[],
  now: Date,
): Promise<DatasetColumn[]> {
  await ensureFeed(sql, feed)
  // The row holds the counter: whoever else wants ids waits here, and sees ours afterwards.
  let { last_field_id } = only(
    await sql.query<{ last_field_id: number }>(
      'SELECT last_field_id FROM feeds WHERE feed = $1 FOR NO KEY UPDATE',
      [feed],
    ),
  )
  const known = new Map((await columns(sql, feed)).map((column) => [column.name, column]))
  const changed: DatasetColumn[] = []
  for (const { name, type, nested, semantic } of wanted) {
    const before = known.get(name)
    const field_id = before?.field_id ?? ++last_field_id
    const nested_ids: Record<string, number> = { ...before?.nested_ids }
    for (const path of nested) nested_ids[path] ??= ++last_field_id
    const column = { name, type, field_id, nested_ids, semantic, added_at: before?.added_at ?? now }
    if (before === undefined || !sameColumn(before, column)) changed.push(column)
    known.set(name, column)
  }
  if (changed.length === 0) return [...known.values()]

  for (const batch of batches(changed)) {
    await sql.query(
      `INSERT INTO dataset_columns (feed, name, type, field_id, nested_ids, semantic, added_at)
       SELECT $1, name, type, field_id, nested_ids, semantic, added_at
       FROM json_to_recordset($2::json) AS t (name text, type text, field_id integer,
         nested_ids jsonb, semantic text, added_at timestamptz)
       ON CONFLICT (feed, name) DO UPDATE SET type = excluded.type,
         nested_ids = excluded.nested_ids, semantic = excluded.semantic`,
      [feed, JSON.stringify(batch)],
    )
  }
  await sql.query('UPDATE feeds SET last_field_id = $2 WHERE feed = $1', [feed, last_field_id])
  return await columns(sql, feed)
}

const sameColumn = (one: DatasetColumn, other: DatasetColumn): boolean =>
  one.type === other.type &&
  one.semantic === other.semantic &&
  Object.keys(one.nested_ids).length === Object.keys(other.nested_ids).length
