import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { ExchangeError } from '../core/errors.ts'
import { isRunning } from '../duckdb/is-running.ts'
import { chunksOf } from './body.ts'
import { keyInvalid } from './keys.ts'
import {
  checkPathKey,
  errnoOf,
  folderError,
  infoOf,
  isAbsence,
  isWithin,
  TEMP_PREFIX,
  writeError,
} from './local-files.ts'
import { checkRoot } from './local-walk.ts'
import type { Body, ObjectInfo, WriteOptions } from './store.ts'

/**
 * Writes one object to a temporary file beside its place and moves it there whole and on disk. `if_absent` is
 * decided by the file system. `root` is the folder's real path.
 */
export async function writeLocal(
  root: string,
  key: string,
  body: Body,
  io: WriteOptions,
): Promise<ObjectInfo> {
  io.signal?.throwIfAborted()
  checkPathKey(key)
  const path = join(root, key)
  const coded = (error: unknown) => {
    throw writeError(error, path, key)
  }
  const { file, temp } = await createTemp(root, path, key)
  try {
    try {
      for await (const chunk of chunksOf(body, io.signal)) await file.writeFile(chunk).catch(coded)
      io.signal?.throwIfAborted()
      await file.sync().catch(coded)
    } finally {
      await file.close()
    }
    if (io.if_absent === true) await linkNew(temp, path, key)
    else await rename(temp, path).catch(coded)
  } catch (error) {
    await unlink(temp).catch((failure: unknown) => {
      if (errnoOf(failure) !== 'ENOENT') throw folderError(failure, 'remove', temp)
    })
    throw error
  }
  await syncFolder(dirname(path))
  return infoOf(key, await stat(path, { bigint: true }).catch(coded))
}

/** What this machine's temporary files begin with; the process follows. */
const OWN_TEMP = `${TEMP_PREFIX}${hostname()
  .replaceAll(/[^A-Za-z0-9.]/g, '_')
  .slice(0, 60)}-`
/** Folders that were looked through for what killed processes left. */
const swept = new Set<string>()
const MOST_SWEPT = 10_000

/** Removes what processes of this machine that were killed left in a folder; once for each folder. */
async function sweepTemps(folder: string): Promise<void> {
  if (swept.has(folder)) return
  if (swept.size >= MOST_SWEPT) swept.clear()
  swept.add(folder)
  for (const name of await readdir(folder)) {
    if (!name.startsWith(OWN_TEMP)) continue
    const pid = Number(/^\d+/.exec(name.slice(OWN_TEMP.length))?.[0])
    // Whoever cannot remove it here can write beside it all the same.
    if (!isRunning(pid)) await unlink(join(folder, name)).catch(() => {})
  }
}

/** A temporary file beside the target: on the same file system, so that the last step is atomic. */
async function createTemp(root: string, path: string, key: string) {
  const temp = join(dirname(path), `${OWN_TEMP}${process.pid}-${randomUUID()}`)
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeParent(root, dirname(path), key)
      await sweepTemps(dirname(path))
      return { file: await open(temp, 'wx'), temp }
    } catch (error) {
      // A delete that empties the parent at this moment takes it away; make it again.
      if (errnoOf(error) === 'ENOENT' && attempt < 10) {
        await checkRoot(root)
        continue
      }
      throw writeError(error, path, key)
    }
  }
}

async function makeParent(root: string, parent: string, key: string): Promise<void> {
  let existing = parent
  let real: string | undefined
  while (real === undefined) {
    try {
      real = await realpath(existing)
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || existing === root) throw error
      existing = dirname(existing)
    }
  }
  if (!isWithin(root, real)) {
    throw keyInvalid(key, `leads out of ${root} through a symbolic link`)
  }
  if (existing !== parent) await mkdir(parent, { recursive: true })
}

/** `link` is the one call that makes a finished file appear and fails where the name is taken. */
async function linkNew(temp: string, path: string, key: string): Promise<void> {
  try {
    await link(temp, path)
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw writeError(error, path, key)
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) {
      throw keyInvalid(key, 'is a folder that other keys lie in', error)
    }
    throw new ExchangeError('object_exists', `There is an object ${path} already.`, {
      details: { key },
    })
  }
  await unlink(temp).catch((error: unknown) => {
    throw folderError(error, 'remove', temp)
  })
}

/** Without this a power cut can lose the name of a file whose bytes are safe. */
async function syncFolder(folder: string): Promise<void> {
  if (sep !== '/') return
  try {
    const file = await open(folder, 'r')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    // Some network file systems cannot sync a folder, and a delete may have just removed it.
    if (!isAbsence(error) && errnoOf(error) !== 'EINVAL') throw folderError(error, 'sync', folder)
  }
}
