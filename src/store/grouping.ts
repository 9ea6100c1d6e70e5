import { afterPrefix, compareKeys } from './keys.ts'
import {
  isKeyPrefix,
  type KeyPrefix,
  type ListEntry,
  type ListOptions,
  type ObjectInfo,
} from './store.ts'

/** Objects in key order; told a key through `next`, it may go on from there instead of the next object. */
export type Walk = AsyncGenerator<ObjectInfo, void, string | undefined>

/** Turns a plain walk into a listing with a delimiter; a walk that can skip never visits a group's inside. */
export async function* grouped(
  walk: Walk,
  prefix: string,
  delimiter: string | undefined,
): AsyncGenerator<ListEntry> {
  let skip_to: string | undefined
  let group: string | undefined
  try {
    while (true) {
      const next = await walk.next(skip_to)
      if (next.done === true) return
      skip_to = undefined
      const { key } = next.value
      if (group !== undefined && key.startsWith(group)) continue
      const at = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length)
      if (delimiter === undefined || at < 0) {
        yield next.value
        continue
      }
      group = key.slice(0, at + delimiter.length)
      skip_to = afterPrefix(group)
      yield { prefix: group }
    }
  } finally {
    await walk.return()
  }
}

export interface PageOptions extends ListOptions {
  /** Largest number of entries wanted in a page. */
  readonly max_keys?: number
}

/**
 * A listing over a service's own pages. Services disagree on a delimiter together with a start inside a
 * group, so that group is asked about by itself.
 */
export async function* listByPages(
  pages: (prefix: string, io: PageOptions) => AsyncGenerator<ListEntry>,
  prefix: string,
  io: ListOptions,
): AsyncGenerator<ListEntry> {
  const { start_after, delimiter, signal } = io
  const at =
    start_after?.startsWith(prefix) === true && delimiter !== undefined
      ? start_after.indexOf(delimiter, prefix.length)
      : -1
  if (start_after === undefined || delimiter === undefined || at < 0) {
    yield* pages(prefix, io)
    return
  }
  const group = start_after.slice(0, at + delimiter.length)
  const inside = { start_after, max_keys: 1, ...(signal === undefined ? {} : { signal }) }
  const first = await pages(group, inside).next()
  if (first.done !== true) yield { prefix: group }
  for await (const entry of pages(prefix, { ...io, start_after: afterPrefix(group) })) {
    if (!(isKeyPrefix(entry) && entry.prefix === group)) yield entry
  }
}

/** A page gives objects and groups apart, each in key order. */
export function inKeyOrder(
  objects: readonly ObjectInfo[],
  groups: readonly KeyPrefix[],
): readonly ListEntry[] {
  if (groups.length === 0) return objects
  const place = (entry: ListEntry) => (isKeyPrefix(entry) ? entry.prefix : entry.key)
  return [...objects, ...groups].sort((a, b) => compareKeys(place(a), place(b)))
}
