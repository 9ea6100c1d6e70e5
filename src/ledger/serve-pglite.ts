import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { ExchangeError } from '../core/errors.ts'
import { isShortOfSpace, SOCKET_FOLDER, unwritable } from './data-dir-lock.ts'

/** A PGlite that is open and answers on a Unix socket. */
export interface ServedPglite extends AsyncDisposable {
  readonly socket: { readonly dir: string; readonly port: number }
  /** Set once the database engine itself broke down, after which nothing answers any more. */
  failure(): unknown
  /** Says that it broke down: it is not spoken to any more, and closing leaves it as it is. */
  fail(error: unknown): void
}

/**
 * PostgreSQL's defaults are for a server with a machine of its own: 128 MB of buffers, a log that
 * grows to 1 GB, a compiler for queries that PGlite does not have.
 */
const SETTINGS = ['shared_buffers=32MB', 'max_wal_size=64MB', 'min_wal_size=32MB', 'jit=off']

/** Only names the socket file, as PostgreSQL does: `.s.PGSQL.<port>`. */
const PORT = 5432
/** Linux takes 107 bytes, macOS 103. */
const MAX_SOCKET_PATH_BYTES = 100
/** Far more processes than look at one data directory at a time. */
const MAX_CONNECTIONS = 100

/**
 * Opens the PGlite of a data directory and serves it. Only for the process that holds the
 * directory's lock. Throws `data_dir_unwritable`.
 */
export async function servePglite(data_dir: string): Promise<ServedPglite> {
  const { PGLiteSocketServer } = await import('@electric-sql/pglite-socket')
  const db = await openPglite(data_dir)
  await vacuumGrownTables(db)
  let failure: unknown
  const fail = (error: unknown) => {
    failure ??= error
    // The socket server would roll back for the clients it lets go, which a broken engine answers by throwing.
    db.isInTransaction = () => false
  }
  // An error of SQL is an answer; only a broken engine throws here. The socket server stops answering
  // after that, so whoever waits has to be told why.
  const execute = db.execProtocolRawStream.bind(db)
  db.execProtocolRawStream = async (...message) => {
    try {
      return await execute(...message)
    } catch (error) {
      fail(error)
      throw error
    }
  }
  const dir = socketDir(data_dir)
  const path = join(dir, `.s.PGSQL.${PORT}`)
  // Left behind by a holder that was killed: the lock says that nobody listens on it.
  rmSync(path, { force: true })
  const server = new PGLiteSocketServer({ db, path, maxConnections: MAX_CONNECTIONS })
  const close = async () => {
    await server.stop()
    // What was committed is in the log; the next one to open the folder recovers from that.
    if (failure === undefined) await db.close()
    rmSync(path, { force: true })
    if (dir !== resolve(data_dir)) rmSync(dir, { recursive: true, force: true })
  }
  try {
    await server.start()
    chmodSync(path, 0o600)
  } catch (error) {
    await close()
    throw unwritable(data_dir, error)
  }
  return { socket: { dir, port: PORT }, failure: () => failure, fail, [Symbol.asyncDispose]: close }
}

async function openPglite(data_dir: string): Promise<PGlite> {
  const { PGlite } = await import('@electric-sql/pglite')
  const folder = join(data_dir, 'ledger')
  // An emptied folder would be taken for a new ledger, and with it would go what must not be forgotten.
  if (existsSync(folder) && !existsSync(join(folder, 'PG_VERSION')))
    throw damaged(folder, new Error('there is no database in it'))
  try {
    if (!existsSync(folder)) {
      // Made under another name and then renamed: a process killed meanwhile leaves no half a database.
      const draft = `${folder}.new`
      rmSync(draft, { recursive: true, force: true })
      const fresh = await PGlite.create(draft)
      await fresh.close()
      renameSync(draft, folder)
    }
  } catch (error) {
    throw unwritable(data_dir, error)
  }
  try {
    return await PGlite.create(folder, { postgresqlconf: SETTINGS })
  } catch (error) {
    // PGlite says the same of a full disk and of a broken file; only the system's own errors have codes.
    const full = isShortOfSpace(data_dir) || (error as NodeJS.ErrnoException).code !== undefined
    throw full ? unwritable(data_dir, error) : damaged(folder, error)
  }
}

function damaged(folder: string, cause: unknown): ExchangeError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ExchangeError(
    'ledger_damaged',
    `The ledger in ${folder} cannot be opened: ${reason.replace(/\.? Build with .*$/s, '')}.`,
    { cause, details: { folder } },
  )
}

/**
 * PGlite has no autovacuum. A table that has grown by half since it was last vacuumed is vacuumed
 * here, so that this costs in proportion to what was written since.
 */
async function vacuumGrownTables(db: PGlite): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
       AND pg_relation_size(c.oid) / current_setting('block_size')::int > 32 + 1.5 * c.relpages`,
  )
  for (const { name } of rows) await db.exec(`VACUUM (ANALYZE) ${name}`)
}

function socketDir(data_dir: string): string {
  const dir = resolve(data_dir)
  const bytes = Buffer.byteLength(join(dir, `.s.PGSQL.${PORT}`))
  return bytes <= MAX_SOCKET_PATH_BYTES ? dir : mkdtempSync(SOCKET_FOLDER)
}
