import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { keyReader } from '../../core/layout/key-role.ts'
import { writeKey } from '../../core/layout/layout.ts'
import type { Partition } from '../../core/partition.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { Formats } from '../../format/format.ts'
import type { Note, RejectSummary } from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'
import { toExchangeError } from '../failure.ts'
import type { Observe } from '../progress.ts'
import { type AbortedUploads, leftText, uploadsText } from '../unfinished-uploads.ts'
import type { CheckedRows } from '../validate/check-rows.ts'
import { brokenQuality } from '../validate/quality.ts'
import { type CheckedDelivery, checkDelivery, type DeliverSource } from './check-delivery.ts'
import {
  type DeliveryPlan,
  type PartitionFiles,
  type PartitionPlan,
  planDelivery,
} from './delivery-plan.ts'
import { listPartitions } from './list-partitions.ts'
import { type DeliveryOutput, fileName } from './output.ts'
import { type Place, placeRows } from './place-rows.ts'
import { type DeliverStep, runPartition } from './run-plan.ts'
import { settleUndeclared, type Undeclared } from './undeclared.ts'
import { writeFiles } from './write-files.ts'

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

/** What became, or would become, of one partition. */
export interface DeliveryRecord {
  readonly delivery_id: string
  readonly partition: string
  /** `unchanged`: this very delivery lay there already, whole. */
  readonly state: 'planned' | 'delivered' | 'unchanged'
  readonly action: PartitionPlan['action']
  readonly rows: number
  readonly bytes: number
  readonly files: readonly { readonly key: string; readonly bytes: number; readonly rows: number }[]
  /** Keys of stale parts that were, or will be, deleted. */
  readonly deleted: readonly string[]
  /** Keys of what says that the partition is complete. */
  readonly closed_by: readonly string[]
}

