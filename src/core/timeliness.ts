import type { Grain, ServiceLevels } from './contract/contract.ts'
import {
  GRAINS,
  instantAt,
  NAME_LENGTH,
  type Partition,
  partitionAt,
  partitionsBetween,
} from './partition.ts'
import { wallTimeAt } from './zone.ts'

/** `due`: not complete, and not yet to be; `missing`: not complete though its time is over. */
export type Timeliness = 'due' | 'on_time' | 'late' | 'missing'

/**
 * When a partition has to be complete: the time of day its contract names, counted from the
 * partition's (last) day in the feed's zone, or its latency after the partition's end; the earlier
 * where there are both, undefined where there is neither.
 */
export function deadlineOf(
  partition: Partition,
  levels: ServiceLevels,
  zone: string,
): Date | undefined {
  const { available_by, latency_ms } = levels
  const instants: number[] = []
  if (latency_ms !== undefined) instants.push(partition.end.getTime() + latency_ms)
  if (available_by !== undefined) {
    const { year, month, day } = wallTimeAt(partition.end.getTime() - 1, zone)
    const date = new Date(Date.UTC(year, month - 1, day + available_by.days_after))
    const wall = {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: available_by.hour,
      minute: available_by.minute,
    }
    instants.push(instantAt(wall, available_by.zone).getTime())
  }
  return instants.length === 0 ? undefined : new Date(Math.min(...instants))
}

/**
 * Judges a partition by when its first complete delivery was complete; what came later does not make
 * it late. At the deadline itself it is on time.
 */
export function timelinessOf(facts: {
  readonly deadline: Date | undefined
  readonly first_completed_at: Date | undefined
  readonly now: Date
}): Timeliness | undefined {
  const { deadline, first_completed_at, now } = facts
  if (deadline === undefined) return undefined
  if (first_completed_at !== undefined) return first_completed_at <= deadline ? 'on_time' : 'late'
  return now <= deadline ? 'due' : 'missing'
}

/** Whether the contract says when or how often a partition comes, so that an absent one is worth telling. */
export function isScheduled(levels: ServiceLevels): boolean {
  const { available_by, latency_ms, frequency } = levels
  return available_by !== undefined || latency_ms !== undefined || frequency !== undefined
}

/** The grain in which deliveries are expected: the contract's frequency, but none shorter than a partition. */
export function expectedGrain(levels: ServiceLevels, grain: Grain): Grain {
  const { frequency } = levels
  if (frequency === undefined) return grain
  return GRAINS.indexOf(frequency) < GRAINS.indexOf(grain) ? frequency : grain
}

/**
 * Partitions that are over and should be there by their cadence, from `from` to `now`, and are not
 * among `present`. Where deliveries are expected less often than partitions are long, one partition
 * in a period is enough, and the period's name is given.
 */
export function absentPartitions(
  expected: {
    readonly grain: Grain
    readonly zone: string
    readonly from: Date
    readonly now: Date
  },
  present: Iterable<string>,
): Partition[] {
  const { grain, zone, from, now } = expected
  if (from > now) return []
  const there = new Set([...present].map((name) => name.slice(0, NAME_LENGTH[grain])))
  const first = partitionAt(from, grain, zone)
  const last = partitionAt(now, grain, zone)
  const absent: Partition[] = []
  for (const partition of partitionsBetween(first, last, zone)) {
    if (partition.end <= now && !there.has(partition.name)) absent.push(partition)
  }
  return absent
}
