import { WAITING } from '../../core/completion.ts'
import type { PublishMode } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import { inRange, parsePartition } from '../../core/partition.ts'
import type {
  GenerationReason,
  LatestGeneration,
  Ledger,
  ObjectVersion,
  PartitionRecord,
} from '../../ledger/ledger.ts'
import { describeDifference, differenceOf, type ObjectDifference } from './object-difference.ts'
import { type PlanWarning, sizeWarnings } from './size-warnings.ts'

/** One partition to load, as data: what `plan` prints and `load` runs. */
export interface PlanItem {
  readonly feed: string
  readonly partition: string
  readonly reason: GenerationReason
  /** The reason for people, naming what changed. */
  readonly reason_text: string
  readonly publish: PublishMode
  /** The generation the load makes, if nobody else makes one before. */
  readonly generation: number
  /** The frozen data objects of the generation. */
  readonly objects: readonly ObjectVersion[]
  /** The objects the load reads: all, or in `append` without a primary key what the served generation lacks. */
  readonly reads: readonly ObjectVersion[]
  /** Keys the served generation has and this one no longer. */
  readonly removed: readonly string[]
  /** Of `reads`. */
  readonly bytes: number
  /** The partition's last load when this was planned; undefined if it had none. */
  readonly expected_last_load?: string
  /** That load was cut off. One of its objects may have done it: they are looked at with care first. */
  readonly after_interruption?: true
  readonly warnings: readonly PlanWarning[]
}

export type NotLoadedWhy =
  | 'up_to_date'
  | 'waiting'
  | 'loading'
  | 'pinned'
  | 'refused_unchanged'
  | 'failed_not_retryable'
  | 'all_objects_removed'

/** A partition that is not loaded, and why. */
export interface NotLoaded {
  readonly feed: string
  readonly partition: string
  readonly why: NotLoadedWhy
  /** With `waiting`: a code of `WAITING`. */
  readonly waiting_for?: string
  readonly message: string
}

export interface Plan {
  readonly feed: string
  /** In the order of the partitions. */
  readonly items: readonly PlanItem[]
  readonly not_loaded: readonly NotLoaded[]
  /** Of all items. */
  readonly bytes: number
}

export interface PlanSelection {
  /** A partition, or a longer one that holds several (`2023-01`). */
  readonly partition?: string
  /** First and last partition, both included. */
  readonly from?: string
  readonly to?: string
  /** Load again what is published, what was refused unchanged, what is pinned. */
  readonly force?: boolean
  /** As `force`, recorded as a replay of rejects. */
  readonly replay?: boolean
}

export interface PlanInput {
  /** Partitions in question, in order. */
  readonly records: readonly PartitionRecord[]
  /** The present data objects of each. */
  readonly objects: ReadonlyMap<string, readonly ObjectVersion[]>
  readonly generations: ReadonlyMap<string, LatestGeneration>
  readonly selection?: PlanSelection
}

/** Throws `partition_invalid` for a name in the selection that is none. */
function isSelected(feed: Feed, partition: string, selection: PlanSelection): boolean {
  for (const name of [selection.partition, selection.from, selection.to]) {
    if (name !== undefined) parsePartition(name, feed.layout.zone)
  }
  const { partition: one } = selection
  return inRange(partition, { from: one, to: one }) && inRange(partition, selection)
}

/**
 * Decides what to load. A partition is loaded when its objects differ from those last attempted. One
 * that was refused or failed for good is tried again when the contract or the settings change; a
 * retryable failure always. A change of contract or settings does not reload what is published.
 * A partition whose objects are all gone keeps being served: a listing that shows nothing is more
 * often a fault than a wish. `force` overrides each of these, but never loads what is incomplete.
 */
export function planFeed(feed: Feed, input: PlanInput): Plan {
  const items: PlanItem[] = []
  const not_loaded: NotLoaded[] = []
  for (const record of input.records) {
    if (!isSelected(feed, record.partition, input.selection ?? {})) continue
    const partition: PartitionInput = {
      record,
      objects: input.objects.get(record.partition) ?? [],
      latest: input.generations.get(record.partition),
      force: input.selection?.replay ? 'replay' : input.selection?.force ? 'forced' : undefined,
    }
    const decision = decide(feed, partition)
    if ('why' in decision) {
      not_loaded.push({ feed: feed.name, partition: record.partition, ...decision })
    } else items.push(itemOf(feed, partition, decision))
  }
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0)
  return { feed: feed.name, items, not_loaded, bytes }
}

interface PartitionInput {
  readonly record: PartitionRecord
  readonly objects: readonly ObjectVersion[]
  readonly latest: LatestGeneration | undefined
  readonly force: 'forced' | 'replay' | undefined
}

type Skip = Pick<NotLoaded, 'why' | 'waiting_for' | 'message'>
type Decision = Skip | { readonly reason: GenerationReason; readonly reason_text: string }

