import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ExchangeError } from '../core/errors.ts'
import { isRunning } from '../duckdb/is-running.ts'

export type LockRole = 'loader' | 'reader'

/** Who holds a data directory; for messages, and for others to find the holder's socket. Decides nothing. */
export interface Holder {
  readonly pid: number
  readonly host: string
  readonly role: LockRole
  /** As a person would recognise it: `bucketline load --watch`. */
  readonly command: string
  /** ISO 8601. */
  readonly started_at: string
  /** Folder and port of the socket the holder serves the ledger on; absent until it does. */
  readonly socket?: { readonly dir: string; readonly port: number }
}

/** A held data directory; `release` may be called twice. */
export interface DataDirLock {
  readonly holder: Holder
  /** Tells others where the ledger is served. */
  announce(socket: { readonly dir: string; readonly port: number }): void
  release(): void
}

const LOCK_FILE = 'lock'
const HOLDER_FILE = 'holder.json'

/**
 * Takes the data directory, or returns undefined where another process (or another ledger of this
 * one) has it. Throws `data_dir_unwritable`.
 *
 * The lock is an exclusive transaction on an empty SQLite file, because SQLite's locks are the
 * kernel's: they end with the process however it ends, so nobody ever has to judge whether a lock
 * that was left behind is stale. Nothing else may open that file: on POSIX systems, closing any
 * descriptor of it would drop the process's lock.
 */
export function takeDataDir(
  data_dir: string,
  who: { readonly role: LockRole; readonly command: string; readonly now: Date },
): DataDirLock | undefined {
  const database = openLockFile(data_dir)
  try {
    // Nothing is ever written, so a journal beside the file would have nothing to undo.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (isBusy(error)) return undefined
    throw unwritable(data_dir, error)
  }
  let holder: Holder = {
    pid: process.pid,
    host: hostname(),
    role: who.role,
    command: who.command,
    started_at: who.now.toISOString(),
  }
  let held = true
  const release = () => {
    if (!held) return
    held = false
    // Removed first: once the lock is open, the file may be the next holder's.
    rmSync(join(data_dir, HOLDER_FILE), { force: true })
    database.close()
  }
  try {
    removeSocketLeft(readHolder(data_dir))
    writeHolder(data_dir, holder)
  } catch (error) {
    release()
    throw unwritable(data_dir, error)
  }
  return {
    get holder() {
      return holder
    },
    announce(socket) {
      holder = { ...holder, socket }
      writeHolder(data_dir, holder)
    },
    release,
  }
}

/** What the holder says of itself; undefined where there is none, or it has not written it yet. */
export function readHolder(data_dir: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(join(data_dir, HOLDER_FILE), 'utf8')) as Holder
  } catch (error) {
    // A power cut can leave it empty, as it is written without waiting for the disk.
    if (error instanceof SyntaxError) return undefined
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** How the folder of a socket begins whose data directory has too long a path for it. */
export const SOCKET_FOLDER = join(tmpdir(), 'bucketline-')

/** Removes such a folder where a holder that was killed left it; nobody else knows of it. */
function removeSocketLeft(left: Holder | undefined): void {
  const dir = left?.socket?.dir
  if (left === undefined || dir === undefined || left.host !== hostname()) return
  const own = join(dirname(dir), basename(dir).slice(0, basename(SOCKET_FOLDER).length))
  if (own === SOCKET_FOLDER && !isRunning(left.pid)) rmSync(dir, { recursive: true, force: true })
}

/** The error of a process that needs the data directory for itself and cannot have it. */
export function lockedError(data_dir: string, holder: Holder | undefined): ExchangeError {
  const who =
    holder === undefined
      ? 'another process'
      : `process ${holder.pid} on ${holder.host} (${holder.command}) since ${holder.started_at}`
  return new ExchangeError('data_dir_locked', `The data directory ${data_dir} is held by ${who}.`, {
    details: { data_dir, ...(holder === undefined ? {} : { holder }) },
  })
}

/** The error of a data directory that cannot be written: permissions, a full disk, a path that is no folder. */
export function unwritable(data_dir: string, cause: unknown): ExchangeError {
  const reason = cause instanceof Error ? cause.message : 'the database in it could not be opened'
  return new ExchangeError(
    'data_dir_unwritable',
    `The data directory ${data_dir} cannot be written: ${reason}${shortOfSpace(data_dir)}`,
    { cause, details: { data_dir } },
  )
}

/** A database with 32 MB of log cannot work below this. */
const SPACE_NEEDED_MB = 64

/** Says how little space is free, since a database that finds none often says something else. */
const shortOfSpace = (data_dir: string): string =>
  isShortOfSpace(data_dir) ? ` (only ${freeMb(data_dir)} MB are free there)` : ''

/** Whether the disk of a folder has less free space than the ledger's log takes. */
export const isShortOfSpace = (data_dir: string): boolean =>
  existsSync(data_dir) && freeMb(data_dir) < SPACE_NEEDED_MB

function freeMb(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return Math.floor((bavail * bsize) / 1e6)
}

function openLockFile(data_dir: string): DatabaseSync {
  try {
    makeFolder(resolve(data_dir))
    return new DatabaseSync(join(data_dir, LOCK_FILE), { timeout: 0 })
  } catch (error) {
    throw unwritable(data_dir, error)
  }
}

/** Makes a folder and those above it; `mkdir` with `recursive` never returns where a file system refuses with ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    // Another process may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Replaced whole, so that a reader never sees half of it. */
function writeHolder(data_dir: string, holder: Holder): void {
  const path = join(data_dir, HOLDER_FILE)
  writeFileSync(`${path}.new`, `${JSON.stringify(holder, null, 2)}\n`)
  renameSync(`${path}.new`, path)
}

const SQLITE_BUSY = 5
const isBusy = (error: unknown): boolean =>
  // Extended result codes keep the primary one in the low byte.
  ((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY
