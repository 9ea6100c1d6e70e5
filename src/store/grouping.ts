import { ExchangeError } from '../core/errors.ts'
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

export interface PagedListing {
  /** Asks the service, page by page. */
  readonly pages: (prefix: string, io: PageOptions) => AsyncGenerator<ListEntry>
  /** The bucket as people name it, for messages. */
  readonly place: string
}

/**
 * A listing over a service's own pages. Services disagree on a delimiter together with a start inside a
 * group, so that group is asked about by itself. Throws `listing_disordered` where what a service gives is
 * not in key order: a page given twice or left out would show in no other way.
 */
export async function* listByPages(
  { pages, place }: PagedListing,
  prefix: string,
  io: ListOptions,
): AsyncGenerator<ListEntry> {
  const ordered: PagedListing['pages'] = (from, page_io) => inOrder(pages(from, page_io), place)
  const { start_after, delimiter, signal } = io
  const at =
    start_after?.startsWith(prefix) === true && delimiter !== undefined
      ? start_after.indexOf(delimiter, prefix.length)
      : -1
  if (start_after === undefined || delimiter === undefined || at < 0) {
    yield* ordered(prefix, io)
    return
  }
  const group = start_after.slice(0, at + delimiter.length)
  const inside = { start_after, max_keys: 1, ...(signal === undefined ? {} : { signal }) }
  const first = await ordered(group, inside).next()
  if (first.done !== true) yield { prefix: group }
  for await (const entry of ordered(prefix, { ...io, start_after: afterPrefix(group) })) {
    if (!(isKeyPrefix(entry) && entry.prefix === group)) yield entry
  }
}

async function* inOrder(
  listing: AsyncGenerator<ListEntry>,
  bucket: string,
): AsyncGenerator<ListEntry> {
  let last: string | undefined
  for await (const entry of listing) {
    const next = placeOf(entry)
    const order = last === undefined ? -1 : compareKeys(last, next)
    // A group whose keys fill several pages is given with each of them by some servers.
    if (order === 0 && isKeyPrefix(entry)) continue
    if (order >= 0) {
      const keys = `${JSON.stringify(next)} after ${JSON.stringify(last)}`
      const message = `The listing of ${bucket} is not in key order: it gave ${keys}.`
      throw new ExchangeError('listing_disordered', message, { details: { last, next } })
    }
    last = next
    yield entry
  }
}

const placeOf = (entry: ListEntry) => (isKeyPrefix(entry) ? entry.prefix : entry.key)

/** A page gives objects and groups apart, each in key order. */
export function inKeyOrder(
  objects: readonly ObjectInfo[],
  groups: readonly KeyPrefix[],
): readonly ListEntry[] {
  if (groups.length === 0) return objects
  return [...objects, ...groups].sort((a, b) => compareKeys(placeOf(a), placeOf(b)))
}
