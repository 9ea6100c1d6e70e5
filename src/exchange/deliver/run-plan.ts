import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { parsePartition } from '../../core/partition.ts'
import type { ObjectStore } from '../../store/store.ts'
import { filePieces } from '../file-pieces.ts'
import { inParallel } from '../in-parallel.ts'
import { type AbortedUploads, abortUploads, findUploads } from '../unfinished-uploads.ts'
import type { DeliveryFile, PartitionPlan } from './delivery-plan.ts'
import { listPartitions } from './list-partitions.ts'

/** Instants of a delivery at which a test may kill the process; `file_written` after each file. */
export const DELIVER_STEPS = [
  'rows_checked',
  'delivery_planned',
  'partition_reopened',
  'file_written',
  'files_written',
  'stale_deleted',
  'partition_closed',
] as const
export type DeliverStep = (typeof DELIVER_STEPS)[number]

export interface RunTools {
  readonly feed: Feed
  readonly store: ObjectStore
  readonly now: () => Date
  readonly step: (step: DeliverStep) => void
  /** Bytes that have been taken by the store, of this partition. */
  readonly progress: (bytes: number) => void
  readonly signal?: AbortSignal
}

/** Files under way at once: enough to fill a link, few enough that a killed run leaves little. */
const AT_ONCE = 4

/**
 * Delivers one partition as planned, and aborts what an earlier run of this very delivery was killed in the
 * middle of. Throws `partition_changed` where another writes to it meanwhile.
 */
export async function runPartition(plan: PartitionPlan, tools: RunTools): Promise<AbortedUploads> {
  const { store, step, signal } = tools
  const io = signal === undefined ? {} : { signal }
  // Before this run begins any: under these very names nobody writes but a run of this delivery, or one of
  // another that would put its file in the place of this one's.
  const found = await findUploads(store, plan.files, io)
  if (plan.action === 'none') return abortUploads(store, found, io)
  if (plan.reopen.length > 0) {
    await store.delete(plan.reopen, io)
    step('partition_reopened')
  }
  const sent = { bytes: 0 }
  await inParallel(plan.files, AT_ONCE, async (file) => {
    await upload(file, sent, tools)
    step('file_written')
  })
  // Should that run be alive after all, it fails only now that its files are there.
  const uploads = await abortUploads(store, found, io)
  step('files_written')
  if (plan.stale.length > 0) {
    await store.delete(plan.stale, io)
    step('stale_deleted')
  }
  if (plan.closing.length > 0) {
    await checkAlone(plan, tools)
    for (const { key, content } of plan.closing)
      await store.write(key, content, { ...io, if_absent: true })
  }
  step('partition_closed')
  return uploads
}

async function upload(file: DeliveryFile, sent: { bytes: number }, tools: RunTools): Promise<void> {
  const { store, progress, signal } = tools
  async function* body() {
    for await (const piece of filePieces(file.path)) {
      yield piece
      sent.bytes += piece.length
      progress(sent.bytes)
    }
  }
  const written = await store.write(file.key, body(), {
    content_type: contentType(file.key),
    ...(signal === undefined ? {} : { signal }),
  })
  if (written.size !== file.bytes)
    throw new Error(`${file.key} has ${written.size} bytes after ${file.bytes} were written`)
}

function contentType(key: string): string {
  if (key.endsWith('.gz')) return 'application/gzip'
  if (key.endsWith('.zst')) return 'application/zstd'
  if (key.endsWith('.parquet')) return 'application/vnd.apache.parquet'
  return key.endsWith('.csv') ? 'text/csv' : 'application/x-ndjson'
}

/** Before a partition is closed it must hold this delivery, whole, and nothing else. */
async function checkAlone(plan: PartitionPlan, tools: RunTools): Promise<void> {
  const { feed, store, signal } = tools
  const partition = parsePartition(plan.partition, feed.layout.zone)
  const lying = await listPartitions(feed, [partition], {
    store,
    now: tools.now(),
    ...(signal === undefined ? {} : { signal }),
  })
  const found = lying.get(plan.partition) ?? []
  const wanted = new Map(plan.files.map((f) => [f.key, f.bytes]))
  const strange = found.find((o) => !(o.role === 'data' && wanted.get(o.key) === o.size))
  const there = new Set(found.map((o) => o.key))
  const gone = plan.files.find((f) => !there.has(f.key))
  const key = strange?.key ?? gone?.key
  if (key !== undefined)
    throw new ExchangeError(
      'partition_changed',
      `${key} was ${strange === undefined ? 'removed' : 'written'} while the partition ${plan.partition} was being delivered.`,
    )
}
