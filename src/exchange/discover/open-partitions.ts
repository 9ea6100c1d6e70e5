import type { Feed } from '../../core/feed.ts'
import { NAME_LENGTH, type Partition, parsePartition } from '../../core/partition.ts'
import type { PartitionRecord } from '../../ledger/ledger.ts'

/** Which partitions a run looks at, and which directories it need not walk into for them. */
export interface OpenPartitions {
  /** Whether the run lists the partition: it is unknown, open, or its turn to be looked at again. */
  wanted(partition: string): boolean
  /** Whether nothing in a directory can be wanted; `time` is how the names in it begin. */
  passedOver(time: string): boolean
  /** Known and wanted partitions that had objects when last seen. */
  readonly expected: readonly string[]
  /** Names of partitions that are known and not wanted. */
  readonly closed: readonly string[]
}

const slice_lengths = [4, 7, 10, 13]

/** A directory with gaps, where late partitions may still appear, is walked for this many times `look_back`. */
const gap_look_backs = 5

const mean_ms = {
  '15 minutes': 900_000,
  hour: 3_600_000,
  day: 86_400_000,
  month: 365.2425 * 7_200_000,
  year: 365.2425 * 86_400_000,
} as const

/**
 * A partition is closed once it was published longer than `look_back` ago and nothing is new in it.
 * Of the closed ones, the `recheck` whose last check is longest ago are wanted as well, and the
 * directories above them are walked: so a directory that was passed over is seen again in turn.
 */
export function openPartitions(
  feed: Feed,
  records: readonly PartitionRecord[],
  now: Date,
): OpenPartitions {
  const closed = records.filter((record) => isClosed(record, feed.look_back_ms, now))
  const recheck = new Set(
    [...closed]
      .sort((a, b) => a.checked_at.getTime() - b.checked_at.getTime())
      .slice(0, feed.recheck)
      .map(({ partition }) => partition),
  )
  const unwanted = new Set(
    closed.map(({ partition }) => partition).filter((name) => !recheck.has(name)),
  )
  const known_in = new Map<string, number>()
  const wanted_in = new Set<string>()
  for (const { partition } of records) {
    for (const length of slice_lengths) {
      if (length >= partition.length) break
      const slice = partition.slice(0, length)
      known_in.set(slice, (known_in.get(slice) ?? 0) + 1)
      if (!unwanted.has(partition)) wanted_in.add(slice)
    }
  }
  const first = records[0]?.partition

  return {
    wanted: (partition) => !unwanted.has(partition),
    passedOver(time) {
      const known = known_in.get(time)
      if (known === undefined || wanted_in.has(time)) return false
      const period = parsePartition(time, feed.layout.zone)
      const age = now.getTime() - period.end.getTime()
      if (age < feed.look_back_ms) return false
      return known >= expectedIn(period, feed, first) || age >= gap_look_backs * feed.look_back_ms
    },
    expected: records
      .filter(({ partition, objects }) => !unwanted.has(partition) && objects > 0)
      .map(({ partition }) => partition),
    closed: [...unwanted],
  }
}

function isClosed(record: PartitionRecord, look_back_ms: number, now: Date): boolean {
  const { state, published_at } = record
  if (state !== 'published' || published_at === undefined) return false
  return now.getTime() - published_at.getTime() > look_back_ms
}

/** How many partitions a period has, counted from the feed's first one. */
function expectedIn(period: Partition, feed: Feed, first: string | undefined): number {
  const { grain, zone } = feed.layout
  const same_grain = first !== undefined && first.length === NAME_LENGTH[grain]
  const from = same_grain ? parsePartition(first, zone).start.getTime() : 0
  const start = Math.max(period.start.getTime(), from)
  return Math.round((period.end.getTime() - start) / mean_ms[grain])
}
