import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeKey } from '../../core/layout/layout.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { Note } from '../../ledger/ledger.ts'
import type { CheckedRows } from '../validate/check-rows.ts'
import { brokenQuality } from '../validate/quality.ts'
import { type CheckedDelivery, checkDelivery } from './check-delivery.ts'
import type { DeliverRequest, DeliverTools } from './deliver.ts'
import { type DeliveryPlan, type PartitionFiles, planDelivery } from './delivery-plan.ts'
import { type DeliverResult, summary } from './delivery-result.ts'
import { listPartitions } from './list-partitions.ts'
import { fileName } from './output.ts'
import { type Place, placeRows } from './place-rows.ts'
import { settleUndeclared, type Undeclared } from './undeclared.ts'
import { writeFiles } from './write-files.ts'

/** Lets a surface draw how much of the work is done; there is nothing to say of it in words. */
export const expectBytes = ({ observe, feed }: DeliverTools, bytes: number) =>
  observe({
    ...{ type: 'found', feed: feed.name, bytes, partitions: 0, objects: 0 },
    ...{ first: false, waiting: {}, strays: 0 },
  })

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
export async function prepareDelivery(
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

async function emptyFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true })
  return path
}
