import type { Feed } from '../../core/feed.ts'
import { keyReader } from '../../core/layout/key-role.ts'
import { parseDirectory, partitionPrefix, sortedFrom } from '../../core/layout/layout.ts'
import type { Partition } from '../../core/partition.ts'
import { isKeyPrefix, type ObjectInfo, type ObjectStore } from '../../store/store.ts'

/** An object that a receiver takes for a part of a partition, or for what closes it. */
export interface LyingObject {
  readonly key: string
  readonly size: number
  readonly role: 'data' | 'marker' | 'manifest'
}

/** What lies in partitions now, by name; of a partition without an object nothing. Other directories are not listed. */
export async function listPartitions(
  feed: Feed,
  partitions: readonly Partition[],
  io: { readonly store: ObjectStore; readonly now: Date; readonly signal?: AbortSignal },
): Promise<ReadonlyMap<string, readonly LyingObject[]>> {
  const { layout, prefix } = feed
  const wanted = new Set(partitions.map((p) => p.name))
  const reader = keyReader(feed)
  const found = new Map<string, LyingObject[]>()
  const list = (at: string, delimiter?: string) =>
    io.store.list(prefix + at, {
      ...(delimiter === undefined ? {} : { delimiter }),
      ...(io.signal === undefined ? {} : { signal: io.signal }),
    })
  const take = (object: ObjectInfo) => {
    const role = reader.key(object.key.slice(prefix.length), object.size, io.now)
    if (role.role === 'ignored' || role.role === 'stray' || !wanted.has(role.partition.name)) return
    const of = found.get(role.partition.name) ?? []
    of.push({ key: object.key, size: object.size, role: role.role })
    found.set(role.partition.name, of)
  }
  const takeAll = async (at: string) => {
    for await (const entry of list(at)) if (!isKeyPrefix(entry)) take(entry)
  }
  /** Where a variable comes before the time, each of its directories is looked into as far as need be. */
  const walk = async (at: string): Promise<void> => {
    const below: string[] = []
    for await (const entry of list(at, '/')) {
      if (isKeyPrefix(entry)) below.push(entry.prefix.slice(prefix.length))
      else take(entry)
    }
    for (const directory of below) {
      const read = parseDirectory(layout, directory)
      if ('code' in read) continue
      if (read.partition !== undefined) {
        if (wanted.has(read.partition.name)) await takeAll(directory)
      } else if ([...wanted].some((name) => name.startsWith(read.time))) await walk(directory)
    }
  }
  const folders = partitions.map((p) => partitionPrefix(layout, p))
  if (folders.every((folder) => folder !== undefined)) {
    for (const folder of folders) await takeAll(folder)
  } else if (layout.sorted) {
    for (const partition of partitions) await takeAll(sortedFrom(layout, partition.name) ?? '')
  } else await walk('')
  return found
}
