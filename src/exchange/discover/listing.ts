import type { Feed } from '../../core/feed.ts'
import type { KeyReader } from '../../core/layout/key-role.ts'
import type { Ledger, ObjectSeen, PartitionRecord } from '../../ledger/ledger.ts'
import { isKeyPrefix, type ObjectInfo, type ObjectStore } from '../../store/store.ts'
import type { PartitionObserver } from './partition-observer.ts'
import type { StrayLog } from './stray-log.ts'

/** What both ways of listing need and report to. */
export interface Listing {
  readonly feed: Feed
  readonly store: ObjectStore
  readonly ledger: Ledger
  readonly now: Date
  readonly base: string
  readonly reader: KeyReader
  readonly observer: PartitionObserver
  readonly strays: StrayLog
  readonly records: readonly PartitionRecord[]
  readonly tally: {
    requests: number
    before_start: number
    readonly ignored: Map<string, number>
  }
  /** Directories that were seen and not looked into. */
  readonly skipped: Set<string>
  readonly signal?: AbortSignal
}

/** Whether a partition, or all that a directory with that beginning of names can hold, lies before the start. */
export function isBeforeStart(feed: Pick<Feed, 'start'>, time: string): boolean {
  const { start } = feed
  return start !== undefined && time < start && !start.startsWith(time)
}

/** Counts a key or directory that a glob passed over. */
export function countIgnored({ tally }: Listing, by: string): void {
  tally.ignored.set(by, (tally.ignored.get(by) ?? 0) + 1)
}

/** Names the objects of a directory that fits no partition, up to the limit of one directory. */
export async function listStrayDirectory(listing: Listing, directory: string): Promise<void> {
  const { store, base, tally, signal } = listing
  tally.requests += 1
  for await (const entry of store.list(base + directory, signal === undefined ? {} : { signal })) {
    if (!isKeyPrefix(entry) && !readStray(listing, entry)) break
  }
}

/** False once the entry's directory has had its share of strays. */
export function readStray(listing: Listing, entry: ObjectInfo): boolean {
  const { base, reader, now, strays } = listing
  const key = entry.key.slice(base.length)
  const role = reader.key(key, entry.size, now)
  if (role.role === 'stray') return strays.add(key, role.reason)
  if (role.role !== 'ignored') throw new Error(`${key} belongs to ${role.partition.name}`)
  countIgnored(listing, role.by)
  return true
}

/** A listed object as the ledger records it. */
export function seenObject(entry: ObjectInfo, role: ObjectSeen['role']): ObjectSeen {
  const { key, version, size, modified_at } = entry
  return { key, version, size, modified_at, role }
}
