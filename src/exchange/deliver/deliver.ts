import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { keyReader } from '../../core/layout/key-role.ts'
import type { Partition } from '../../core/partition.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Formats } from '../../format/format.ts'
import type { ObjectStore } from '../../store/store.ts'
import { toExchangeError } from '../failure.ts'
import type { Observe } from '../progress.ts'
import type { AbortedUploads } from '../unfinished-uploads.ts'
import type { DeliverSource } from './check-delivery.ts'
import type { PartitionPlan } from './delivery-plan.ts'
import {
  type DeliverResult,
  type DeliveryRecord,
  recordOf,
  summary,
  uploadNotes,
} from './delivery-result.ts'
import type { DeliveryOutput } from './output.ts'
import { expectBytes, prepareDelivery } from './prepare-delivery.ts'
import { type DeliverStep, runPartition } from './run-plan.ts'

export type { DeliverSource } from './check-delivery.ts'

export interface DeliverRequest {
  readonly sources: readonly DeliverSource[]
  readonly output: DeliveryOutput
  /** All rows must lie in it; without it each goes to the partition that its time says. */
  readonly partition?: Partition
  /** Partitions that hold something are replaced, not refused. */
  readonly replace: boolean
  /** Plan and check; upload nothing. */
  readonly dry_run: boolean
  /** Where refused rows are set aside, as JSON lines; not written in a dry run or where there are none. */
  readonly rejects_path: (delivery_id: string) => string
}

export interface DeliverTools {
  /** The receiver's side: contract, layout, completion, prefix. */
  readonly feed: Feed
  readonly store: ObjectStore
  readonly formats: Formats
  readonly openDuckdb: () => Promise<Duckdb>
  /** Empty folder for what is written on the way; the caller removes it when the rejects were read. */
  readonly dir: string
  readonly now: () => Date
  readonly observe: Observe
  readonly step: (step: DeliverStep) => void
  readonly signal?: AbortSignal
}

/**
 * Turns staged records into a conforming delivery: checks them as their receiver will, writes the
 * files, plans what is done to each partition, and does it. Nothing is uploaded before every row was
 * judged, every file written and every partition looked at. The same records delivered again under
 * the same contract have the same delivery id, so a run that was killed is taken up by the next one.
 */
export async function deliverRecords(
  request: DeliverRequest,
  tools: DeliverTools,
): Promise<DeliverResult> {
  // Says at once where no marker can lie.
  keyReader(tools.feed)
  const delivery_id = deliveryId(request, tools.feed)
  try {
    await using duckdb = await tools.openDuckdb()
    const prepared = await prepareDelivery(delivery_id, request, { ...tools, duckdb })
    if ('result' in prepared) return prepared.result
    const { plan, checked, duplicates, notes, rejects_file } = prepared
    const records: DeliveryRecord[] = []
    const uploads: AbortedUploads[] = []
    for (const each of plan.partitions) {
      if (!request.dry_run) uploads.push(await run(each, delivery_id, records, tools))
      records.push(recordOf(delivery_id, each, request.dry_run))
    }
    const all_notes = [...notes, ...uploadNotes(uploads)]
    return {
      ...summary(delivery_id, checked, duplicates, all_notes, rejects_file),
      state: request.dry_run ? 'planned' : 'delivered',
      deliveries: records,
      rows_delivered: records.reduce((sum, r) => sum + r.rows, 0),
      withheld: 0,
    }
  } catch (cause) {
    throw toExchangeError(cause)
  }
}

/** The same records for the same receiver, written the same way, are the same delivery. */
function deliveryId({ sources, output }: DeliverRequest, feed: Feed): string {
  const facts = [
    sources.map((s) => s.digest),
    output,
    feed.contract_hash,
    feed.layout.template,
    feed.layout.zone,
    feed.format,
    feed.publish,
    feed.new_columns,
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
}

async function run(
  plan: PartitionPlan,
  delivery_id: string,
  done: readonly DeliveryRecord[],
  tools: DeliverTools,
): Promise<AbortedUploads> {
  const { feed, store, now, step, observe, signal } = tools
  const run_tools = { feed, store, now, step, ...(signal === undefined ? {} : { signal }) }
  // Nothing of it is worth being drawn.
  if (plan.action === 'none') return runPartition(plan, { ...run_tools, progress: () => {} })
  const bytes = plan.files.reduce((sum, f) => sum + f.bytes, 0)
  const load_id = `deliver-${plan.partition}`
  expectBytes(tools, bytes)
  observe({ type: 'started', load_id, feed: feed.name, partition: plan.partition, bytes })
  observe({ type: 'advanced', load_id, step: 'publish', bytes: 0, rows: plan.rows })
  let uploads: AbortedUploads
  try {
    uploads = await runPartition(plan, {
      ...run_tools,
      progress: (sent) =>
        observe({ type: 'advanced', load_id, step: 'publish', bytes: sent, rows: plan.rows }),
    })
  } catch (cause) {
    const { code, message, hint, retryable, details } = toExchangeError(cause)
    throw new ExchangeError(code, `partition ${plan.partition}: ${message}`, {
      hint,
      retryable,
      details: { ...details, delivery_id, delivered: done.map((d) => d.partition) },
      cause,
    })
  }
  for (const { path } of plan.files) await rm(path, { force: true })
  observe({ type: 'ended', load_id, state: 'published' })
  return uploads
}
