import { hasDirectories, sortedFrom } from '../../core/layout/layout.ts'
import type { ObjectSeen } from '../../ledger/ledger.ts'
import { isKeyPrefix, type ObjectInfo } from '../../store/store.ts'
import {
  countIgnored,
  isBeforeStart,
  type Listing,
  listStrayDirectory,
  seenObject,
} from './listing.ts'

/** Lists every key from the feed's start on: one listing, whatever the number of directories. */
export async function listEverything(listing: Listing): Promise<void> {
  const { feed, store, base, observer, tally, signal } = listing
  const start_after = await passOverOldDirectories(listing)
  const unseen = new Set(
    listing.records.filter(({ objects }) => objects > 0).map(({ partition }) => partition),
  )
  const open = new Map<string, ObjectSeen[]>()
  const finish = async () => {
    for (const [partition, objects] of open) {
      unseen.delete(partition)
      await observer.add(partition, objects)
    }
    open.clear()
  }

  tally.requests += 1
  const io = {
    ...(start_after === undefined ? {} : { start_after }),
    ...(signal === undefined ? {} : { signal }),
  }
  for await (const entry of store.list(base, io)) {
    if (isKeyPrefix(entry)) throw new Error(`a listing without delimiter gave ${entry.prefix}`)
    const found = readEntry(listing, entry)
    if (found === undefined) continue
    const { partition, object } = found
    const objects = open.get(partition)
    if (objects !== undefined) {
      objects.push(object)
      continue
    }
    // Keys in order of time come partition by partition, so only one is held; else all are until the end.
    if (feed.layout.sorted) await finish()
    open.set(partition, [object])
  }
  await finish()
  for (const partition of unseen) await observer.add(partition, [])
}

function readEntry(
  listing: Listing,
  entry: ObjectInfo,
): { partition: string; object: ObjectSeen } | undefined {
  const { feed, base, reader, now, strays, tally } = listing
  const key = entry.key.slice(base.length)
  const role = reader.key(key, entry.size, now)
  if (role.role === 'ignored') countIgnored(listing, role.by)
  else if (role.role === 'stray') strays.add(key, role.reason)
  else if (isBeforeStart(feed, role.partition.name)) tally.before_start += 1
  else return { partition: role.partition.name, object: seenObject(entry, role.role) }
  return undefined
}

/**
 * Where keys sort by time, the listing can begin at the feed's start. What lies before is looked at
 * once from above, so that stray directories are seen however they are named.
 */
async function passOverOldDirectories(listing: Listing): Promise<string | undefined> {
  const { feed, store, base, reader, now, tally, signal } = listing
  if (feed.start === undefined || !hasDirectories(feed.layout)) return undefined
  const from = sortedFrom(feed.layout, feed.start)
  if (from === undefined) return undefined
  tally.requests += 1
  const io = { delimiter: '/', ...(signal === undefined ? {} : { signal }) }
  const stray_directories: string[] = []
  for await (const entry of store.list(base, io)) {
    const key = (isKeyPrefix(entry) ? entry.prefix : entry.key).slice(base.length)
    if (key > from) break
    if (!isKeyPrefix(entry)) {
      readEntry(listing, entry)
      continue
    }
    const role = reader.directory(key, now)
    if (role.role === 'ignored') countIgnored(listing, role.by)
    else if (role.role === 'stray') stray_directories.push(key)
    else if (isBeforeStart(feed, role.directory.time)) tally.before_start += 1
  }
  for (const directory of stray_directories) await listStrayDirectory(listing, directory)
  return base + from
}
