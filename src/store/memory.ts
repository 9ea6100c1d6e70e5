import { ExchangeError } from '../core/errors.ts'
import { chunksOf, streamOf } from './body.ts'
import { grouped, type Walk } from './grouping.ts'
import { checkKey, compareKeys } from './keys.ts'
import {
  type Body,
  type IoOptions,
  type ListEntry,
  type ListOptions,
  NO_UPLOADS,
  type ObjectInfo,
  type ObjectStore,
  type ReadOptions,
  type StoreFeatures,
  type WriteOptions,
} from './store.ts'

const FEATURES: StoreFeatures = {
  conditional_write: true,
  conditional_read: true,
  atomic_objects: true,
  versions: false,
  abort: true,
  keeps_uploads: false,
  min_part_bytes: 0,
  metadata: true,
  keys: 'free',
}

/** Opens an empty store that lives in this process; a read keeps the version it began with. */
export function openMemory(): ObjectStore {
  const objects = new Map<string, { info: ObjectInfo; bytes: Uint8Array }>()
  let versions = 0
  let sorted: string[] | undefined
  const keysInOrder = () => {
    sorted ??= [...objects.keys()].sort(compareKeys)
    return sorted
  }

  async function head(key: string, io: IoOptions = {}): Promise<ObjectInfo | undefined> {
    io.signal?.throwIfAborted()
    checkKey(key)
    return objects.get(key)?.info
  }

  async function read(key: string, io: ReadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    io.signal?.throwIfAborted()
    checkKey(key)
    const object = objects.get(key)
    if (object === undefined) {
      throw new ExchangeError('object_not_found', `There is no object memory:${key}.`, {
        details: { key },
      })
    }
    if (io.if_match !== undefined && io.if_match !== object.info.version) {
      throw new ExchangeError(
        'object_changed',
        `The object memory:${key} has version ${object.info.version}, not ${io.if_match}.`,
        { details: { key } },
      )
    }
    const end = io.range?.end === undefined ? undefined : io.range.end + 1
    return streamOf(piecesOf(object.bytes.subarray(io.range?.start ?? 0, end), io.signal))
  }

  async function write(key: string, body: Body, io: WriteOptions = {}): Promise<ObjectInfo> {
    checkKey(key)
    const chunks: Uint8Array[] = []
    for await (const chunk of chunksOf(body, io.signal)) chunks.push(new Uint8Array(chunk))
    io.signal?.throwIfAborted()
    if (io.if_absent === true && objects.has(key)) {
      throw new ExchangeError('object_exists', `There is an object memory:${key} already.`, {
        details: { key },
      })
    }
    const bytes = new Uint8Array(Buffer.concat(chunks))
    versions += 1
    const info: ObjectInfo = {
      key,
      size: bytes.byteLength,
      version: String(versions),
      modified_at: new Date(),
      ...(io.content_type === undefined ? {} : { content_type: io.content_type }),
      ...(io.metadata === undefined ? {} : { metadata: { ...io.metadata } }),
    }
    if (!objects.has(key)) sorted = undefined
    objects.set(key, { info, bytes })
    return info
  }

  async function* keysFrom(prefix: string, io: ListOptions): Walk {
    const keys = keysInOrder()
    let at = firstIndex(keys, prefix)
    if (io.start_after !== undefined) at = Math.max(at, firstIndex(keys, `${io.start_after}\0`))
    while (at < keys.length) {
      io.signal?.throwIfAborted()
      const key = keys[at] as string
      if (!key.startsWith(prefix)) return
      const object = objects.get(key)
      const skipTo = object === undefined ? undefined : yield object.info
      at = skipTo === undefined ? at + 1 : firstIndex(keys, skipTo)
    }
  }

  function list(prefix: string, io: ListOptions = {}): AsyncIterable<ListEntry> {
    return grouped(keysFrom(prefix, io), prefix, io.delimiter)
  }

  async function remove(keys: readonly string[], io: IoOptions = {}): Promise<void> {
    for (const key of keys) {
      io.signal?.throwIfAborted()
      checkKey(key)
      if (objects.delete(key)) sorted = undefined
    }
  }

  return {
    features: FEATURES,
    url: 'memory:',
    head,
    read,
    write,
    list,
    delete: remove,
    ...NO_UPLOADS,
    async [Symbol.asyncDispose]() {
      objects.clear()
      sorted = undefined
    },
  }
}

const PIECE_BYTES = 256 * 1024

async function* piecesOf(bytes: Uint8Array, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    signal?.throwIfAborted()
    yield bytes.slice(at, at + PIECE_BYTES)
  }
}

/** Index of the first key that is not less than `key`. */
function firstIndex(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys(keys[middle] as string, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
