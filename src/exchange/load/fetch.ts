import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ExchangeError } from '../../core/errors.ts'
import type { ObjectVersion } from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'
import { inParallel } from '../in-parallel.ts'

export interface FetchOptions {
  readonly store: ObjectStore
  readonly dir: string
  /** Objects read at once. */
  readonly concurrency?: number
  /** Called with the bytes fetched so far, all objects together. */
  readonly progress?: (bytes: number) => void
  readonly signal?: AbortSignal
}

export interface LocalObject extends ObjectVersion {
  readonly path: string
  readonly bytes: number
}

/**
 * Copies a frozen list of objects to local disk, each at exactly the version that was listed.
 * Throws `object_changed` when one is not that version any more: the load ends, the data does not.
 */
export async function fetchObjects(
  objects: readonly ObjectVersion[],
  options: FetchOptions,
): Promise<LocalObject[]> {
  await mkdir(options.dir, { recursive: true })
  // The first failure ends the others too: nothing may still be writing when the load cleans up.
  const failed = new AbortController()
  const signal =
    options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal])
  let bytes = 0
  return inParallel(objects.entries(), options.concurrency ?? 4, async ([index, object]) => {
    signal.throwIfAborted()
    const path = join(options.dir, `fetched-${index}`)
    try {
      const size = await fetchObject(object, path, { ...options, signal }, (n) => {
        bytes += n
        options.progress?.(bytes)
      })
      return { ...object, path, bytes: size }
    } catch (cause) {
      failed.abort(cause)
      throw failed.signal.reason
    }
  })
}

async function fetchObject(
  object: ObjectVersion,
  path: string,
  { store, signal }: FetchOptions,
  count: (bytes: number) => void,
): Promise<number> {
  const body = await store.read(object.key, {
    if_match: object.version,
    ...(signal === undefined ? {} : { signal }),
  })
  let size = 0
  const counted = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      size += chunk.byteLength
      count(chunk.byteLength)
      yield chunk
    }
  }
  await pipeline(
    Readable.fromWeb(body as import('node:stream/web').ReadableStream),
    counted,
    createWriteStream(path),
    { ...(signal === undefined ? {} : { signal }) },
  )
  // A file in a folder can grow while it is read; what the listing said is the only whole it has.
  const after = store.features.atomic_objects ? undefined : await store.head(object.key)
  if (size !== object.size || (after !== undefined && after.version !== object.version))
    throw new ExchangeError(
      'object_changed',
      `${object.key} changed while it was read (${object.size} bytes listed, ${size} read)`,
      {
        hint: 'It is loaded by the next run, when it is the same twice.',
        retryable: true,
      },
    )
  return size
}
