import { readdir, readFile } from 'node:fs/promises'
import { ExchangeError } from '../core/errors.ts'
import type { Database } from './database.ts'

export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

/** Any number will do, as long as every version of the program uses the same one. */
const MIGRATION_LOCK = 4_823_015_577

/** The program's migrations in order: files `NNNN-name.sql` beside this module, also when it is built. */
export async function readMigrations(): Promise<Migration[]> {
  const folder = new URL('./migrations/', import.meta.url)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const name of names) {
    const version = Number(/^(\d{4})-/.exec(name)?.[1])
    // A gap or a repeated number would let two ledgers of one version differ.
    if (version !== migrations.length + 1) {
      throw new Error(`Migration ${name} is out of sequence: expected ${migrations.length + 1}`)
    }
    migrations.push({ version, name, sql: await readFile(new URL(name, folder), 'utf8') })
  }
  return migrations
}

/**
 * Brings the ledger's tables up to the program's version, once however many processes start at the
 * same time. Throws `ledger_newer` where the ledger knows migrations that this program does not.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  const newest = migrations.at(-1)?.version ?? 0
  await database.transaction(async (sql) => {
    await sql.query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
    const exists = await sql.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [
      database.schema,
    ])
    // Asked first: IF NOT EXISTS needs the right to create schemas even where there is nothing to do.
    if (exists.length === 0) {
      await sql.script(`CREATE SCHEMA "${database.schema.replaceAll('"', '""')}"`)
    }
    await sql.script(`CREATE TABLE IF NOT EXISTS schema_migrations (
      version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`)
    const applied = await sql.query<{ version: number }>(
      'SELECT version FROM schema_migrations ORDER BY version',
    )
    const current = applied.at(-1)?.version ?? 0
    if (current > newest) throw newerError(database, current, newest)
    for (const { version, name, sql: text } of migrations.slice(current)) {
      await sql.script(text)
      await sql.query('INSERT INTO schema_migrations (version, name) VALUES ($1, $2)', [
        version,
        name,
      ])
    }
  })
}

/**
 * For a process that only shares a ledger which another one holds and has brought up to date: throws
 * `ledger_newer`, or `data_dir_locked` where the holder is an older version of the program.
 */
export async function checkVersion(
  database: Database,
  migrations: readonly Migration[],
): Promise<void> {
  const newest = migrations.at(-1)?.version ?? 0
  const current = await database.transaction(async (sql) => {
    const rows = await sql.query<{ version: number }>(
      'SELECT max(version) AS version FROM schema_migrations',
    )
    return rows[0]?.version ?? 0
  })
  if (current > newest) throw newerError(database, current, newest)
  if (current < newest) {
    throw new ExchangeError(
      'data_dir_locked',
      `The ledger (${database.description}) is held by an older version of the program (ledger version ${current}, this program's is ${newest}).`,
      { hint: 'Wait until that process has ended, or restart it with this version.' },
    )
  }
}

function newerError(database: Database, current: number, newest: number): ExchangeError {
  return new ExchangeError(
    'ledger_newer',
    `The ledger (${database.description}) is at version ${current}; this program knows versions up to ${newest}.`,
    { details: { ledger_version: current, program_version: newest } },
  )
}
