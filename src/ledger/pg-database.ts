import pg from 'pg'
import { ExchangeError } from '../core/errors.ts'
import type { Database, Sql } from './database.ts'

export interface PgDatabaseOptions {
  /** `postgres://…`, or the parts of it for a Unix socket. */
  readonly connection:
    | { readonly url: string }
    | { readonly host: string; readonly port: number; readonly user: string }
  /** Schema of the ledger's tables. */
  readonly schema: string
  readonly description: string
  readonly max_connections: number
  /** How long to wait for a connection, in milliseconds. */
  readonly connect_timeout_ms: number
  /** How long to wait for the answer to one statement, in milliseconds; for ever without it. */
  readonly answer_timeout_ms?: number
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Errors of the server after which the same transaction may simply be run again. */
const RUN_AGAIN = new Set(['40001', '40P01'])
const RUNS = 5

/** Opens a pool of connections; nothing is connected until the first transaction. */
export function openPgDatabase(options: PgDatabaseOptions): Database {
  const { connection } = options
  const pool = new pg.Pool({
    ...('url' in connection
      ? { connectionString: connection.url, application_name: 'bucketline' }
      : { ...connection, database: 'postgres' }),
    max: options.max_connections,
    connectionTimeoutMillis: options.connect_timeout_ms,
    ...(options.answer_timeout_ms === undefined
      ? {}
      : { query_timeout: options.answer_timeout_ms, keepAlive: true }),
    types: { getTypeParser: typeParser as typeof pg.types.getTypeParser },
  })
  // An idle connection that breaks is dropped by the pool; the next transaction connects again or
  // says why it cannot. Without a listener the process would end here.
  pool.on('error', () => undefined)
  // One message opens the block and names the schema, so that it holds behind a pooler and on a
  // server that shares one session between clients.
  const begin = [
    'BEGIN',
    `SET LOCAL search_path TO ${identifier(options.schema)}`,
    // A loader that stalls in a transaction must not hold its locks for the others' ever.
    ...(options.answer_timeout_ms === undefined
      ? []
      : [
          `SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(options.answer_timeout_ms)}`,
        ]),
  ].join('; ')

  async function attempt<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    let broken: Error | undefined
    const lost = (error: Error) => {
      broken = error
    }
    client.on('error', lost)
    try {
      await client.query(begin)
      const result = await work(sqlOf(client))
      await client.query('COMMIT')
      return result
    } catch (error) {
      if (isConnectionError(error)) broken = error as Error
      // The work's own error is the one to report; a connection that cannot roll back is thrown away.
      if (broken === undefined) {
        await client.query('ROLLBACK').catch((failure: Error) => {
          broken = failure
        })
      }
      throw error
    } finally {
      client.off('error', lost)
      client.release(broken)
    }
  }

  return {
    description: options.description,
    schema: options.schema,
    async transaction(work) {
      for (let run = 1; ; run++) {
        try {
          return await attempt(work)
        } catch (error) {
          if (run < RUNS && RUN_AGAIN.has(sqlState(error) ?? '')) continue
          throw coded(error, options.description)
        }
      }
    },
    async [Symbol.asyncDispose]() {
      if (!pool.ended) await pool.end()
    },
  }
}

function sqlOf(client: pg.PoolClient): Sql {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []) {
      const result = await client.query(text, values as unknown[])
      return result.rows as Row[]
    },
    async script(text) {
      await client.query(text)
    },
  }
}

/** `bigint[]` in pg_type; the driver has no name for it. Its text is `{1,2}`, without quotes. */
const INT8_ARRAY = 1016

/** bigint as a number: every count and id of a ledger is far below 2^53, and more would be a defect. */
function typeParser(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === pg.types.builtins.INT8) return safeInteger
  if (oid === INT8_ARRAY)
    return (text) => text.slice(1, -1).split(',').filter(Boolean).map(safeInteger)
  return pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown
}

function safeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new Error(`${text} does not fit a JavaScript number`)
  return value
}

const sqlState = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Codes of Node's sockets, and classes of SQLSTATE, that mean the connection is gone. */
const SOCKET_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENOTSOCK'],
])
const LOST = /^(08...|25P03|57P0[123]|53300)$/
const REFUSED = /^(28...|3D000|42501|3F000)$/
/** What the driver itself says without a code. */
const DRIVER_LOST =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|Client was closed|Query read timeout)/

/** Whether the connection broke or could not be made, as against the server answering with an error. */
export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError) return error.errors.every(isConnectionError)
  const code = sqlState(error) ?? ''
  return SOCKET_CODES.has(code) || LOST.test(code) || DRIVER_LOST.test(error.message)
}

/** The driver's error as one of ours, where a user or the outside world caused it. Never holds the URL. */
function coded(error: unknown, description: string): unknown {
  if (error instanceof ExchangeError) return error
  const reason = error instanceof AggregateError ? error.errors.map(String).join('; ') : `${error}`
  if (isConnectionError(error)) {
    return new ExchangeError(
      'ledger_unavailable',
      `The ledger (${description}) could not be reached: ${reason}`,
      { cause: error },
    )
  }
  if (REFUSED.test(sqlState(error) ?? '')) {
    return new ExchangeError(
      'ledger_refused',
      `The ledger (${description}) refused access: ${reason}`,
      {
        cause: error,
      },
    )
  }
  return error
}
