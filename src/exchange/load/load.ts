import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { parseKey } from '../../core/layout/layout.ts'
import { parsePartition } from '../../core/partition.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Engine } from '../../engine/engine.ts'
import type { Formats } from '../../format/format.ts'
import type { BegunLoad, EndLoad, Ledger, LoadCounts, LoadRecord } from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'
import { toExchangeError } from '../failure.ts'
import type { DataPaths } from '../paths.ts'
import type { PlanItem } from '../plan/plan.ts'
import type { Observe } from '../progress.ts'
import { latestServedFile } from '../served-file.ts'
import type { FetchedObject } from '../validate/check-options.ts'
import { type CheckedRows, checkRows } from '../validate/check-rows.ts'
import { askAgain } from './ask-again.ts'
import { fetchObjects } from './fetch.ts'
import { keptRows } from './kept-rows.ts'
import { keepLease, leaseLost } from './lease.ts'
import { keepUntouched, refsOf, stageRows } from './stage-rows.ts'
import { Staging } from './staging.ts'
import { comparesPartitions } from './winners.ts'

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

  const staging = new Staging(feed, item.partition, begun)
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

  const tools = { feed, ledger, datasets_dir: context.paths.datasets, duckdb, dir, staging }
  const winners = await stageRows(checked, item, begun, tools)
  const kept = await keepUntouched(item, begun, tools)
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

const unlessTakenOver = (error: unknown) => {
  if (!(error instanceof ExchangeError && error.code === 'lease_lost')) throw error
}
