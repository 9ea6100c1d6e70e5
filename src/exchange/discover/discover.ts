import type { Feed } from '../../core/feed.ts'
import { keyBase, keyReader } from '../../core/layout/key-role.ts'
import { hasDirectories } from '../../core/layout/layout.ts'
import { parsePartition } from '../../core/partition.ts'
import type { Ledger, Stray } from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'
import { listEverything } from './list-everything.ts'
import { listOpen } from './list-open.ts'
import { isBeforeStart, type Listing } from './listing.ts'
import { type DiscoveredPartition, partitionObserver } from './partition-observer.ts'
import { strayLog } from './stray-log.ts'

export type { DiscoveredPartition }

export interface DiscoverOptions {
  readonly store: ObjectStore
  readonly ledger: Ledger
  readonly now: Date
  /** `all` lists everything from the feed's `start`; `new` only what can have changed. */
  readonly mode: 'new' | 'all'
  /** Totals so far, after each batch that was recorded. */
  readonly progress?: (found: { partitions: number; objects: number; bytes: number }) => void
  readonly signal?: AbortSignal
}

/** What a run found; all of it is in the ledger when `discover` returns. */
export interface Discovery {
  readonly feed: string
  /** The ledger knew nothing of the feed. */
  readonly first: boolean
  /** Everything was listed: a first run, mode `all`, or a layout without a directory per partition. */
  readonly full: boolean
  /** The partitions looked at, in order. */
  readonly partitions: readonly DiscoveredPartition[]
  readonly new_partitions: number
  readonly new_objects: number
  /** Data objects of the partitions looked at, and their bytes. */
  readonly objects: number
  readonly bytes: number
  /** Strays found now, and known ones in directories that were not looked into. */
  readonly strays: readonly Stray[]
  /** Keys and directories passed over, by the glob that said so. */
  readonly ignored: Readonly<Record<string, number>>
  /** Keys and directories before the feed's `start`. */
  readonly before_start: number
  /** Listings begun and objects read; a store may page a listing. */
  readonly requests: number
}

/** Lists what can have changed in a feed's bucket and records it. Listing is the truth; nothing is inferred from times. */
export async function discover(feed: Feed, options: DiscoverOptions): Promise<Discovery> {
  const { store, ledger, now, signal } = options
  if (feed.start !== undefined) parsePartition(feed.start, feed.layout.zone)
  const base = keyBase(feed.prefix)
  const reader = keyReader(feed)
  const records = await ledger.partitions(feed.name)
  const first = records.length === 0
  const full = first || options.mode === 'all' || !hasDirectories(feed.layout)
  const listing: Listing = {
    feed,
    store,
    ledger,
    now,
    base,
    reader,
    records: records.filter(({ partition }) => !isBeforeStart(feed, partition)),
    observer: partitionObserver(feed, {
      store,
      ledger,
      now,
      ...(options.progress === undefined ? {} : { recorded: options.progress }),
      ...(signal === undefined ? {} : { signal }),
    }),
    strays: strayLog(feed.name, { base, reader, now }),
    tally: { requests: 0, before_start: 0, ignored: new Map() },
    skipped: new Set(),
    ...(signal === undefined ? {} : { signal }),
  }
  await (full ? listEverything(listing) : listOpen(listing))
  const totals = await listing.observer.end()
  const strays = await recordStrays(listing, totals.strays)
  return {
    feed: feed.name,
    first,
    full,
    partitions: totals.partitions,
    new_partitions: totals.new_partitions,
    new_objects: totals.new_objects,
    objects: totals.partitions.reduce((sum, { objects }) => sum + objects, 0),
    bytes: totals.partitions.reduce((sum, { bytes }) => sum + bytes, 0),
    strays,
    ignored: Object.fromEntries(listing.tally.ignored),
    before_start: listing.tally.before_start,
    requests: listing.tally.requests + totals.requests,
  }
}

/** Strays seen before stay on record only where this run did not look. */
async function recordStrays(listing: Listing, not_in_manifest: readonly Stray[]): Promise<Stray[]> {
  const { feed, ledger, base, skipped, now } = listing
  const found = [...listing.strays.strays, ...not_in_manifest]
  const named = new Set(found.map(({ object }) => object))
  const before = await ledger.strays(feed.name)
  const kept = before.filter(
    ({ object }) => !named.has(object) && liesIn(skipped, object.slice(base.length)),
  )
  const strays = [...found, ...kept].sort((a, b) => (a.object < b.object ? -1 : 1))
  const known = new Set(before.map(strayId))
  const same = before.length === strays.length && strays.every((stray) => known.has(strayId(stray)))
  if (same) return strays
  await ledger.clearStrays(feed.name)
  await ledger.observe(feed.name, [], strays, now)
  return strays
}

const strayId = ({ object, code, reason }: Stray): string => `${object}\0${code}\0${reason}`

function liesIn(directories: ReadonlySet<string>, key: string): boolean {
  for (let slash = key.indexOf('/'); slash >= 0; slash = key.indexOf('/', slash + 1)) {
    if (directories.has(key.slice(0, slash + 1))) return true
  }
  return false
}
