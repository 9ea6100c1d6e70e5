import { ExchangeError } from '../core/errors.ts'
import type { Ledger } from './ledger.ts'
import { migrate, readMigrations } from './migrate.ts'
import { openPgDatabase } from './pg-database.ts'
import { createSqlLedger } from './sql-ledger.ts'

export interface PostgresLedgerOptions {
  /** `postgres://user:password@host:port/database`, never shown in a message. */
  readonly url: string
  /** Schema of the tables, made if absent. */
  readonly schema?: string
  readonly max_connections?: number
  /** How long a server may take for one statement, in milliseconds, until it counts as gone. */
  readonly answer_timeout_ms?: number
}

/**
 * Opens the ledger in a PostgreSQL database (15 or newer), shared by any number of loaders, and
 * brings its tables up to date. Throws `config_invalid`, `ledger_unavailable`, `ledger_refused` or
 * `ledger_newer`.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<Ledger> {
  const database = openPgDatabase({
    connection: { url: options.url },
    schema: options.schema ?? 'bucketline',
    description: describe(options.url),
    max_connections: options.max_connections ?? 4,
    connect_timeout_ms: 15_000,
    answer_timeout_ms: options.answer_timeout_ms ?? 120_000,
  })
  try {
    await migrate(database, await readMigrations())
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
  return createSqlLedger(database)
}

/** Where the URL points, without its user, password and parameters. */
function describe(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new ExchangeError('config_invalid', '`ledger.url` is not a postgres:// URL.', {
      hint: 'Write it as postgres://user:password@host:5432/database; characters such as @ / : in the password are percent-encoded.',
    })
  }
  const database = decodeURIComponent(parsed.pathname.slice(1)) || parsed.username
  return `PostgreSQL at ${parsed.host || 'a local socket'}, database ${database}`
}
