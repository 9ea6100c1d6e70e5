import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import {
  type FileHandle,
  link,
  mkdir,
  open,
  realpath,
  rename,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { ExchangeError } from '../core/errors.ts'
import { chunksOf, streamOf } from './body.ts'
import { grouped } from './grouping.ts'
import { keyInvalid } from './keys.ts'
import {
  checkPathKey,
  errnoOf,
  folderError,
  infoOf,
  isAbsence,
  isWithin,
  storeNotFound,
  TEMP_PREFIX,
  writeError,
} from './local-files.ts'
import { checkRoot, walkFiles, walkLevel } from './local-walk.ts'
import type {
  Body,
  IoOptions,
  ListEntry,
  ListOptions,
  ObjectInfo,
  ObjectStore,
  ReadOptions,
  StoreFeatures,
  WriteOptions,
} from './store.ts'

const FEATURES: StoreFeatures = {
  conditional_write: true,
  conditional_read: true,
  atomic_objects: false,
  versions: false,
  abort: true,
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

  async function write(key: string, body: Body, io: WriteOptions = {}): Promise<ObjectInfo> {
    io.signal?.throwIfAborted()
    checkPathKey(key)
    const path = join(root, key)
    const coded = (error: unknown) => {
      throw writeError(error, path, key)
    }
    const { file, temp } = await createTemp(path, key)
    try {
      try {
        for await (const chunk of chunksOf(body, io.signal))
          await file.writeFile(chunk).catch(coded)
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

  /** A temporary file beside the target: on the same file system, so that the last step is atomic. */
  async function createTemp(path: string, key: string) {
    const temp = join(dirname(path), `${TEMP_PREFIX}${randomUUID()}`)
    for (let attempt = 1; ; attempt += 1) {
      try {
        await makeParent(dirname(path), key)
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

  async function makeParent(parent: string, key: string): Promise<void> {
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
    write,
    list,
    delete: remove,
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
