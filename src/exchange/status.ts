import type { Feed } from '../core/feed.ts'
import { inRange, NAME_LENGTH, type Partition, parsePartition } from '../core/partition.ts'
import {
  absentPartitions,
  deadlineOf,
  expectedGrain,
  isScheduled,
  type Timeliness,
  timelinessOf,
} from '../core/timeliness.ts'
import type { Ledger, PartitionRecord, PartitionState, Stray } from '../ledger/ledger.ts'

/** A partition as `bucketline status` shows it. */
export interface PartitionStatus {
  readonly feed: string
  readonly partition: string
  readonly state: PartitionState
  /** Undefined where the contract says nothing about when it comes. */
  readonly timeliness?: Timeliness
  readonly generation: number
  readonly served_generation?: number
  readonly pinned: boolean
  readonly rows: number
  readonly objects: number
  readonly bytes: number
  /** When it has to be complete. */
  readonly due_at?: Date
  /** When the present delivery was complete. */
  readonly completed_at?: Date
  readonly published_at?: Date
  readonly waiting_for?: string
  /** Of the last load, if it was refused or failed. */
  readonly code?: string
  readonly message?: string
}

export interface FeedStatus {
  readonly partitions: readonly PartitionStatus[]
  readonly strays: readonly Stray[]
}

export interface StatusOptions {
  readonly ledger: Ledger
  readonly now: Date
  /** A partition, or a longer one that holds several. */
  readonly partition?: string
  readonly from?: string
  readonly to?: string
  /** How far back absent partitions are named; default 30. */
  readonly absent_days?: number
}

const day_ms = 86_400_000

/**
 * What the ledger knows of a feed's partitions, each held against its deadline, together with those that
 * should be there and are not. Reads the ledger only. Throws `partition_invalid`.
 */
export async function statusOf(feed: Feed, options: StatusOptions): Promise<FeedStatus> {
  const { ledger, now, partition: one } = options
  const { zone } = feed.layout
  for (const name of [one, options.from, options.to]) {
    if (name !== undefined) parsePartition(name, zone)
  }
  const selected = (name: string) => inRange(name, { from: one, to: one }) && inRange(name, options)
  const records = await ledger.partitions(feed.name)
  const rows = records
    .filter(({ partition }) => selected(partition))
    .map((record) => statusOfRecord(feed, record, now))
  const absent = absentOf(feed, records, options)
    .filter(({ name }) => selected(name))
    .map((partition) => statusOfAbsent(feed, partition, now))
  const partitions = [...rows, ...absent].sort((a, b) => (a.partition < b.partition ? -1 : 1))
  return { partitions, strays: await ledger.strays(feed.name) }
}

function statusOfRecord(feed: Feed, record: PartitionRecord, now: Date): PartitionStatus {
  const { last_load, state } = record
  const { layout, contract } = feed
  const deadline = deadlineOf(
    parsePartition(record.partition, layout.zone),
    contract.service_levels,
    layout.zone,
  )
  const { first_completed_at } = record
  const timeliness = timelinessOf({ deadline, first_completed_at, now })
  const unhappy = state === 'refused' || state === 'failed' ? last_load : undefined
  return {
    feed: feed.name,
    partition: record.partition,
    state,
    ...(timeliness === undefined ? {} : { timeliness }),
    generation: record.generation,
    ...(record.served_generation === undefined
      ? {}
      : { served_generation: record.served_generation }),
    pinned: record.pinned,
    rows: record.rows,
    objects: record.objects,
    bytes: record.bytes,
    ...(deadline === undefined ? {} : { due_at: deadline }),
    ...(record.completed_at === undefined ? {} : { completed_at: record.completed_at }),
    ...(record.published_at === undefined ? {} : { published_at: record.published_at }),
    ...(record.waiting_for === undefined ? {} : { waiting_for: record.waiting_for }),
    ...(unhappy?.code === undefined ? {} : { code: unhappy.code }),
    ...(unhappy?.message === undefined ? {} : { message: unhappy.message }),
  }
}

/** Where only a cadence is promised, an absent partition is missing once the next one is over. */
function statusOfAbsent(feed: Feed, partition: Partition, now: Date): PartitionStatus {
  const deadline = deadlineOf(partition, feed.contract.service_levels, feed.layout.zone)
  const length = partition.end.getTime() - partition.start.getTime()
  const due_at = deadline ?? new Date(partition.end.getTime() + length)
  const first_completed_at = undefined
  const timeliness = timelinessOf({ deadline: due_at, first_completed_at, now }) ?? 'missing'
  return {
    feed: feed.name,
    partition: partition.name,
    state: 'waiting',
    timeliness,
    generation: 0,
    pinned: false,
    rows: 0,
    objects: 0,
    bytes: 0,
    due_at,
    waiting_for: 'no_objects',
  }
}

function absentOf(
  feed: Feed,
  records: readonly PartitionRecord[],
  options: StatusOptions,
): Partition[] {
  const { layout, contract } = feed
  if (!isScheduled(contract.service_levels)) return []
  const first =
    feed.start ?? records.find((r) => r.partition.length === NAME_LENGTH[layout.grain])?.partition
  if (first === undefined) return []
  const oldest = options.now.getTime() - (options.absent_days ?? 30) * day_ms
  const begin = parsePartition(first, layout.zone).start.getTime()
  const grain = expectedGrain(contract.service_levels, layout.grain)
  const from = new Date(Math.max(begin, oldest))
  const present = records.map(({ partition }) => partition)
  return absentPartitions({ grain, zone: layout.zone, from, now: options.now }, present)
}
