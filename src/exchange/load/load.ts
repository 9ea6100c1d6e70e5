import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { parseKey } from '../../core/layout/layout.ts'
import { parsePartition } from '../../core/partition.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { Engine, StagedFile } from '../../engine/engine.ts'
import type { Formats } from '../../format/format.ts'
import type {
  BegunLoad,
  DatasetFile,
  EndLoad,
  FileKind,
  Ledger,
  LoadCounts,
  LoadRecord,
  NewFile,
  ObjectVersion,
} from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'
import { toExchangeError } from '../failure.ts'
import { type DataPaths, generationPath } from '../paths.ts'
import type { PlanItem } from '../plan/plan.ts'
import type { Observe } from '../progress.ts'
import { latestServedFile } from '../served-file.ts'
import type { FetchedObject } from '../validate/check-options.ts'
import { type CheckedRows, checkRows } from '../validate/check-rows.ts'
import { askAgain } from './ask-again.ts'
import { fetchObjects } from './fetch.ts'
import { keptRows } from './kept-rows.ts'
import { comparesPartitions, fieldIdsOf, settleWinners, type Winners } from './winners.ts'

/** Instants of a load at which a test may kill the process; see `test/e2e/crash.test.ts`. */
export const LOAD_STEPS = [
  'discovered',
  'planned',
  'begun',
  'fetched',
  'checked',
  'staged',
  'moved',
  'committed',
  'cleaned',
] as const
export type LoadStep = (typeof LOAD_STEPS)[number]

export interface LoadContext {
  readonly feed: Feed
  readonly store: ObjectStore
  readonly ledger: Ledger
  readonly engine: Engine
  readonly formats: Formats
  readonly openDuckdb: () => Promise<Duckdb>
  readonly paths: DataPaths
  /** Names this process, for people: `host:pid`. */
  readonly holder: string
  readonly lease_ms: number
  readonly now: () => Date
  readonly observe: Observe
  readonly step: (step: LoadStep) => void
  /** Partitions whose generations loads have changed are added to it. */
  readonly touched: Set<string>
  readonly signal?: AbortSignal
}

/**
 * Loads one planned partition: fetch, check, stage, publish. Every write before the ledger's
 * transaction is to places that no generation names, so a kill anywhere leaves the served
 * generation as it was. Undefined: another loader has the partition, or the plan is out of date.
 */
export async function loadPartition(
  item: PlanItem,
  context: LoadContext,
): Promise<LoadRecord | undefined> {
  const { feed, ledger, now } = context
  const begun = await ledger.beginLoad({
    feed: feed.name,
    partition: item.partition,
    reason: item.reason,
    objects: item.objects,
    contract_hash: feed.contract_hash,
    settings_hash: feed.settings_hash,
    holder: context.holder,
    lease_ms: context.lease_ms,
    ...(item.expected_last_load === undefined
      ? {}
      : { expected_last_load: item.expected_last_load }),
    exclusive_feed: comparesPartitions(feed),
    now: now(),
  })
  if (begun === undefined) return undefined
  context.touched.add(item.partition)
  const { load_id } = begun
  const bytes = item.reads.reduce((sum, o) => sum + o.size, 0)
  context.observe({ type: 'started', load_id, feed: feed.name, partition: item.partition, bytes })
  context.step('begun')

  const lease = keepLease(load_id, context)
  const dir = join(context.paths.staging, load_id)
  try {
    await attempt(item, begun, dir, { ...context, signal: lease.signal })
  } catch (cause) {
    const error = toExchangeError(lease.lost() ? leaseLost(load_id) : cause)
    // Whoever took the lease over owns the load's outcome now, also where that showed only as this error.
    const end = () => ledger.endLoad(load_id, failure(error, item, now())).catch(unlessTakenOver)
    // A ledger that was away until the load gave up is asked once more, and not again and again.
    if (error.code === 'ledger_unavailable') await end()
    else if (error.code !== 'lease_lost') await askAgain(end)
  } finally {
    lease.stop()
    await rm(dir, { recursive: true, force: true })
  }
  context.step('cleaned')
  const [record] = await ledger.loads({ load_ids: [load_id] })
  if (record === undefined) throw new Error(`the ledger lost load ${load_id}`)
  context.observe({ type: 'ended', load_id, state: record.state })
  return record
}

