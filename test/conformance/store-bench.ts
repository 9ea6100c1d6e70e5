import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { ErrorCode } from '../../src/core/errors.ts'
import { ExchangeError } from '../../src/core/errors.ts'
import type { ListEntry, ListOptions, ObjectStore, ReadOptions } from '../../src/store/store.ts'
import { isKeyPrefix } from '../../src/store/store.ts'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Bytes that repeat at no power of two, so that a part in the wrong place shows. */
export function patternBytes(length: number): Uint8Array {
  const out = new Uint8Array(length)
  for (let i = 0; i < length; i += 1) out[i] = (i * 31 + (i >> 8) * 17) % 251
  return out
}

/** The bytes in pieces of uneven sizes, as streams from elsewhere come. */
export async function* inPieces(data: Uint8Array): AsyncGenerator<Uint8Array> {
  const sizes = [1, 7_919, 65_537, 13, 300_007]
  for (let at = 0, i = 0; at < data.byteLength; i += 1) {
    const size = sizes[i % sizes.length] as number
    yield data.subarray(at, at + size)
    at += size
  }
}

export async function readAll(
  store: ObjectStore,
  key: string,
  io: ReadOptions = {},
): Promise<Buffer> {
  return collect(await store.read(key, io))
}

export async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function readText(store: ObjectStore, key: string, io: ReadOptions = {}) {
  return (await readAll(store, key, io)).toString('utf8')
}

export const digest = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

/** Keys, and groups as `{ prefix }`, as a listing gave them. */
export async function listed(
  store: ObjectStore,
  prefix: string,
  io: ListOptions = {},
): Promise<(string | { prefix: string })[]> {
  return (await entries(store, prefix, io)).map((entry) =>
    isKeyPrefix(entry) ? { prefix: entry.prefix } : entry.key,
  )
}

export async function entries(
  store: ObjectStore,
  prefix: string,
  io: ListOptions = {},
): Promise<ListEntry[]> {
  const out: ListEntry[] = []
  for await (const entry of store.list(prefix, io)) out.push(entry)
  return out
}

/** Fails unless the promise is refused with this code and a message that a person can act on. */
export async function expectCode(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ExchangeError)
  const { code: got, message, hint } = error as ExchangeError
  expect({ code: got, message }).toEqual({ code, message: expect.stringMatching(/\S{2,} .*\.$/s) })
  expect(hint).not.toBe('')
}

/** Runs the work on every item, `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < items.length) {
      const item = items[next] as T
      next += 1
      await work(item)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
}
