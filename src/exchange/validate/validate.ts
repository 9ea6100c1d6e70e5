import { rm, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { parseKey } from '../../core/layout/layout.ts'
import { type Partition, parsePartition } from '../../core/partition.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Formats } from '../../format/format.ts'
import type { DatasetColumn, NewColumn } from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'
import { toExchangeError } from '../failure.ts'
import { fetchObjects } from '../load/fetch.ts'
import type { PlanItem } from '../plan/plan.ts'
import { sizeWarnings } from '../plan/size-warnings.ts'
import type { Observe } from '../progress.ts'
import type { FetchedObject } from './check-options.ts'
import { type CheckedRows, checkRows } from './check-rows.ts'

/** What a load would say, had it been one: the same checks by the same code, with nothing published. */
export interface Validation {
  readonly feed: string
  readonly partition: string
  readonly checked: CheckedRows
  readonly bytes: number
  readonly seconds: number
}

export interface ValidateTools {
  readonly feed: Feed
  readonly formats: Formats
  readonly openDuckdb: () => Promise<Duckdb>
  /** Folder for what the checks write; the caller removes it when the rejects were read. */
  readonly dir: string
  readonly known: readonly DatasetColumn[]
  /** A served file of the dataset, to hold new columns against. */
  readonly servedFile?: () => Promise<string | undefined>
  /** As `kept` of the checks. */
  readonly kept?: string | undefined
  readonly observe: Observe
  readonly clock: () => number
  readonly signal?: AbortSignal
}

/** Checks what a load of one partition would read. */
export async function validatePartition(
  item: PlanItem,
  store: ObjectStore,
  tools: ValidateTools,
): Promise<Validation> {
  const { feed } = tools
  const id = `validate-${item.partition}`
  tools.observe({
    type: 'started',
    load_id: id,
    feed: feed.name,
    partition: item.partition,
    bytes: item.bytes,
  })
  const objects = await fetchObjects(item.reads, {
    store,
    dir: join(tools.dir, 'objects'),
    progress: (bytes) => tools.observe({ type: 'advanced', load_id: id, step: 'fetch', bytes }),
    ...(tools.signal === undefined ? {} : { signal: tools.signal }),
  })
  const fetched = objects.map((o) => ({
    ...o,
    variables: variablesOf(feed, o.key.slice(feed.prefix.length)),
  }))
  try {
    return await check(
      id,
      item.partition,
      parsePartition(item.partition, feed.layout.zone),
      fetched,
      tools,
    )
  } finally {
    await rm(join(tools.dir, 'objects'), { recursive: true, force: true })
  }
}

/** Checks files before they are delivered. Where a path ends as the layout says, its partition is checked too. */
export async function validateFiles(
  paths: readonly string[],
  tools: ValidateTools,
): Promise<Validation[]> {
  const { feed } = tools
  const files: (FetchedObject & { readonly partition: Partition | undefined })[] = []
  for (const path of paths) {
    const facts = await stat(path).catch((cause: unknown) => {
      throw new ExchangeError('usage', `There is no file ${path}.`, {
        cause,
        hint: 'Name files, not folders; the shell expands patterns.',
      })
    })
    const placed = placeOf(feed, path)
    files.push({
      key: relative(process.cwd(), path).split(sep).join('/') || path,
      version: String(Math.trunc(facts.mtimeMs)),
      path,
      bytes: facts.size,
      variables: placed?.variables ?? {},
      partition: placed?.partition,
    })
  }
  const validations: Validation[] = []
  for (const [name, group] of Map.groupBy(files, (f) => f.partition?.name ?? '')) {
    const id = `validate-${name}`
    const bytes = group.reduce((sum, f) => sum + f.bytes, 0)
    tools.observe({ type: 'started', load_id: id, feed: feed.name, partition: name, bytes })
    validations.push(
      await check(id, name, group[0]?.partition, group, {
        ...tools,
        dir: join(tools.dir, name || 'files'),
      }),
    )
  }
  return validations
}

async function check(
  id: string,
  name: string,
  partition: Partition | undefined,
  objects: readonly FetchedObject[],
  tools: ValidateTools,
): Promise<Validation> {
  const { feed } = tools
  const started = tools.clock()
  await using duckdb = await tools.openDuckdb()
  const checked = await checkRows({
    feed,
    partition,
    objects,
    formats: tools.formats,
    duckdb,
    dir: join(tools.dir, 'checked'),
    kept: tools.kept,
    known: tools.known,
    ...(tools.servedFile === undefined ? {} : { servedFile: tools.servedFile }),
    ensureColumns: async (columns) => numbered(columns),
    progress: (done) => tools.observe({ type: 'advanced', load_id: id, step: 'validate', ...done }),
    ...(tools.signal === undefined ? {} : { signal: tools.signal }),
  }).catch((cause: unknown) => {
    // What DuckDB and the system say has a code here as in a load.
    throw toExchangeError(cause)
  })
  tools.observe({
    type: 'ended',
    load_id: id,
    state: checked.refused === undefined ? 'published' : 'refused',
  })
  const warnings = sizeWarnings(
    feed,
    objects.map((o) => ({ key: o.key, version: o.version, size: o.bytes })),
  )
  return {
    feed: feed.name,
    partition: name,
    checked: {
      ...checked,
      notes: [
        ...checked.notes,
        ...warnings.map((w) => ({ code: w.code, message: w.message, count: w.count })),
      ],
    },
    bytes: objects.reduce((sum, o) => sum + o.bytes, 0),
    seconds: (tools.clock() - started) / 1000,
  }
}

/** Ids for a dry run: only a dataset that is published needs lasting ones. */
function numbered(columns: readonly NewColumn[]): DatasetColumn[] {
  let next = 1
  return columns.map((column) => ({
    ...column,
    field_id: next++,
    nested_ids: Object.fromEntries(column.nested.map((path) => [path, next++])),
    added_at: new Date(0),
  }))
}

function variablesOf(feed: Feed, key: string): FetchedObject['variables'] {
  const parsed = parseKey(feed.layout, key)
  return 'partition' in parsed ? parsed.variables : {}
}

/** The partition that the end of a path names, if it is written as the layout writes keys. */
function placeOf(feed: Feed, path: string) {
  const parts = path.split(sep)
  const key = parts.slice(-feed.layout.levels.length).join('/')
  const parsed = parseKey(feed.layout, key)
  return 'partition' in parsed ? parsed : undefined
}
