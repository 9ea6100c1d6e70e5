import { batches, type Sql, storable, withoutNulls } from './database.ts'
import { objectIds } from './generations.ts'
import type { ClaimedLoad } from './leases.ts'
import type {
  LoadCounts,
  LoadObject,
  LoadQuery,
  LoadRecord,
  LoadState,
  Note,
  RejectSummary,
} from './ledger.ts'

/** Statements on what loads came to. */

interface Outcome {
  readonly state: Exclude<LoadState, 'running'>
  readonly code?: string
  readonly message?: string
  readonly retryable?: boolean
  readonly counts: LoadCounts
  readonly objects: readonly LoadObject[]
  readonly rejects: readonly RejectSummary[]
  readonly notes: readonly Note[]
  readonly now: Date
}

/** Ends a running load: its state, counts, objects, reject summary and notes. */
export async function recordOutcome(sql: Sql, load: ClaimedLoad, outcome: Outcome): Promise<void> {
  const { counts } = outcome
  await sql.query(
    `UPDATE loads SET state = $2, code = $3, message = $4, retryable = $5, ended_at = $6,
       rows_read = $7, rows_published = $8, duplicates = $9, rejected = $10, objects = $11,
       bytes = $12
     WHERE load_id = $1`,
    [
      load.load_id,
      outcome.state,
      outcome.code ?? null,
      outcome.message === undefined ? null : storable(outcome.message),
      outcome.retryable ?? false,
      outcome.now,
      counts.rows_read,
      counts.rows_published,
      counts.duplicates,
      counts.rejected,
      counts.objects,
      counts.bytes,
    ],
  )
  await insertObjects(sql, load, outcome.objects)
  for (const batch of batches(numbered(outcome.rejects))) {
    await sql.query(
      `INSERT INTO load_rejects (load_id, position, code, "column", count)
       SELECT $1, position, code, "column", count
       FROM json_to_recordset($2::json) AS t (position integer, code text, "column" text, count bigint)`,
      [load.load_id, JSON.stringify(batch)],
    )
  }
  for (const batch of batches(numbered(outcome.notes))) {
    await sql.query(
      `INSERT INTO load_notes (load_id, position, code, message, count)
       SELECT $1, position, code, message, count
       FROM json_to_recordset($2::json) AS t (position integer, code text, message text, count bigint)`,
      [load.load_id, JSON.stringify(batch)],
    )
  }
}

async function insertObjects(sql: Sql, load: ClaimedLoad, objects: readonly LoadObject[]) {
  const object_ids = await objectIds(sql, load.feed, objects)
  const rows = numbered(objects).map((row) => ({ ...row, object_id: object_ids[row.position] }))
  for (const batch of batches(rows)) {
    await sql.query(
      `INSERT INTO load_objects
         (load_id, position, object_id, bytes, state, rows_read, rejected, code, message)
       SELECT $1, position, object_id, bytes, state, rows_read, rejected, code, message
       FROM json_to_recordset($2::json) AS t (position integer, object_id bigint, bytes bigint,
         state text, rows_read bigint, rejected bigint, code text, message text)`,
      [load.load_id, JSON.stringify(batch)],
    )
  }
}

/** Lists keep their order, and every text of theirs is one that PostgreSQL can keep. */
function numbered<Row extends object>(rows: readonly Row[]): (Row & { position: number })[] {
  return rows.map((row, position) => {
    const texts = Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' ? storable(value) : value,
    ])
    return { ...(Object.fromEntries(texts) as Row), position }
  })
}

type LoadRow = Omit<LoadRecord, 'object_outcomes' | 'reject_summary' | 'notes'> & {
  readonly ended_at: Date | null
  readonly seconds: number | null
  readonly code: string | null
  readonly message: string | null
}

/** Loads in the order they began; with a limit the latest ones. */
export async function loads(sql: Sql, query: LoadQuery): Promise<LoadRecord[]> {
  const rows = await sql.query<LoadRow>(
    `SELECT * FROM (
       SELECT l.load_id, l.feed, p.partition, l.generation, l.reason, l.state, l.started_at,
         l.ended_at, extract(epoch FROM l.ended_at - l.started_at)::float8 AS seconds, l.code,
         l.message, l.retryable, l.holder, l.rows_read, l.rows_published, l.duplicates, l.rejected,
         l.objects, l.bytes
       FROM loads l JOIN partitions p USING (partition_id)
       WHERE ($1::text IS NULL OR l.feed = $1) AND ($2::text IS NULL OR p.partition = $2)
         AND ($3::text[] IS NULL OR l.load_id = ANY($3))
       ORDER BY l.started_at DESC, l.load_id DESC LIMIT $4) latest
     ORDER BY started_at, load_id`,
    [query.feed ?? null, query.partition ?? null, query.load_ids ?? null, query.limit ?? null],
  )
  const ids = rows.map(({ load_id }) => load_id)
  const object_outcomes = await children<LoadObject>(
    sql,
    ids,
    `SELECT c.load_id, o.key, o.version, c.bytes, c.state, c.rows_read, c.rejected, c.code, c.message
     FROM load_objects c JOIN objects o USING (object_id)`,
  )
  const reject_summary = await children<RejectSummary>(
    sql,
    ids,
    'SELECT c.load_id, c.code, c."column", c.count FROM load_rejects c',
  )
  const notes = await children<Note>(
    sql,
    ids,
    'SELECT c.load_id, c.code, c.message, c.count FROM load_notes c',
  )
  return rows.map((row) => ({
    ...withoutNulls(row),
    object_outcomes: object_outcomes.get(row.load_id) ?? [],
    reject_summary: reject_summary.get(row.load_id) ?? [],
    notes: notes.get(row.load_id) ?? [],
  }))
}

async function children<Row>(
  sql: Sql,
  load_ids: readonly string[],
  select: string,
): Promise<Map<string, Row[]>> {
  const found = new Map<string, Row[]>()
  for (const batch of batches(load_ids, 1000)) {
    const rows = await sql.query<{ load_id: string }>(
      `${select} WHERE c.load_id = ANY($1) ORDER BY c.load_id, c.position`,
      [batch],
    )
    for (const { load_id, ...row } of rows) {
      const list = found.get(load_id)
      if (list === undefined) found.set(load_id, [withoutNulls(row) as Row])
      else list.push(withoutNulls(row) as Row)
    }
  }
  return found
}
