import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { ExchangeError } from '../core/errors.ts'
import { isRunning } from '../duckdb/is-running.ts'
import {
  type DataDirLock,
  type Holder,
  type LockRole,
  lockedError,
  readHolder,
  takeDataDir,
  unwritable,
} from './data-dir-lock.ts'
import type { Database } from './database.ts'
import type { Ledger } from './ledger.ts'
import { checkVersion, type Migration, migrate, readMigrations } from './migrate.ts'
import { openPgDatabase } from './pg-database.ts'
import { servePglite } from './serve-pglite.ts'
import { createSqlLedger } from './sql-ledger.ts'

export interface EmbeddedLedgerOptions {
  readonly data_dir: string
  /** A loader needs the directory for itself; a reader shares what a holder serves. */
  readonly role: LockRole
  /** How a person would recognise this process, such as `bucketline load --watch`. */
  readonly command: string
  readonly now: Date
  /** How long to wait for a holder that will soon be gone, in milliseconds. */
  readonly wait_ms?: number
}

const SCHEMA = 'bucketline'
const WAIT_MS = 15_000
const POLL_MS = 50

/**
 * Opens the ledger that lives in a data directory. One process at a time holds it and serves it on a
 * socket; readers use that socket, so they see a load's progress while it runs.
 *
 * Throws `data_dir_locked` (naming the holder) where a loader meets another loader,
 * `data_dir_unwritable`, `ledger_newer`, or `ledger_unavailable` where a holder does not answer.
 */
export async function openEmbeddedLedger(options: EmbeddedLedgerOptions): Promise<Ledger> {
  const migrations = await readMigrations()
  const open = () => openSession(options, migrations)
  const first = await open()
  return createSqlLedger(options.role === 'loader' ? first : reopening(first, open))
}

interface Session extends Database {
  /** This process holds the directory: there is nobody to reconnect to. */
  readonly holds: boolean
}

async function openSession(
  options: EmbeddedLedgerOptions,
  migrations: readonly Migration[],
): Promise<Session> {
  const deadline = Date.now() + (options.wait_ms ?? WAIT_MS)
  for (;;) {
    const lock = takeDataDir(options.data_dir, options)
    if (lock !== undefined) return await hold(options.data_dir, lock, migrations)

    const holder = liveHolder(options.data_dir)
    if (options.role === 'reader') {
      const shared = await share(options.data_dir, holder, migrations)
      if (shared !== undefined) return shared
    } else if (holder?.role === 'loader') {
      throw lockedError(options.data_dir, holder)
    }
    // Held by a reader, which is gone in a moment, or by a process that is just starting or ending.
    if (Date.now() > deadline) throw lockedError(options.data_dir, holder)
    await sleep(POLL_MS)
  }
}

/** What the holder says of itself, unless it is what a killed one left behind. */
function liveHolder(data_dir: string): Holder | undefined {
  const holder = readHolder(data_dir)
  if (holder === undefined || holder.host !== hostname()) return holder
  return isRunning(holder.pid) ? holder : undefined
}

/** Opens PGlite and serves it, for as long as the lock is held. */
async function hold(
  data_dir: string,
  lock: DataDirLock,
  migrations: readonly Migration[],
): Promise<Session> {
  await using opened = new AsyncDisposableStack()
  opened.defer(() => lock.release())
  const served = opened.use(await servePglite(data_dir))
  const database = opened.use(connect(data_dir, served.socket))
  await migrate(database, migrations)
  lock.announce(served.socket)
  const open = opened.move()
  return {
    ...database,
    holds: true,
    async transaction(work) {
      try {
        return await database.transaction(work)
      } catch (error) {
        if (isPanic(error)) served.fail(error)
        const broken = served.failure() ?? (isDiskError(error) ? error : undefined)
        throw broken === undefined ? error : unwritable(data_dir, broken)
      }
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Connects to the holder's socket; undefined where it has none, or has just gone. */
async function share(
  data_dir: string,
  holder: Holder | undefined,
  migrations: readonly Migration[],
): Promise<Session | undefined> {
  if (holder?.socket === undefined) return undefined
  const database = connect(data_dir, holder.socket)
  try {
    await checkVersion(database, migrations)
    return { ...database, holds: false }
  } catch (error) {
    await database[Symbol.asyncDispose]()
    if (isUnavailable(error)) return undefined
    throw error
  }
}

function connect(
  data_dir: string,
  socket: { readonly dir: string; readonly port: number },
): Database {
  return openPgDatabase({
    connection: { host: socket.dir, port: socket.port, user: 'postgres' },
    schema: SCHEMA,
    description: `PGlite in ${data_dir}`,
    // PGlite has one session: a second connection would only wait for the first.
    max_connections: 1,
    connect_timeout_ms: 60_000,
  })
}

/** A database that is opened again, once per transaction, when the holder that served it has gone. */
function reopening(first: Session, open: () => Promise<Session>): Database {
  let current = Promise.resolve(first)
  const renew = async (gone: Session): Promise<Session> => {
    await gone[Symbol.asyncDispose]()
    return await open()
  }
  return {
    description: first.description,
    schema: first.schema,
    async transaction(work) {
      const mine = current
      const session = await mine
      try {
        return await session.transaction(work)
      } catch (error) {
        if (session.holds || !isUnavailable(error)) throw error
        // Transactions that failed together share the new session.
        if (current === mine) current = renew(session)
        return await (await current).transaction(work)
      }
    },
    async [Symbol.asyncDispose]() {
      await (await current)[Symbol.asyncDispose]()
    },
  }
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof ExchangeError && error.code === 'ledger_unavailable'

/** The server's word for an error that it does not survive. */
const isPanic = (error: unknown): boolean => (error as { severity?: string }).severity === 'PANIC'

/** SQLSTATE of a full disk and of an input/output error. */
const isDiskError = (error: unknown): boolean =>
  ['53100', '58030'].includes((error as { code?: string }).code ?? '')
