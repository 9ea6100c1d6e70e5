import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import type { LyingObject } from './list-partitions.ts'

/** A file with the key it will have. */
export interface DeliveryFile {
  readonly key: string
  readonly bytes: number
  readonly rows: number
  /** The file on local disk. */
  readonly path: string
}

/** An object that says that a partition is complete. */
export interface ClosingObject {
  readonly key: string
  readonly content: Uint8Array
}

/**
 * What is done to one partition, in this order: `reopen` is deleted, `files` are written, `stale` is
 * deleted, `closing` is written. So what closes a partition never stands over a mixture, and a run
 * that was killed anywhere is taken up by the next one.
 */
export interface PartitionPlan {
  readonly partition: string
  /** `none`: this very delivery lies there, whole. */
  readonly action: 'new' | 'add' | 'replace' | 'none'
  readonly rows: number
  readonly files: readonly DeliveryFile[]
  /** Keys of markers and manifests that close the partition now. */
  readonly reopen: readonly string[]
  /** Keys of parts that are not of this delivery. */
  readonly stale: readonly string[]
  readonly closing: readonly ClosingObject[]
}

export interface DeliveryPlan {
  readonly delivery_id: string
  readonly partitions: readonly PartitionPlan[]
}

/** Files of one partition, before it is known what lies there. */
export interface PartitionFiles {
  readonly partition: string
  readonly files: readonly DeliveryFile[]
}

/** Deliveries are put beside each other where the receiver adds them up and nothing closes a partition. */
const addsBeside = ({ publish, completion }: Feed): boolean =>
  publish !== 'replace' && (completion.type === 'immediate' || completion.type === 'quiet_period')

/** Plans a delivery. Throws `partition_exists` where one would be replaced that may not be. */
export function planDelivery(
  delivery_id: string,
  partitions: readonly PartitionFiles[],
  options: {
    readonly feed: Feed
    readonly lying: ReadonlyMap<string, readonly LyingObject[]>
    readonly replace: boolean
  },
): DeliveryPlan {
  const lyingIn = (partition: string) => options.lying.get(partition) ?? []
  const plans = partitions.map((each) =>
    planPartition(delivery_id, each, { ...options, lying: lyingIn(each.partition) }),
  )
  const taken = plans.filter(
    (plan) =>
      plan.action === 'replace' && !options.replace && !isOwn(lyingIn(plan.partition), delivery_id),
  )
  const [first] = taken
  if (first !== undefined) {
    const open = first.reopen.length === 0 && closes(options.feed)
    const objects = first.stale.length + first.reopen.length
    throw new ExchangeError(
      'partition_exists',
      `The partition ${first.partition}${taken.length > 1 ? ` and ${taken.length - 1} more` : ''} holds ${objects} ${objects === 1 ? 'object' : 'objects'} already${open ? ', of a delivery that was not completed or is under way' : ''}.`,
      { details: { partitions: taken.map((plan) => plan.partition) } },
    )
  }
  return { delivery_id, partitions: plans }
}

const closes = ({ completion }: Feed) =>
  completion.type === 'marker' || completion.type === 'manifest'

/** Nothing but remains of this very delivery lies there. */
const isOwn = (lying: readonly LyingObject[], id: string) => {
  const data = lying.filter((o) => o.role === 'data')
  return data.length > 0 && data.every((o) => o.key.includes(id))
}

function planPartition(
  id: string,
  { partition, files }: PartitionFiles,
  options: {
    readonly feed: Feed
    readonly lying: readonly LyingObject[]
    readonly replace: boolean
  },
): PartitionPlan {
  const { feed, lying, replace } = options
  const data = lying.filter((o) => o.role === 'data')
  const controls = lying.filter((o) => o.role !== 'data')
  const keys = new Set(files.map((f) => f.key))
  const sizes = new Map(data.map((o) => [o.key, o.size]))
  const own = data.filter((o) => o.key.includes(id))
  const others = data.filter((o) => !o.key.includes(id))
  const all_there =
    files.every((f) => f.key.includes(id) && sizes.get(f.key) === f.bytes) &&
    own.every((o) => keys.has(o.key))
  const closing = closingObjects(feed, files)
  const base = { partition, rows: files.reduce((sum, f) => sum + f.rows, 0), files, closing }
  const none = { ...base, action: 'none' as const, reopen: [], stale: [], closing: [] }
  const remains = own.map((o) => o.key).filter((key) => !keys.has(key))
  if (addsBeside(feed) && !replace) {
    if (all_there) return none
    return { ...base, action: others.length > 0 ? 'add' : 'new', reopen: [], stale: remains }
  }
  const closed = new Set(controls.map((o) => o.key))
  if (all_there && others.length === 0 && closing.every((c) => closed.has(c.key))) return none
  return {
    ...base,
    action: lying.length > 0 ? 'replace' : 'new',
    reopen: [...closed],
    stale: data.map((o) => o.key).filter((key) => !keys.has(key)),
  }
}

/** What completes the delivery: one object in each directory that has files. */
function closingObjects(feed: Feed, files: readonly DeliveryFile[]): ClosingObject[] {
  const { completion, layout, prefix } = feed
  if (completion.type !== 'marker' && completion.type !== 'manifest') return []
  const { name } = completion
  const directory = ({ key }: DeliveryFile) => {
    const levels = key.slice(prefix.length).split('/')
    return `${prefix}${levels.slice(0, layout.time_level + 1).join('/')}/`
  }
  return [...Map.groupBy(files, directory)].map(([folder, of]) => ({
    key: folder + name,
    content:
      completion.type === 'marker'
        ? new Uint8Array()
        : new TextEncoder().encode(
            `${JSON.stringify({ files: of.map(({ key, bytes }) => ({ name: key.slice(folder.length), size: bytes })) })}\n`,
          ),
  }))
}
