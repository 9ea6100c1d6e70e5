import { mkdir, rm } from 'node:fs/promises'
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { spillFolder } from './spill.ts'

export interface DuckdbOptions {
  /** DuckDB's own spelling: `1GB`, `512MB`. */
  readonly memory_limit: string
  /** Folder in which the session spills to a folder of its own; made if absent. */
  readonly spill_dir: string
  readonly threads?: number
}

/** A bounded in-memory DuckDB: everything columnar runs in one of these. */
export interface Duckdb extends AsyncDisposable {
  readonly connection: DuckDBConnection
  run(sql: string): Promise<void>
  /** Rows as JavaScript objects; big integers stay `bigint`, so ask for what you need in the SQL. */
  all<Row = Record<string, unknown>>(sql: string): Promise<Row[]>
  /**
   * Several statements at the same time, each on a connection of its own, which sees no temporary
   * tables. For what DuckDB does not spread over its threads by itself, such as numbering rows.
   */
  together<Row = Record<string, unknown>>(statements: readonly string[]): Promise<Row[][]>
}

/** Opens a DuckDB that lives in memory, within `memory_limit`, spilling to `spill_dir`. */
export async function openDuckdb(options: DuckdbOptions): Promise<Duckdb> {
  // Loaded when first needed: commands that never touch data start without it.
  const { DuckDBInstance } = await import('@duckdb/node-api')
  await mkdir(options.spill_dir, { recursive: true })
  const spill = spillFolder(options.spill_dir)
  const instance: DuckDBInstance = await DuckDBInstance.create(':memory:', {
    memory_limit: options.memory_limit,
    temp_directory: spill,
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    // Extensions are downloads; a load never reaches out for one.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connect = async () => {
    const opened = await instance.connect()
    // Times are UTC everywhere; a session zone would make casts depend on the machine.
    await opened.run("SET TimeZone = 'UTC'")
    return opened
  }
  const connection = await connect()
  return {
    connection,
    async run(sql) {
      await connection.run(sql)
    },
    async all<Row>(sql: string) {
      const reader = await connection.runAndReadAll(sql)
      return reader.getRowObjectsJS() as Row[]
    },
    async together<Row>(statements: readonly string[]) {
      // All are waited for, whatever becomes of one: what it wrote must not appear later.
      const outcomes = await Promise.allSettled(
        statements.map(async (sql) => {
          const own = await connect()
          try {
            return (await own.runAndReadAll(sql)).getRowObjectsJS() as Row[]
          } finally {
            own.closeSync()
          }
        }),
      )
      return outcomes.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason
        return outcome.value
      })
    },
    async [Symbol.asyncDispose]() {
      connection.closeSync()
      instance.closeSync()
      await rm(spill, { recursive: true, force: true })
    },
  }
}

/** A string as an SQL literal. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A name as an SQL identifier, whatever it holds. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
