import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Walk } from './grouping.ts'
import { compareKeys, keyInvalid } from './keys.ts'
import {
  checkPathPrefix,
  errnoOf,
  folderError,
  infoOf,
  isAbsence,
  isWithin,
  storeNotFound,
  TEMP_PREFIX,
} from './local-files.ts'
import type { IoOptions, ListEntry, ObjectInfo } from './store.ts'

export interface WalkOptions extends IoOptions {
  readonly start_after?: string | undefined
}

/** A folder being walked: its keys start with `key_prefix`; `chain` holds the real paths that led to it. */
interface Folder {
  readonly path: string
  readonly key_prefix: string
  readonly chain: readonly string[]
}

type Entry =
  | { readonly kind: 'file'; readonly key: string; readonly path: string }
  | { readonly kind: 'folder'; readonly key: string; readonly folder: Folder }

/** Files looked up at once; more gives no speed on four threads of the pool. */
const LOOKUPS = 64

/** Every file under the prefix in key order; folders that `start_after` rules out are not read. */
export async function* walkFiles(root: string, prefix: string, io: WalkOptions): Walk {
  yield* filesIn(root, startOf(root, prefix), prefix, io)
}

/** One level under the prefix, grouped at `/`: no grouped folder is read, but the one that holds `start_after`. */
export async function* walkLevel(
  root: string,
  prefix: string,
  io: WalkOptions,
): AsyncGenerator<ListEntry> {
  for await (const entry of entriesOf(root, startOf(root, prefix), prefix, io)) {
    if (entry.kind === 'object') yield entry.info
    else if (io.start_after === undefined || !io.start_after.startsWith(entry.key)) {
      yield { prefix: entry.key }
    } else {
      const first = await filesIn(root, entry.folder, prefix, io).next()
      if (first.done !== true) yield { prefix: entry.key }
    }
  }
}

function startOf(root: string, prefix: string): Folder {
  checkPathPrefix(prefix)
  const key_prefix = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  return { path: join(root, key_prefix), key_prefix, chain: [] }
}

async function* filesIn(
  root: string,
  folder: Folder,
  prefix: string,
  io: WalkOptions,
): AsyncGenerator<ObjectInfo> {
  for await (const entry of entriesOf(root, folder, prefix, io)) {
    if (entry.kind === 'object') yield entry.info
    else yield* filesIn(root, entry.folder, prefix, io)
  }
}

type Found =
  | { readonly kind: 'object'; readonly info: ObjectInfo }
  | { readonly kind: 'folder'; readonly key: string; readonly folder: Folder }

/** The objects and folders of one folder that can hold wanted keys, in key order. */
async function* entriesOf(
  root: string,
  folder: Folder,
  prefix: string,
  io: WalkOptions,
): AsyncGenerator<Found> {
  const entries = (await readFolder(root, folder)).filter((entry) => isWanted(entry, prefix, io))
  entries.sort((a, b) => compareKeys(a.key, b.key))
  for (let at = 0; at < entries.length; at += LOOKUPS) {
    io.signal?.throwIfAborted()
    const found = await Promise.all(
      entries
        .slice(at, at + LOOKUPS)
        .map((entry) => (entry.kind === 'file' ? lookUp(entry.key, entry.path) : entry)),
    )
    for (const entry of found) if (entry !== undefined) yield entry
  }
}

function isWanted(entry: Entry, prefix: string, { start_after }: WalkOptions): boolean {
  if (!entry.key.startsWith(prefix)) return false
  if (start_after === undefined || compareKeys(entry.key, start_after) > 0) return true
  return entry.kind === 'folder' && start_after.startsWith(entry.key)
}

/** A folder's key ends in `/`, so that sorting by key puts `a.b` before what lies in `a/`, as buckets do. */
async function readFolder(root: string, folder: Folder): Promise<Entry[]> {
  let real: string
  let names: Dirent[]
  try {
    real = await realpath(folder.path)
    if (!isWithin(root, real)) return []
    names = await readdir(real, { withFileTypes: true })
  } catch (error) {
    if (!isAbsence(error)) throw folderError(error, 'list', folder.path)
    await checkRoot(root)
    return []
  }
  if (folder.chain.some((above) => isWithin(real, above))) return []
  const chain = [...folder.chain, real]
  const entries: Entry[] = []
  for (const name of names) {
    if (name.name.startsWith(TEMP_PREFIX)) continue
    const path = join(real, name.name)
    const key = folder.key_prefix + name.name
    const kind = name.isSymbolicLink() ? await kindOfTarget(root, path) : kindOf(name)
    if (kind === 'file') entries.push({ kind, key, path })
    if (kind === 'folder') {
      entries.push({ kind, key: `${key}/`, folder: { path, key_prefix: `${key}/`, chain } })
    }
  }
  return entries
}

function kindOf(entry: {
  isFile(): boolean
  isDirectory(): boolean
}): 'file' | 'folder' | undefined {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'folder' : undefined
}

async function kindOfTarget(root: string, path: string): Promise<'file' | 'folder' | undefined> {
  try {
    const real = await realpath(path)
    return isWithin(root, real) ? kindOf(await stat(real)) : undefined
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw folderError(error, 'look up', path)
  }
}

async function lookUp(key: string, path: string): Promise<Found | undefined> {
  try {
    return { kind: 'object', info: infoOf(key, await stat(path, { bigint: true })) }
  } catch (error) {
    if (!isAbsence(error)) throw folderError(error, 'look up', path)
    // Node puts U+FFFD for bytes that are not UTF-8; such a file must not pass for one just deleted.
    if (key.includes('\ufffd'))
      throw keyInvalid(key, 'is the name of a file that is not UTF-8', error)
    return undefined
  }
}

/** A folder that is gone (unmounted, removed) must not look like a folder whose objects were all removed. */
export async function checkRoot(root: string): Promise<void> {
  try {
    await stat(root)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw storeNotFound(root, error)
    throw folderError(error, 'open the folder', root)
  }
}
