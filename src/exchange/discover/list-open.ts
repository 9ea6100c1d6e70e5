import type { ObjectSeen } from '../../ledger/ledger.ts'
import { isKeyPrefix } from '../../store/store.ts'
import { inParallel } from '../in-parallel.ts'
import { knownDirectories } from './known-directories.ts'
import {
  countIgnored,
  isBeforeStart,
  type Listing,
  listStrayDirectory,
  readStray,
  seenObject,
} from './listing.ts'
import { openPartitions } from './open-partitions.ts'

/** Listings under way at the same time. */
const parallel = 8

/**
 * Walks the directory levels down to the partitions and lists those that are unknown or can have
 * changed. Directories of closed partitions are seen by name only, and directories that hold nothing
 * but closed partitions are not walked into.
 */
export async function listOpen(listing: Listing): Promise<void> {
  const { feed, ledger, observer, records } = listing
  const open = openPartitions(feed, records, listing.now)
  const known = await knownDirectories(feed, ledger, open.closed)
  const wanted = new Map<string, Set<string>>()
  const stray_directories: string[] = []

  const readDirectory = (directory: string): 'walk' | undefined => {
    const role = listing.reader.directory(directory, listing.now)
    if (role.role === 'ignored') {
      countIgnored(listing, role.by)
      return undefined
    }
    if (role.role === 'stray') {
      stray_directories.push(directory)
      return undefined
    }
    const { time, partition } = role.directory
    const seen_before = known === undefined || known.all.has(directory)
    if (isBeforeStart(feed, time)) {
      listing.tally.before_start += 1
    } else if (partition === undefined) {
      if (!seen_before || !open.passedOver(time)) return 'walk'
    } else if (!seen_before || open.wanted(partition.name)) {
      const directories = wanted.get(partition.name) ?? new Set(known?.of.get(partition.name))
      wanted.set(partition.name, directories.add(directory))
      return undefined
    }
    listing.skipped.add(directory)
    return undefined
  }

  let level = ['']
  while (level.length > 0) {
    const listed = await inParallel(level, parallel, (directory) => listNames(listing, directory))
    level = listed.flat().filter((directory) => readDirectory(directory) === 'walk')
  }
  for (const directories of wanted.values()) {
    for (const directory of directories) listing.skipped.delete(directory)
  }

  const known_names = new Set(records.map(({ partition }) => partition))
  await inBatches(
    [...wanted],
    async ([partition, directories]) => {
      const listed = await inParallel(directories, 1, (d) => listObjects(listing, partition, d))
      return { partition, objects: listed.flat() }
    },
    async ({ partition, objects }) => {
      if (objects.length > 0 || known_names.has(partition)) await observer.add(partition, objects)
    },
  )
  // The walk went through every directory these could lie in, so what it did not find is gone.
  for (const partition of open.expected) {
    if (!wanted.has(partition)) await observer.add(partition, [])
  }
  await inParallel(stray_directories, parallel, (d) => listStrayDirectory(listing, d))
}

/** Reads ahead a few items at a time and takes the results in order, one by one. */
async function inBatches<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
  take: (result: Result) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += parallel) {
    for (const result of await inParallel(items.slice(at, at + parallel), parallel, read)) {
      await take(result)
    }
  }
}

/** The directories in a directory; its own objects are strays or ignored, since partitions lie deeper. */
async function listNames(listing: Listing, directory: string): Promise<string[]> {
  const { store, base, tally, signal } = listing
  tally.requests += 1
  const io = { delimiter: '/', ...(signal === undefined ? {} : { signal }) }
  const directories: string[] = []
  for await (const entry of store.list(base + directory, io)) {
    if (isKeyPrefix(entry)) directories.push(entry.prefix.slice(base.length))
    else readStray(listing, entry)
  }
  return directories
}

async function listObjects(
  listing: Listing,
  partition: string,
  directory: string,
): Promise<ObjectSeen[]> {
  const { store, base, reader, now, tally, strays, signal } = listing
  tally.requests += 1
  const objects: ObjectSeen[] = []
  for await (const entry of store.list(base + directory, signal === undefined ? {} : { signal })) {
    if (isKeyPrefix(entry)) throw new Error(`a listing without delimiter gave ${entry.prefix}`)
    const key = entry.key.slice(base.length)
    const role = reader.key(key, entry.size, now)
    if (role.role === 'ignored') countIgnored(listing, role.by)
    else if (role.role === 'stray') strays.add(key, role.reason)
    else if (role.partition.name === partition) objects.push(seenObject(entry, role.role))
    else throw new Error(`${key} lies in ${directory} and belongs to ${role.partition.name}`)
  }
  return objects
}
