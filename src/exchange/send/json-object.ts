import { ExchangeError } from '../../core/errors.ts'
import type { ObjectStore, WriteOptions } from '../../store/store.ts'

/** Writes a small JSON document as an object. */
export async function writeJson(
  store: ObjectStore,
  key: string,
  value: unknown,
  io: WriteOptions = {},
): Promise<void> {
  const body = new TextEncoder().encode(`${JSON.stringify(value)}\n`)
  await store.write(key, body, { content_type: 'application/json', ...io })
}

/** Undefined where there is no such object, or no longer. */
export async function readJson<T>(store: ObjectStore, key: string): Promise<T | undefined> {
  try {
    const text = await new Response(await store.read(key)).text()
    return JSON.parse(text) as T
  } catch (error) {
    if (error instanceof ExchangeError && error.code === 'object_not_found') return undefined
    throw error
  }
}
