import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import { parsePartition } from '../../core/partition.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { DatasetFile, NewFile, Republication } from '../../ledger/ledger.ts'

/**
 * Duplicates of a key across partitions. Every partition keeps its `candidates`: the rows that won
 * inside it. A candidate is served unless a better one of its key lies within the feed's scope.
 * So what is served is a function of the served generations alone, whatever order they came in;
 * a partition whose rows start or stop losing is published again in the same ledger transaction.
 */
export interface WinnersOptions {
  readonly feed: Feed
  readonly duckdb: Duckdb
  readonly partition: string
  /** The partition's new candidates, absolute paths; empty when it will hold no rows. */
  readonly candidates: readonly string[]
  /** Files of all served generations of the feed. */
  readonly served: readonly DatasetFile[]
  readonly datasets_dir: string
  /** Folder for new files. */
  readonly dir: string
  /** Final path of a new file of a partition, under the datasets folder. */
  readonly pathFor: (partition: string, name: string) => string
}

export interface Winners {
  /** Rows of the new candidates that lose to other partitions. */
  readonly lost: number
  /** The partition's served rows where some candidates lose; undefined: all of them are served. */
  readonly data?: { readonly staged: string; readonly rows: number }
  readonly republished: readonly Republication[]
  readonly staged: readonly { readonly staged: string; readonly path: string }[]
}

/** True where rows of other partitions have to be looked at. */
export const comparesPartitions = (feed: Feed): boolean =>
  feed.contract.key.length > 0 &&
  (feed.publish === 'upsert' || feed.deduplicate.scope !== 'partition')

/** An upsert has one row per key in the whole feed, whatever its duplicates' scope is. */
const scopeOf = (feed: Feed): Scope =>
  feed.publish === 'upsert' ? { scope: 'feed' } : feed.deduplicate