function decide(feed: Feed, partition: PartitionInput): Decision {
  const { record, objects, latest, force } = partition
  const { state, last_load, waiting_for } = record
  if (state === 'loading') return { why: 'loading', message: 'Another loader has the partition.' }

  if (objects.length === 0 && latest?.served !== undefined && latest.served.objects.length > 0) {
    const count = latest.served.objects.length
    if (force !== undefined) {
      return { reason: 'removed_object', reason_text: `all ${count} objects were removed` }
    }
    const message = `All ${count} objects are gone; what was published is still served. Use --force to publish an empty partition.`
    return { why: 'all_objects_removed', message }
  }
  if (waiting_for !== undefined && (state !== 'published' || force !== undefined)) {
    return { why: 'waiting', waiting_for, message: waitingMessage(waiting_for) }
  }

  if (last_load === undefined || latest === undefined) {
    return { reason: 'first', reason_text: `first delivery: ${countOf(objects)}` }
  }
  if (state === 'ready') {
    const difference = differenceOf(latest.objects, objects)
    const reason = reasonOf(difference)
    if (reason !== undefined) {
      return { reason, reason_text: describeDifference(difference, feed.prefix) }
    }
  }
  if (force !== undefined) {
    const asked = force === 'replay' ? 'rejects are replayed' : 'asked for with --force'
    return { reason: force, reason_text: asked }
  }
  if (record.pinned) {
    const message = `Rolled back to generation ${record.served_generation}; it stays until an object changes, or use --force.`
    return { why: 'pinned', message }
  }
  if (state !== 'refused' && state !== 'failed') {
    return { why: 'up_to_date', message: 'Nothing is new.' }
  }
  const ended = `the last load ${state === 'refused' ? 'was refused' : 'failed'}${last_load.code === undefined ? '' : ` (${last_load.code})`}`
  if (last_load.contract_hash !== feed.contract_hash) {
    return {
      reason: 'contract_changed',
      reason_text: `${ended}, and the contract has changed since`,
    }
  }
  if (last_load.settings_hash !== feed.settings_hash) {
    return {
      reason: 'settings_changed',
      reason_text: `${ended}, and the feed’s settings have changed since`,
    }
  }
  if (state === 'failed' && last_load.retryable) {
    return { reason: latest.reason, reason_text: `${ended}; it is tried again` }
  }
  const message = `${ended[0]?.toUpperCase()}${ended.slice(1)}; it is tried again when an object, the contract or the settings change, or with --force.`
  return { why: state === 'refused' ? 'refused_unchanged' : 'failed_not_retryable', message }
}

function waitingMessage(waiting_for: string): string {
  const known: Readonly<Record<string, string>> = WAITING
  return known[waiting_for] ?? `Waiting for ${waiting_for}.`
}

const countOf = (objects: readonly unknown[]): string =>
  `${objects.length} ${objects.length === 1 ? 'object' : 'objects'}`

function reasonOf(difference: ObjectDifference): GenerationReason | undefined {
  if (difference.changed.length > 0) return 'changed_object'
  if (difference.added.length > 0) return 'added_object'
  return difference.removed.length > 0 ? 'removed_object' : undefined
}

function itemOf(
  feed: Feed,
  partition: PartitionInput,
  decision: { readonly reason: GenerationReason; readonly reason_text: string },
): PlanItem {
  const { record, objects, latest, force } = partition
  const against_served = differenceOf(latest?.served?.objects ?? [], objects)
  // Rows without a key cannot meet rows of other objects, so what is loaded need not be read again.
  const only_new =
    feed.publish === 'append' && feed.contract.key.length === 0 && force === undefined
  const reads = only_new ? [...against_served.changed, ...against_served.added] : objects
  const expected_last_load = record.last_load?.load_id
  return {
    feed: feed.name,
    partition: record.partition,
    ...decision,
    publish: feed.publish,
    generation: generationOf(feed, partition),
    objects,
    reads: [...reads].sort((a, b) => (a.key < b.key ? -1 : 1)),
    removed: against_served.removed.map(({ key }) => key),
    bytes: reads.reduce((sum, { size }) => sum + size, 0),
    ...(expected_last_load === undefined ? {} : { expected_last_load }),
    ...(record.last_load?.code === 'interrupted' ? { after_interruption: true as const } : {}),
    warnings: sizeWarnings(feed, reads),
  }
}

/** A generation that was never published is taken up again if nothing that makes it up has changed. */
function generationOf(feed: Feed, { record, objects, latest }: PartitionInput): number {
  const same =
    latest !== undefined &&
    !latest.published &&
    latest.contract_hash === feed.contract_hash &&
    latest.settings_hash === feed.settings_hash &&
    reasonOf(differenceOf(latest.objects, objects)) === undefined
  return same ? latest.generation : record.generation + 1
}

/**
 * Reads from the ledger what `planFeed` needs, for the partitions that can have something to load:
 * those just discovered, those not in state `published`, and with `force` or `replay` all selected.
 */
export async function plan(
  feed: Feed,
  context: {
    readonly ledger: Ledger
    readonly discovered?: readonly string[]
    readonly selection?: PlanSelection
  },
): Promise<Plan> {
  const { ledger, selection = {} } = context
  const discovered = new Set(context.discovered)
  const everything = selection.force === true || selection.replay === true
  const all = await ledger.partitions(feed.name)
  const records = all.filter(
    ({ partition, state }) =>
      isSelected(feed, partition, selection) &&
      (everything || state !== 'published' || discovered.has(partition)),
  )
  const names = records.map(({ partition }) => partition)
  const objects = new Map<string, ObjectVersion[]>()
  for (const object of await ledger.objects(feed.name, names)) {
    if (object.role !== 'data') continue
    const { partition, key, version, size } = object
    const of_partition = objects.get(partition) ?? []
    of_partition.push({ key, version, size })
    objects.set(partition, of_partition)
  }
  const generations = await ledger.latestGenerations(feed.name, names)
  return planFeed(feed, { records, objects, generations, selection })
}
