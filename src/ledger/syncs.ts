import { ExchangeError } from '../core/errors.ts'
import { batches, only, type Sql, storable, withoutNulls } from './database.ts'
import type {
  BeginSync,
  BegunSync,
  CommitSync,
  EndSync,
  FailSync,
  KeptStates,
  SyncRecord,
  SyncState,
} from './ledger.ts'

/** Statements on syncs: their states, and which attempt may commit. */

/** States of this scope speak of everything: they and those of other scopes take each other's place. */
const GLOBAL = 'global'

const CUT_OFF = `UPDATE sync_attempts SET state = 'failed', code = 'interrupted', ended_at = $1,
  message = 'The process that ran this sync (' || holder || ') ended or was cut off before it finished.'`

/** Makes the attempt the one that may commit; a running one before it has been cut off, or is from now on. */
export async function beginSync(sql: Sql, request: BeginSync): Promise<BegunSync> {
  const { sync, attempt_id, destination, holder, streams, now } = request
  // Not the latest one: that may have failed before it began, and says nothing of what was committed.
  const [before] = await sql.query<{ attempt_id: string }>(
    'SELECT attempt_id FROM syncs WHERE sync = $1 AND attempt_id IS NOT NULL FOR UPDATE',
    [sync],
  )
  await sql.query(
    `INSERT INTO syncs (sync, attempt_id) VALUES ($1, $2)
     ON CONFLICT (sync) DO UPDATE SET attempt_id = excluded.attempt_id`,
    [sync, attempt_id],
  )
  await sql.query(`${CUT_OFF} WHERE sync = $2 AND state = 'running'`, [now, sync])
  const [last] = await sql.query<SyncRow>(
    `SELECT ${COLUMNS} FROM sync_attempts WHERE attempt_id = $1`,
    [before?.attempt_id ?? null],
  )
  await sql.query(
    `INSERT INTO sync_attempts (attempt_id, sync, destination, state, holder, streams, started_at)
     VALUES ($1, $2, $3, 'running', $4, $5, $6)`,
    [attempt_id, sync, destination, storable(holder), streams, now],
  )
  return {
    states: await syncStates(sql, sync),
    ...(last === undefined ? {} : { last: withoutNulls(last) }),
  }
}

export async function syncStates(sql: Sql, sync: string): Promise<SyncState[]> {
  // As for the last commit: one on its way is waited for.
  await sql.query('SELECT FROM syncs WHERE sync = $1 FOR SHARE', [sync])
  return sql.query<SyncState>(
    'SELECT scope, state FROM sync_states WHERE sync = $1 ORDER BY scope',
    [sync],
  )
}

/** Keeps the states together with the number of the commit. */
export async function commitSync(sql: Sql, commit: CommitSync): Promise<void> {
  const { sync, attempt_id, n, records, states, now } = commit
  await claimed(sql, sync, attempt_id)
  const updated = await sql.query(
    `UPDATE sync_attempts SET last_commit = $2, records = $3
     WHERE attempt_id = $1 AND last_commit < $2 AND state = 'running' RETURNING attempt_id`,
    [attempt_id, n, records],
  )
  if (updated.length === 0) {
    if (((await lastSyncCommit(sql, attempt_id)) ?? -1) < n) throw lost(sync)
    // The answer to this commit was lost, and it is asked for again.
    return
  }
  // Of several states of one scope the last one holds.
  const latest = new Map(states.map(({ scope, state }) => [storable(scope), storable(state)]))
  if (latest.size === 0) return
  const is_global = latest.has(GLOBAL)
  await sql.query('DELETE FROM sync_states WHERE sync = $1 AND (scope = $2) <> $3', [
    sync,
    GLOBAL,
    is_global,
  ])
  const kept = [...latest].filter(([scope]) => !is_global || scope === GLOBAL)
  for (const batch of batches(kept)) {
    await sql.query(
      `INSERT INTO sync_states (sync, scope, state, attempt_id, committed_at)
       SELECT $1, scope, state, $2, $3 FROM unnest($4::text[], $5::text[]) AS t (scope, state)
       ON CONFLICT (sync, scope) DO UPDATE SET state = excluded.state,
         attempt_id = excluded.attempt_id, committed_at = excluded.committed_at`,
      [sync, attempt_id, now, batch.map(([scope]) => scope), batch.map(([, state]) => state)],
    )
  }
}

export async function lastSyncCommit(sql: Sql, attempt_id: string): Promise<number | undefined> {
  // A commit on its way has locked the row: it is waited for. Its process may be gone, and it takes place all the same.
  const [found] = await sql.query<{ last_commit: number }>(
    'SELECT last_commit FROM sync_attempts WHERE attempt_id = $1 FOR SHARE',
    [attempt_id],
  )
  return found?.last_commit
}

