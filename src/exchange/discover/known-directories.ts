import type { Feed } from '../../core/feed.ts'
import { keyBase } from '../../core/layout/key-role.ts'
import { variablesBeforeTime } from '../../core/layout/layout.ts'
import type { Ledger } from '../../ledger/ledger.ts'

/** Directories in which the ledger knows objects of closed partitions. */
export interface KnownDirectories {
  /** Each one and those above it. */
  readonly all: ReadonlySet<string>
  readonly of: ReadonlyMap<string, ReadonlySet<string>>
}

/**
 * Only where a variable comes before time (`region={region}/dt=…`) do a partition's objects lie in
 * several directories, so that a new directory can belong to a partition that is closed. Then what
 * is known has to be read from the ledger, which grows with history; else undefined.
 */
export async function knownDirectories(
  feed: Feed,
  ledger: Ledger,
  closed: readonly string[],
): Promise<KnownDirectories | undefined> {
  const { layout } = feed
  if (!variablesBeforeTime(layout)) return undefined
  const base = keyBase(feed.prefix)
  const all = new Set<string>()
  const of = new Map<string, Set<string>>()
  for (let at = 0; at < closed.length; at += 500) {
    const objects = await ledger.objects(feed.name, closed.slice(at, at + 500))
    for (const { partition, key } of objects) {
      const levels = key
        .slice(base.length)
        .split('/')
        .slice(0, layout.time_level + 1)
      const directories = levels.map((_, index) => `${levels.slice(0, index + 1).join('/')}/`)
      for (const directory of directories) all.add(directory)
      const own = of.get(partition) ?? new Set()
      of.set(partition, own.add(directories.at(-1) ?? ''))
    }
  }
  return { all, of }
}
