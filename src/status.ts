import { hostname } from 'node:os'
import { ExchangeError } from './core/errors.ts'
import type { SyncStatus } from './core/sync-status.ts'
import { isRunning } from './duckdb/is-running.ts'
import { type PartitionStatus, statusOf } from './exchange/status.ts'
import { syncStatuses } from './exchange/sync/sync-status.ts'
import type { Stray } from './ledger/ledger.ts'
import type { Ports } from './open-ports.ts'
import type { Selection } from './plan.ts'

/** What the ledger knows of the feeds and syncs that are named; of all of them without names. */
export interface StatusReport {
  readonly partitions: readonly PartitionStatus[]
  readonly strays: readonly Stray[]
  readonly syncs: readonly SyncStatus[]
}

/** Throws `feed_not_found` for a name that neither a feed nor a sync has. */
export async function status(selection: Selection, ports: Ports): Promise<StatusReport> {
  const { config, needConfig, now, options } = ports
  const { feeds: names, partition, from, to } = selection
  needConfig()
  const ledger = await ports.openLedger('reader')
  const known = await syncStatuses({
    ledger,
    configured: new Map(
      Object.entries(config.syncs).map(([name, { destination }]) => [name, destination]),
    ),
    mayRun,
  })
  const is_sync = (name: string) => known.some(({ sync }) => sync === name)
  const is_feed = (name: string) => Object.hasOwn(config.feeds, name)
  const unknown = names.find((name) => !is_feed(name) && !is_sync(name))
  if (unknown !== undefined)
    throw new ExchangeError(
      'feed_not_found',
      `There is no feed and no sync ${unknown} in ${options.config_file}.`,
      {
        hint: `The feeds are: ${Object.keys(config.feeds).join(', ') || 'none yet'}. The syncs are: ${
          known.map(({ sync }) => sync).join(', ') || 'none yet'
        }.`,
      },
    )
  const feed_names = names.filter(is_feed)
  // No names at all mean every feed, names of syncs alone none.
  const feeds = names.length > 0 && feed_names.length === 0 ? [] : await ports.feedsOf(feed_names)
  const partitions: PartitionStatus[] = []
  const strays: Stray[] = []
  for (const feed of feeds) {
    const found = await statusOf(feed, {
      ledger,
      now: now(),
      ...(partition === undefined ? {} : { partition }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    })
    partitions.push(...found.partitions)
    strays.push(...found.strays)
  }
  const syncs = known.filter(({ sync }) => names.length === 0 || names.includes(sync))
  return { partitions, strays, syncs }
}

/** Of a process on another machine nobody here can tell. */
function mayRun(holder: string): boolean {
  const at = holder.lastIndexOf(':')
  return holder.slice(0, at) !== hostname() || isRunning(Number(holder.slice(at + 1)))
}