/** As `lastSyncCommit`; and the attempt can commit no more. */
export async function cutOffSync(
  sql: Sql,
  attempt_id: string,
  now: Date,
): Promise<number | undefined> {
  await sql.query(`${CUT_OFF} WHERE attempt_id = $2 AND state = 'running'`, [now, attempt_id])
  return lastSyncCommit(sql, attempt_id)
}

/** Ends the attempt, and forgets the states that only served to go on with it. */
export async function endSync(sql: Sql, end: EndSync): Promise<void> {
  const { sync, attempt_id, state, code, message, counts, streams_complete, forget, now } = end
  const ended = await sql.query(
    `UPDATE sync_attempts SET state = $2, code = $3, message = $4, ended_at = $5,
       records = $6, objects = $7, bytes = $8, bad_values = $9, streams_complete = $10
     WHERE attempt_id = $1 AND state = 'running' RETURNING attempt_id`,
    [
      attempt_id,
      state,
      code ?? null,
      message === undefined ? null : storable(message),
      now,
      counts.records,
      counts.objects,
      counts.bytes,
      counts.bad_values,
      streams_complete ?? null,
    ],
  )
  if (ended.length === 0) {
    // It was ended by the next attempt, or the answer was lost.
    const [found] = await sql.query<{ state: string; code: string | null }>(
      'SELECT state, code FROM sync_attempts WHERE attempt_id = $1',
      [attempt_id],
    )
    if (found?.state === state && found.code === (code ?? null)) return
    throw lost(sync)
  }
  for (const batch of batches(forget))
    await sql.query('DELETE FROM sync_states WHERE sync = $1 AND scope = ANY($2)', [
      sync,
      batch.map(storable),
    ])
}

/** Keeps an attempt that never began: the one that may commit stays the one it was. */
export async function failSync(sql: Sql, failed: FailSync): Promise<void> {
  const { sync, attempt_id, destination, holder, code, message, started_at, now } = failed
  await sql.query('INSERT INTO syncs (sync) VALUES ($1) ON CONFLICT (sync) DO NOTHING', [sync])
  await sql.query(
    `INSERT INTO sync_attempts (attempt_id, sync, destination, state, holder, started_at, ended_at, code, message)
     VALUES ($1, $2, $3, 'failed', $4, $5, $6, $7, $8) ON CONFLICT (attempt_id) DO NOTHING`,
    [attempt_id, sync, destination, storable(holder), started_at, now, code, storable(message)],
  )
}

/** Forgets the states; how many there were. Attempts stay: objects of theirs may have to be told apart. */
export async function resetSync(sql: Sql, sync: string): Promise<number> {
  const gone = await sql.query('DELETE FROM sync_states WHERE sync = $1 RETURNING scope', [sync])
  return gone.length
}

export async function syncs(sql: Sql): Promise<SyncRecord[]> {
  const rows = await sql.query<SyncRow>(
    `SELECT DISTINCT ON (sync) ${COLUMNS} FROM sync_attempts
     ORDER BY sync, position DESC`,
  )
  return rows.map((row) => withoutNulls(row))
}

/** Those that only serve to go on with an attempt that was cut off are none to go on from. */
export const keptStates = (sql: Sql): Promise<KeptStates[]> =>
  sql.query<KeptStates>(
    `SELECT sync, split_part(scope, ':', 1) AS kind, count(*) AS count, max(committed_at) AS committed_at
     FROM sync_states WHERE split_part(scope, ':', 1) IN ('stream', 'file', 'global')
     GROUP BY 1, 2 ORDER BY 1, 2`,
  )

const COLUMNS = `sync, attempt_id, destination, state, holder, streams, streams_complete, started_at, ended_at,
  records, objects, bytes, bad_values, code, message`

interface SyncRow {
  readonly sync: string
  readonly attempt_id: string
  readonly destination: string
  readonly state: SyncRecord['state']
  readonly holder: string
  readonly streams: number | null
  readonly streams_complete: number | null
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly records: number
  readonly objects: number
  readonly bytes: number
  readonly bad_values: number
  readonly code: string | null
  readonly message: string | null
}

/** Throws `lease_lost` unless the attempt is the one that may commit, and stays it until the transaction ends. */
async function claimed(sql: Sql, sync: string, attempt_id: string): Promise<void> {
  const held = only(
    await sql.query<{ attempt_id: string | null }>(
      'SELECT attempt_id FROM syncs WHERE sync = $1 FOR UPDATE',
      [sync],
    ),
  )
  if (held.attempt_id !== attempt_id) throw lost(sync)
}

const lost = (sync: string): ExchangeError =>
  new ExchangeError('lease_lost', `Another process has begun the sync ${sync} meanwhile.`, {
    hint: 'What was not committed was taken back. Run one process of a sync at a time.',
  })