/** rows_read = rows_delivered + duplicates + rejected; of a refused delivery the rest was withheld. */
export interface DeliverResult {
  readonly delivery_id: string
  readonly state: 'planned' | 'delivered' | 'refused'
  /** Why it was refused. */
  readonly code?: string
  readonly message?: string
  readonly deliveries: readonly DeliveryRecord[]
  readonly rows_read: number
  readonly rows_delivered: number
  readonly duplicates: number
  readonly rejected: number
  readonly withheld: number
  /** Inputs that were refused as a whole. */
  readonly objects: readonly {
    readonly object: string
    readonly code: string
    readonly message: string
  }[]
  readonly reject_counts: readonly RejectSummary[]
  readonly notes: readonly Note[]
  /** Where refused rows were set aside. */
  readonly rejects_file?: string
  /** Parquet file of the refused rows in `dir`. */
  readonly rejects_staged?: string
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
    const prepared = await prepare(delivery_id, request, { ...tools, duckdb })
    if ('result' in prepared) return prepared.result
    const { plan, checked, duplicates, notes, rejects_file } = prepared
    const records: DeliveryRecord[] = []
    const uploads: AbortedUploads[] = []
    for (const each of plan.partitions) {
      if (!request.dry_run) uploads.push(await run(each, delivery_id, records, tools))
      records.push(record(delivery_id, each, request.dry_run))
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

type Prepared =
  | { readonly result: DeliverResult }
  | {
      readonly plan: DeliveryPlan
      readonly checked: CheckedRows
      readonly duplicates: number
      readonly notes: readonly Note[]
      readonly rejects_file: string | undefined
    }

type PrepareTools = DeliverTools & { readonly duckdb: Duckdb }

/** Everything before the first write to the store. */
async function prepare(
  delivery_id: string,
  request: DeliverRequest,
  tools: PrepareTools,
): Promise<Prepared> {
  const { feed, duckdb, dir, signal } = tools
  const checked = await check(request, tools)
  const rejects_file = await setAside(delivery_id, checked, request, duckdb)
  tools.step('rows_checked')
  const refuse = (code: string, message: string, duplicates = 0, notes: readonly Note[] = []) => ({
    result: {
      ...summary(delivery_id, checked, duplicates, notes, rejects_file),
      state: 'refused' as const,
      code,
      message,
      deliveries: [],
      rows_delivered: 0,
      withheld: checked.rows_read - checked.rejected - duplicates,
    },
  })
  // Half of what was meant to be sent is no delivery, whatever the budget says.
  const broken = checked.objects.filter((o) => o.state === 'refused')
  if (broken.length > 0)
    return refuse(
      'inputs_refused',
      `${broken.length} of ${checked.objects.length} inputs cannot be read: ${broken[0]?.key} (${broken[0]?.code})`,
    )
  if (checked.refused !== undefined) return refuse(checked.refused.code, checked.refused.message)

  const files = checked.candidates.map((file) => file.path)
  const { places, duplicates } = await placeRows(files, {
    feed,
    partition: request.partition,
    duckdb,
    dir: await emptyFolder(join(dir, 'places')),
  })
  const notes: Note[] = []
  for (const [partition, of] of Map.groupBy(places, (p) => p.partition.name)) {
    const quality = await brokenQuality(
      feed.contract,
      { files: of.flatMap((p) => p.files) },
      duckdb,
    )
    notes.push(...quality.notes.map((n) => ({ ...n, message: `${partition}: ${n.message}` })))
    if (quality.broken !== undefined)
      return refuse('quality', `${partition}: ${quality.broken}`, duplicates, notes)
  }
  const undeclared = await settleUndeclared(checked, {
    ...{ feed, duckdb, notes },
    output: request.output,
  })
  const partitions = await writeAll(places, delivery_id, undeclared, request, tools)
  const lying = await listPartitions(
    feed,
    [...new Map(places.map((p) => [p.partition.name, p.partition])).values()],
    { store: tools.store, now: tools.now(), ...(signal === undefined ? {} : { signal }) },
  )
  const plan = planDelivery(delivery_id, partitions, { feed, lying, replace: request.replace })
  tools.step('delivery_planned')
  return { plan, checked, duplicates, notes, rejects_file }
}

async function check(request: DeliverRequest, tools: PrepareTools): Promise<CheckedDelivery> {
  const { feed, observe, dir, duckdb, formats, signal } = tools
  const bytes = request.sources.reduce((sum, s) => sum + s.bytes, 0)
  expectBytes(tools, bytes)
  observe({ type: 'started', load_id: 'check', feed: feed.name, partition: '', bytes })
  observe({ type: 'advanced', load_id: 'check', step: 'validate', bytes: 0 })
  const checked = await checkDelivery(request.sources, {
    feed,
    partition: request.partition,
    formats,
    duckdb,
    dir: join(dir, 'checked'),
    now: tools.now(),
    progress: (done) => observe({ type: 'advanced', load_id: 'check', step: 'validate', ...done }),
    ...(signal === undefined ? {} : { signal }),
  })
  observe({
    type: 'ended',
    load_id: 'check',
    state: checked.refused === undefined ? 'published' : 'refused',
  })
  return checked
}

/** Lets a surface draw how much of the work is done; there is nothing to say of it in words. */
const expectBytes = ({ observe, feed }: DeliverTools, bytes: number) =>
  observe({
    ...{ type: 'found', feed: feed.name, bytes, partitions: 0, objects: 0 },
    ...{ first: false, waiting: {}, strays: 0 },
  })

/** Writes the refused rows where people and programs can read them. */
async function setAside(
  delivery_id: string,
  checked: CheckedRows,
  request: DeliverRequest,
  duckdb: Duckdb,
): Promise<string | undefined> {
  if (checked.rejects_file === undefined || request.dry_run) return undefined
  const path = request.rejects_path(delivery_id)
  await mkdir(dirname(path), { recursive: true })
  await duckdb.run(
    `COPY (SELECT "object", "row", "column", code, codes, message, raw FROM read_parquet(${literal(checked.rejects_file)}) ORDER BY "object", "row") TO ${literal(path)} (FORMAT json)`,
  )
  return path
}

/** Writes every file to local disk, under the key it will have. */
async function writeAll(
  places: readonly Place[],
  delivery_id: string,
  undeclared: Undeclared,
  request: DeliverRequest,
  tools: PrepareTools,
): Promise<PartitionFiles[]> {
  const { feed, duckdb, dir, signal } = tools
  const has_file = feed.layout.levels.at(-1)?.some((p) => 'variable' in p && p.variable === 'file')
  const partitions = new Map<string, PartitionFiles['files'][number][]>()
  for (const [at, place] of places.entries()) {
    signal?.throwIfAborted()
    const files = partitions.get(place.partition.name) ?? []
    partitions.set(place.partition.name, files)
    const written = await writeFiles(place, {
      feed,
      output: request.output,
      duckdb,
      dir: join(dir, 'files', String(at)),
      undeclared,
      one_file: has_file !== true,
      ...(signal === undefined ? {} : { signal }),
    })
    for (const file of written) {
      // Numbered through the partition, so that a name tells which file of how many it is.
      const name = has_file
        ? { file: fileName(feed, request.output, files.length, delivery_id) }
        : {}
      const key = writeKey(feed.layout, place.partition, { ...name, variables: place.variables })
      files.push({ ...file, key: feed.prefix + key })
    }
    // Only what splitting wrote: a place of its own is the checks' file.
    if (places.length > 1) for (const file of place.files) await rm(file, { force: true })
  }
  return [...partitions].map(([partition, files]) => ({ partition, files }))
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

function uploadNotes(uploads: readonly AbortedUploads[]): Note[] {
  const count = uploads.reduce((sum, { aborted }) => sum + aborted, 0)
  const refused = uploads.find((each) => each.refused !== undefined)?.refused
  return [
    ...(count === 0
      ? []
      : [
          {
            code: 'uploads_aborted',
            message: `An earlier run had died: ${uploadsText(count)} of it ${count === 1 ? 'was' : 'were'} removed.`,
            count,
          },
        ]),
    ...(refused === undefined
      ? []
      : [{ code: 'uploads_left', message: leftText(refused), count: 1 }]),
  ]
}

function record(delivery_id: string, plan: PartitionPlan, dry_run: boolean): DeliveryRecord {
  return {
    delivery_id,
    partition: plan.partition,
    state: plan.action === 'none' ? 'unchanged' : dry_run ? 'planned' : 'delivered',
    action: plan.action,
    rows: plan.rows,
    bytes: plan.files.reduce((sum, f) => sum + f.bytes, 0),
    files: plan.files.map(({ key, bytes, rows }) => ({ key, bytes, rows })),
    deleted: plan.stale,
    closed_by: plan.closing.map((c) => c.key),
  }
}

function summary(
  delivery_id: string,
  checked: CheckedRows,
  duplicates: number,
  notes: readonly Note[],
  rejects_file: string | undefined,
) {
  return {
    delivery_id,
    rows_read: checked.rows_read,
    duplicates,
    rejected: checked.rejected,
    objects: checked.objects.flatMap((o) =>
      o.state === 'refused'
        ? [{ object: o.key, code: o.code ?? '', message: o.message ?? '' }]
        : [],
    ),
    reject_counts: checked.rejects,
    notes: [...checked.notes, ...notes],
    ...(rejects_file === undefined ? {} : { rejects_file }),
    ...(checked.rejects_file === undefined ? {} : { rejects_staged: checked.rejects_file }),
  }
}

async function emptyFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  return path
}
