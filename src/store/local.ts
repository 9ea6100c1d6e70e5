import { constants } from 'node:fs'
import { type FileHandle, open, realpath, rmdir, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { ExchangeError } from '../core/errors.ts'
import { streamOf } from './body.ts'
import { grouped } from './grouping.ts'
import {
  checkPathKey,
  folderError,
  infoOf,
  isAbsence,
  isWithin,
  storeNotFound,
} from './local-files.ts'
import { checkRoot, walkFiles, walkLevel } from './local-walk.ts'
import { writeLocal } from './local-write.ts'
import {
  type IoOptions,
  type ListEntry,
  type ListOptions,
  NO_UPLOADS,
  type ObjectInfo,
  type ObjectStore,
  type ReadOptions,
  type StoreFeatures,
} from './store.ts'

const FEATURES: StoreFeatures = {
  conditional_write: true,
  conditional_read: true,
  atomic_objects: false,
  versions: false,
  abort: true,
  keeps_uploads: false,
  min_part_bytes: 0,
  metadata: false,
  keys: 'paths',
}

const READ_BYTES = 256 * 1024

/**
 * Opens a folder as a store: a key is the path below it with `/` between segments. A version is made of
 * size, modification time (ns) and inode, so a file that is rewritten or still growing has a new one; a file
 * that changes while it is read ends the stream with `object_changed`. Symbolic links are followed only where
 * they end inside the folder; anything but a regular file is no object. Throws `store_not_found` where the
 * folder is missing.
 */
export async function openLocal(folder: string): Promise<ObjectStore> {
  const shown = resolve(folder)
  const root = await openRoot(shown)

  /** The real path of what the key names, or undefined where nothing is there inside the folder. */
  async function locate(key: string): Promise<string | undefined> {
    try {
      const path = await realpath(join(root, key))
      return isWithin(root, path) ? path : undefined
    } catch (error) {
      if (!isAbsence(error)) throw folderError(error, 'look up', join(root, key))
      await checkRoot(root)
      return undefined
    }
  }

  /** The object's facts and real path. */
  async function find(key: string, { signal }: IoOptions) {
    signal?.throwIfAborted()
    checkPathKey(key)
    const path = await locate(key)
    if (path === undefined) return undefined
    try {
      const stats = await stat(path, { bigint: true })
      return stats.isFile() ? { path, info: infoOf(key, stats) } : undefined
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw folderError(error, 'look up', path)
    }
  }

  async function head(key: string, io: IoOptions = {}): Promise<ObjectInfo | undefined> {
    return (await find(key, io))?.info
  }

  async function read(key: string, io: ReadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    // A look first: opening a pipe that somebody left in the folder would wait for its writer.
    const found = await find(key, io)
    if (found === undefined) throw objectNotFound(join(root, key), key)
    const { path } = found
    let file: FileHandle
    try {
      file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    } catch (error) {
      if (isAbsence(error)) throw objectNotFound(path, key)
      throw folderError(error, 'read', path)
    }
    try {
      const info = infoOf(key, await file.stat({ bigint: true }))
      if (io.if_match !== undefined && io.if_match !== info.version) throw objectChanged(path, key)
      return streamOf(bytesOf(file, { info, path, io }), () => file.close())
    } catch (error) {
      await file.close()
      throw error
    }
  }

  function list(prefix: string, io: ListOptions = {}): AsyncIterable<ListEntry> {
    return io.delimiter === '/'
      ? walkLevel(root, prefix, io)
      : grouped(walkFiles(root, prefix, io), prefix, io.delimiter)
  }

  async function remove(keys: readonly string[], io: IoOptions = {}): Promise<void> {
    for (const key of keys) checkPathKey(key)
    for (const key of keys) {
      io.signal?.throwIfAborted()
      // The folder's real path, not the file's: a link is removed, not what it points to.
      const parent = await locate(dirname(key))
      if (parent === undefined) continue
      const path = join(parent, key.slice(key.lastIndexOf('/') + 1))
      try {
        await unlink(path)
      } catch (error) {
        if (isAbsence(error) || (await isFolder(path))) continue
        throw folderError(error, 'delete', path)
      }
      await removeEmptyFolders(parent)
    }
  }

  /** A bucket has no empty folders, and `list` with a delimiter would show them. */
  async function removeEmptyFolders(folder: string): Promise<void> {
    for (let at = folder; at !== root; at = dirname(at)) {
      try {
        await rmdir(at)
      } catch {
        // Not empty, or not ours to remove: either way it stays, and the object is deleted.
        return
      }
    }
  }

  return {
    features: FEATURES,
    url: shown.endsWith(sep) ? shown : shown + sep,
    head,
    read,
    write: (key, body, io = {}) => writeLocal(root, key, body, io),
    list,
    delete: remove,
    ...NO_UPLOADS,
    async [Symbol.asyncDispose]() {},
  }
}

async function openRoot(folder: string): Promise<string> {
  try {
    const root = await realpath(folder)
    if (await isFolder(root)) return root
  } catch (error) {
    if (isAbsence(error)) throw storeNotFound(folder, error)
    throw folderError(error, 'open the folder', folder)
  }
  throw storeNotFound(folder)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isAbsence(error)) return false
    throw folderError(error, 'look up', path)
  }
}

interface Reading {
  readonly info: ObjectInfo
  readonly path: string
  readonly io: ReadOptions
}

async function* bytesOf(file: FileHandle, { info, path, io }: Reading): AsyncGenerator<Uint8Array> {
  let at = io.range?.start ?? 0
  const end = Math.min(info.size, (io.range?.end ?? info.size) + 1)
  while (at < end) {
    io.signal?.throwIfAborted()
    const buffer = new Uint8Array(Math.min(READ_BYTES, end - at))
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, at)
    if (bytesRead === 0) throw objectChanged(path, info.key)
    at += bytesRead
    yield bytesRead === buffer.byteLength ? buffer : buffer.subarray(0, bytesRead)
  }
  const now = infoOf(info.key, await file.stat({ bigint: true }))
  if (now.version !== info.version) throw objectChanged(path, info.key)
}

function objectNotFound(path: string, key: string): ExchangeError {
  return new ExchangeError('object_not_found', `There is no object ${path}.`, { details: { key } })
}

function objectChanged(path: string, key: string): ExchangeError {
  return new ExchangeError('object_changed', `The object ${path} was replaced or has grown.`, {
    details: { key },
  })
}