async function attempt(
  item: PlanItem,
  begun: BegunLoad,
  dir: string,
  context: LoadContext,
): Promise<void> {
  const { feed, ledger, engine, observe } = context
  const { load_id } = begun
  const objects = await fetchAll(item, join(dir, 'objects'), load_id, context)
  context.step('fetched')

  await using duckdb = await context.openDuckdb()
  const checked = await checkRows({
    feed,
    partition: parsePartition(item.partition, feed.layout.zone),
    objects,
    formats: context.formats,
    duckdb,
    after_interruption: item.after_interruption === true,
    dir: join(dir, 'checked'),
    kept: await keptRows(feed, item, { ledger, datasets_dir: context.paths.datasets }),
    known: await ledger.columns(feed.name),
    servedFile: () => latestServedFile(feed.name, { ledger, datasets_dir: context.paths.datasets }),
    ensureColumns: (columns) => ledger.ensureColumns(feed.name, columns, context.now()),
    progress: (done) => observe({ type: 'advanced', load_id, step: 'validate', ...done }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  })
  context.step('checked')

  const staging = new Staging(item, begun, context)
  if (checked.rejects_file !== undefined)
    await staging.add('rejects', checked.rejects_file, checked.rejected, refsOf(item.reads))
  if (checked.refused !== undefined) {
    await engine.publish(staging.plan())
    const end = {
      state: 'refused' as const,
      ...checked.refused,
      retryable: false,
      ...outcome(checked, item, 0, 0),
      files: staging.files,
      now: context.now(),
    }
    await askAgain(() => ledger.endLoad(load_id, end))
    return
  }

  const winners = await stageRows(checked, item, begun, { duckdb, dir, staging, context })
  const kept = await keepUntouched(item, begun, { duckdb, dir, staging, context })
  context.step('staged')
  observe({
    type: 'advanced',
    load_id,
    step: 'publish',
    bytes: 0,
    rows: checked.rows_read,
    rejected: checked.rejected,
  })
  await engine.publish(staging.plan())
  context.step('moved')
  const duplicates = checked.duplicates + winners.lost
  const published = checked.rows - winners.lost
  // The commit point: from here on readers see the new generation, and all it changes elsewhere.
  const { counts, ...rest } = outcome(checked, item, published, duplicates)
  const publication = {
    counts,
    ...rest,
    files: staging.files,
    kept_files: kept,
    republished: winners.republished,
    now: context.now(),
  }
  await askAgain(() => ledger.publish(load_id, publication))
  for (const { partition } of winners.republished) context.touched.add(partition)
  context.step('committed')
}

async function fetchAll(
  item: PlanItem,
  dir: string,
  load_id: string,
  context: LoadContext,
): Promise<FetchedObject[]> {
  const { feed, store, observe } = context
  const local = await fetchObjects(item.reads, {
    store,
    dir,
    progress: (bytes) => observe({ type: 'advanced', load_id, step: 'fetch', bytes }),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
  })
  return local.map((object) => {
    const parsed = parseKey(feed.layout, object.key.slice(feed.prefix.length))
    return { ...object, variables: 'partition' in parsed ? parsed.variables : {} }
  })
}

interface StageTools {
  readonly duckdb: Duckdb
  readonly dir: string
  readonly staging: Staging
  readonly context: LoadContext
}

/** Adds the load's rows: all valid ones, or those that win against other partitions. */
async function stageRows(
  checked: CheckedRows,
  item: PlanItem,
  begun: BegunLoad,
  tools: StageTools,
): Promise<Winners> {
  const { duckdb, dir, staging, context } = tools
  const { feed, ledger, paths } = context
  const refs = refsOf(item.reads)
  const none: Winners = { lost: 0, republished: [], staged: [] }
  const { candidates } = checked
  const addCandidates = async (kind: 'data' | 'candidates') => {
    for (const file of candidates) {
      const keys = new Set(file.objects)
      await staging.add(
        kind,
        file.path,
        file.rows,
        refs.filter((o) => keys.has(o.key)),
        duckdb,
      )
    }
  }
  if (!comparesPartitions(feed)) {
    await addCandidates('data')
    return none
  }
  const winners = await settleWinners({
    feed,
    duckdb,
    partition: item.partition,
    candidates: candidates.map((file) => file.path),
    served: await ledger.servedFiles(feed.name),
    datasets_dir: paths.datasets,
    dir,
    pathFor: (partition, name) =>
      `${generationPath(feed.name, partition, 0, begun.load_id)}/${name}`,
  })
  for (const file of winners.staged) staging.addPlanned(file)
  if (candidates.length === 0) return winners
  const { beaten } = winners
  if (winners.data === undefined) await addCandidates('data')
  if (beaten !== undefined) await staging.add('beaten', beaten.staged, beaten.rows, refs)
  if (winners.data !== undefined) {
    await addCandidates('candidates')
    if (winners.data.rows > 0)
      await staging.add('data', winners.data.staged, winners.data.rows, refs, duckdb)
  }
  return winners
}

/**
 * Appending keeps the files of objects that did not change. A file that also holds rows of a
 * changed or removed object is written again without them.
 */
async function keepUntouched(
  item: PlanItem,
  begun: BegunLoad,
  tools: StageTools,
): Promise<string[]> {
  const { duckdb, dir, staging, context } = tools
  const { feed, ledger, paths } = context
  if (item.reads.length === item.objects.length || begun.served_generation === undefined) return []
  const read = new Set(item.reads.map((o) => o.key))
  const current = new Map(item.objects.map((o) => [o.key, o.version]))
  const stays = (o: { key: string; version: string }) =>
    current.get(o.key) === o.version && !read.has(o.key)
  const kept: string[] = []
  for (const [index, file] of (
    await ledger.generationFiles(feed.name, item.partition, begun.served_generation)
  ).entries()) {
    const gone = file.objects.filter((o) => !stays(o))
    if (gone.length === 0) kept.push(file.file_id)
    else if (gone.length < file.objects.length) await rewriteWithout(file, gone, index)
  }
  return kept

  async function rewriteWithout(
    file: DatasetFile,
    gone: readonly { key: string }[],
    index: number,
  ): Promise<void> {
    const source = join(paths.datasets, file.path)
    const target = join(dir, `kept-${index}.parquet`)
    const column = file.kind === 'rejects' ? '"object"' : '_object'
    const ids = file.kind === 'rejects' ? '' : await fieldIdsOf(duckdb, source)
    const [row] = await duckdb.all<{ Count: bigint }>(
      `COPY (SELECT * FROM read_parquet(${literal(source)}, hive_partitioning = false) WHERE ${column} NOT IN (${gone.map((o) => literal(o.key)).join(', ')})) TO ${literal(target)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1${ids})`,
    )
    const rows = Number(row?.Count ?? 0n)
    if (rows > 0) await staging.add(file.kind, target, rows, file.objects.filter(stays), duckdb)
  }
}

/** The files a load will publish: staged where they are now, named where they will be. */
class Staging {
  readonly files: NewFile[] = []
  readonly #moves: StagedFile[] = []
  readonly #folder: string
  readonly #load_id: string
  readonly #feed: Feed

  constructor(item: PlanItem, begun: BegunLoad, context: LoadContext) {
    this.#feed = context.feed
    this.#load_id = begun.load_id
    this.#folder = generationPath(
      context.feed.name,
      item.partition,
      begun.generation,
      begun.load_id,
    )
  }

  async add(
    kind: FileKind,
    staged: string,
    rows: number,
    objects: NewFile['objects'],
    duckdb?: Duckdb,
  ): Promise<void> {
    const same = this.files.filter((f) => f.kind === kind).length
    const path = `${this.#folder}/${kind}${same === 0 ? '' : `-${same}`}.parquet`
    const times =
      duckdb === undefined || kind === 'rejects' ? {} : await timeRange(duckdb, staged, this.#feed)
    this.#moves.push({ staged, path })
    this.files.push({ kind, path, rows, bytes: (await stat(staged)).size, objects, ...times })
  }

  addPlanned(file: StagedFile): void {
    this.#moves.push(file)
  }

  plan() {
    return { load_id: this.#load_id, feed: this.#feed.name, files: this.#moves }
  }
}

/** Least and greatest time of a file, which its own statistics answer. */
async function timeRange(
  duckdb: Duckdb,
  path: string,
  feed: Feed,
): Promise<{ min_time?: Date; max_time?: Date }> {
  const column = feed.contract.columns.find((c) => c.name === feed.contract.time_column)
  if (column === undefined || (column.type.kind !== 'timestamp' && column.type.kind !== 'date'))
    return {}
  const name = identifier(column.name)
  const [row] = await duckdb.all<{ a: bigint | null; b: bigint | null }>(
    `SELECT epoch_ms(min(${name})::TIMESTAMP) AS a, epoch_ms(max(${name})::TIMESTAMP) AS b FROM read_parquet(${literal(path)}, hive_partitioning = false)`,
  )
  return row === undefined || row.a === null || row.b === null
    ? {}
    : { min_time: new Date(Number(row.a)), max_time: new Date(Number(row.b)) }
}

function outcome(checked: CheckedRows, item: PlanItem, published: number, duplicates: number) {
  const counts: LoadCounts = {
    rows_read: checked.rows_read,
    rows_published: published,
    duplicates,
    rejected: checked.rejected,
    objects: item.reads.length,
    bytes: item.reads.reduce((sum, o) => sum + o.size, 0),
  }
  return { counts, objects: checked.objects, rejects: checked.rejects, notes: checked.notes }
}

function failure(error: ExchangeError, item: PlanItem, now: Date): EndLoad {
  return {
    state: 'failed',
    code: error.code,
    message: error.message,
    retryable: error.retryable,
    now,
    counts: {
      rows_read: 0,
      rows_published: 0,
      duplicates: 0,
      rejected: 0,
      objects: item.reads.length,
      bytes: 0,
    },
    files: [],
    objects: [],
    rejects: [],
    notes: [],
  }
}

const refsOf = (objects: readonly ObjectVersion[]) =>
  objects.map(({ key, version }) => ({ key, version }))

const unlessTakenOver = (error: unknown) => {
  if (!(error instanceof ExchangeError && error.code === 'lease_lost')) throw error
}

const leaseLost = (load_id: string) =>
  new ExchangeError('lease_lost', `load ${load_id} was taken over by another loader`)

/** Renews the lease at a third of its length; when it is lost, the load is aborted before it can publish. */
function keepLease(load_id: string, context: LoadContext) {
  const lost = new AbortController()
  const timer = setInterval(async () => {
    try {
      if (!(await context.ledger.renewLease(load_id, context.lease_ms, context.now())))
        lost.abort(leaseLost(load_id))
    } catch {
      // The ledger is out of reach for now. Publishing checks the lease again, inside its transaction.
    }
  }, context.lease_ms / 3)
  timer.unref()
  return {
    signal:
      context.signal === undefined ? lost.signal : AbortSignal.any([context.signal, lost.signal]),
    lost: () => lost.signal.aborted,
    stop: () => clearInterval(timer),
  }
}