/** Settles which rows win when `candidates` become the partition's. Plans only: files are written to `dir`, nothing is served. */
export async function settleWinners(options: WinnersOptions): Promise<Winners> {
  const { feed, duckdb, partition, candidates, datasets_dir } = options
  const scope = scopeOf(feed)
  const near = (a: string, b: string, factor: number) =>
    scope.scope === 'feed' ||
    Math.abs(dayOf(feed, a) - dayOf(feed, b)) <= (scope.scope === 'days' ? scope.days * factor : 0)
  // Rows of a neighbour are judged against its own neighbours: those lie within twice the scope.
  const files = options.served.filter(
    (f) => f.partition !== partition && f.kind !== 'rejects' && near(f.partition, partition, 2),
  )
  const before = options.served.filter((f) => f.partition === partition && f.kind !== 'rejects')
  const split = new Set(files.filter((f) => f.kind === 'candidates').map((f) => f.partition))
  const candidateFiles = files.filter((f) => f.kind === 'candidates' || !split.has(f.partition))
  const dataFiles = files.filter((f) => f.kind === 'data')

  const key = feed.contract.key.map(identifier)
  const version = feed.contract.version_column
  const picked = `${key.join(', ')}, ${version === undefined ? 'NULL' : identifier(version)} AS _version, _object, _row`
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE new_rows AS SELECT ${picked} FROM ${readFiles(candidates) ?? emptyRows(key, candidateFiles, datasets_dir, version)}`,
  )
  if (candidateFiles.length === 0 && before.length === 0)
    return { lost: 0, republished: [], staged: [] }
  const old = readFiles(keptCandidates(before).map((f) => join(datasets_dir, f.path)))
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE touched_keys AS SELECT DISTINCT ${key.join(', ')} FROM new_rows${old === undefined ? '' : ` UNION SELECT ${key.join(', ')} FROM ${old}`}`,
  )
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE rivals AS SELECT *, NULL::VARCHAR AS _partition, NULL::BOOLEAN AS _served FROM new_rows LIMIT 0',
  )
  for (const [name, group] of Map.groupBy(candidateFiles, (f) => f.partition)) {
    const rows = readFiles(group.map((f) => join(datasets_dir, f.path)))
    const data = dataFiles
      .filter((f) => f.partition === name)
      .map((f) => join(datasets_dir, f.path))
    const served = !split.has(name)
      ? 'true'
      : data.length === 0
        ? 'false'
        : `EXISTS (FROM ${readFiles(data)} d WHERE d._object = r._object AND d._row = r._row)`
    await duckdb.run(
      `INSERT INTO rivals SELECT ${picked}, ${literal(name)}, ${served} FROM ${rows} r SEMI JOIN touched_keys USING (${key.join(', ')})`,
    )
  }
  await duckdb.run(`INSERT INTO rivals SELECT *, ${literal(partition)}, NULL FROM new_rows`)
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE judged AS SELECT *, ${loses(feed, key)} AS _loses FROM rivals a`,
  )
  return writeChanges(options, candidateFiles, dataFiles, split)
}

/** A row loses to a better one of its key within the scope, whether or not that one is itself served. */
function loses(feed: Feed, key: readonly string[]): string {
  const scope = scopeOf(feed)
  if (scope.scope !== 'days') {
    const order =
      feed.publish === 'upsert'
        ? '_version DESC NULLS LAST, _partition DESC, _object DESC, _row DESC'
        : '_partition, _object, _row'
    return `row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY ${order}) > 1`
  }
  const same = key.map((k) => `b.${k} = a.${k}`).join(' AND ')
  // The first day of a month or a year stands for it.
  const day = (alias: string) => `(${alias}._partition || '-01-01')[1:10]::DATE`
  return `EXISTS (FROM rivals b WHERE ${same} AND (b._partition, b._object, b._row) < (a._partition, a._object, a._row) AND ${day('a')} - ${day('b')} <= ${scope.days})`
}

async function writeChanges(
  options: WinnersOptions,
  candidateFiles: readonly DatasetFile[],
  dataFiles: readonly DatasetFile[],
  split: ReadonlySet<string>,
): Promise<Winners> {
  const { duckdb, partition, candidates, datasets_dir, dir } = options
  const staged: { staged: string; path: string }[] = []
  const [mine] = await duckdb.all<{ n: bigint }>(
    `SELECT count(*) AS n FROM judged WHERE _partition = ${literal(partition)} AND _loses`,
  )
  const lost = Number(mine?.n ?? 0n)
  let data: { staged: string; rows: number } | undefined
  const source = readFiles(candidates)
  if (lost > 0 && source !== undefined) {
    const path = join(dir, 'data.parquet')
    const rows = await copyRows(
      duckdb,
      `SELECT * FROM ${source} r WHERE NOT EXISTS (FROM judged j WHERE j._partition = ${literal(partition)} AND j._loses AND j._object = r._object AND j._row = r._row)`,
      path,
      candidates[0],
    )
    data = { staged: path, rows }
  }
  const changed = await duckdb.all<{ _partition: string; withdrawn: boolean }>(
    `SELECT _partition, bool_or(NOT _loses) AS withdrawn FROM judged WHERE _served IS NOT NULL AND _served = _loses GROUP BY _partition ORDER BY _partition`,
  )
  const republished: Republication[] = []
  for (const [index, { _partition: name, withdrawn }] of changed.entries()) {
    const own = candidateFiles.filter((f) => f.partition === name)
    const served = dataFiles.filter((f) => f.partition === name)
    const paths = own.map((f) => join(datasets_dir, f.path))
    const servedPaths = served.map((f) => join(datasets_dir, f.path))
    // Keys that this load does not touch keep their standing: served before, served after.
    const standing = split.has(name)
      ? servedPaths.length === 0
        ? 'false'
        : `EXISTS (FROM ${readFiles(servedPaths)} d WHERE d._object = r._object AND d._row = r._row)`
      : 'true'
    const path = join(dir, `republished-${index}.parquet`)
    const rows = await copyRows(
      duckdb,
      `SELECT * FROM ${readFiles(paths)} r WHERE coalesce((SELECT NOT any_value(j._loses) FROM judged j WHERE j._partition = ${literal(name)} AND j._object = r._object AND j._row = r._row), ${standing})`,
      path,
      paths[0],
    )
    const total = own.reduce((sum, f) => sum + f.rows, 0)
    const final = options.pathFor(name, 'data.parquet')
    const everything = rows === total
    if (!everything && rows > 0) staged.push({ staged: path, path: final })
    const file: NewFile = {
      kind: 'data',
      path: final,
      rows,
      bytes: rows === 0 ? 0 : statSync(path).size,
      objects: uniqueObjects(own),
    }
    republished.push({
      partition: name,
      reason: withdrawn ? 'winner_withdrawn' : 'winner_replaced',
      data: everything || rows === 0 ? [] : [file],
      carried: own.map((f) => ({
        file_id: f.file_id,
        kind: everything ? ('data' as const) : ('candidates' as const),
      })),
    })
  }
  return { lost, ...(data === undefined ? {} : { data }), republished, staged }
}

/** Writes rows with the field ids of the file they come from, so that ids hold in every file of a dataset. */
async function copyRows(
  duckdb: Duckdb,
  select: string,
  path: string,
  like: string | undefined,
): Promise<number> {
  const ids = like === undefined ? '' : await fieldIdsOf(duckdb, like)
  const [row] = await duckdb.all<{ Count: bigint }>(
    `COPY (${select}) TO ${literal(path)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1${ids})`,
  )
  return Number(row?.Count ?? 0n)
}

/** The FIELD_IDS clause that repeats a Parquet file's ids. */
export async function fieldIdsOf(duckdb: Duckdb, path: string): Promise<string> {
  const schema = await duckdb.all<{
    name: string
    num_children: bigint | null
    field_id: bigint | null
    repetition_type: string | null
    converted_type: string | null
  }>(
    `SELECT name, num_children, field_id, repetition_type, converted_type FROM parquet_schema(${literal(path)})`,
  )
  let at = 1
  const node = (): { name: string; text: string } => {
    const element = schema[at]
    at += 1
    if (element === undefined) throw new Error(`schema of ${path} ends early`)
    const children = Number(element.num_children ?? 0n)
    if (children === 0) return { name: element.name, text: String(element.field_id ?? 'NULL') }
    let parts: { name: string; text: string }[] = []
    // Maps and lists wrap their content in one repeated group, which has no id of its own.
    const wrapped = element.converted_type === 'MAP' || element.converted_type === 'LIST'
    if (wrapped) {
      const group = schema[at]
      at += 1
      parts = Array.from({ length: Number(group?.num_children ?? 0n) }, node)
    } else parts = Array.from({ length: children }, node)
    const inner = parts
      .filter((p) => p.text !== 'NULL')
      .map((p) => `${identifier(p.name)}: ${p.text}`)
    return {
      name: element.name,
      text: `{${[`__duckdb_field_id: ${element.field_id ?? 0}`, ...inner].join(', ')}}`,
    }
  }
  const columns: string[] = []
  while (at < schema.length) {
    const { name, text } = node()
    if (text !== 'NULL') columns.push(`${identifier(name)}: ${text}`)
  }
  return columns.length === 0 ? '' : `, FIELD_IDS {${columns.join(', ')}}`
}

function keptCandidates(files: readonly DatasetFile[]): readonly DatasetFile[] {
  const candidates = files.filter((f) => f.kind === 'candidates')
  return candidates.length > 0 ? candidates : files.filter((f) => f.kind === 'data')
}

function readFiles(paths: readonly string[]): string | undefined {
  return paths.length === 0
    ? undefined
    : `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false)`
}

/** No rows, with the key's own types taken from files that are there. */
function emptyRows(
  key: readonly string[],
  files: readonly DatasetFile[],
  datasets_dir: string,
  version: string | undefined,
): string {
  const like = readFiles(files.slice(0, 1).map((f) => join(datasets_dir, f.path)))
  if (like !== undefined) return `(SELECT * FROM ${like} LIMIT 0)`
  const columns = [...key, ...(version === undefined ? [] : [identifier(version)])].map(
    (k) => `NULL::VARCHAR AS ${k}`,
  )
  return `(SELECT ${columns.join(', ')}, NULL::VARCHAR AS _object, NULL::BIGINT AS _row WHERE false)`
}

const dayOf = (feed: Feed, partition: string) =>
  Math.floor(parsePartition(partition, feed.layout.zone).start.getTime() / 86_400_000)

function uniqueObjects(
  files: readonly DatasetFile[],
): readonly { readonly key: string; readonly version: string }[] {
  const objects = new Map(
    files.flatMap((f) => f.objects.map((o) => [`${o.key}\0${o.version}`, o] as const)),
  )
  return [...objects.values()]
}
