import { randomBytes } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRunning } from './is-running.ts'

/**
 * DuckDB names its spill files by their block size only, so two sessions with one folder read each
 * other's blocks. Every session has a folder of its own: `<host>-<pid>-<process>-<number>`. A
 * process may get the number, even the host name, of one that was killed: hence the third part.
 */
const HOST = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')
const PROCESS = randomBytes(6).toString('hex')
let sessions = 0

/** A path under `spill_dir` that no other session has; DuckDB makes the folder when it first spills. */
export function spillFolder(spill_dir: string): string {
  sessions += 1
  return join(spill_dir, `${HOST}-${process.pid}-${PROCESS}-${sessions}`)
}

/** Whether a process of another host still runs cannot be asked; none spills for this long. */
const FOREIGN_AGE_MS = 86_400_000

/** Removes the spill folders of processes that ended without doing so; absent `spill_dir` is no error. */
export async function sweepSpill(spill_dir: string): Promise<void> {
  for (const name of await names(spill_dir)) {
    const path = join(spill_dir, name)
    if (await isOwnerless(name, path)) await rm(path, { recursive: true, force: true })
  }
}

async function isOwnerless(name: string, path: string): Promise<boolean> {
  const [, host, pid, run] = /^(.*)-(\d+)-([0-9a-f]{12})-\d+$/.exec(name) ?? []
  if (host === HOST) {
    if (Number(pid) === process.pid) return run !== PROCESS
    return !isRunning(Number(pid))
  }
  try {
    return Date.now() - (await stat(path)).mtimeMs > FOREIGN_AGE_MS
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

async function names(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
