import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '../../core/contract/contract.ts'
import type { Feed } from '../../core/feed.ts'
import { parsePartition } from '../../core/partition.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { DatasetFile, NewFile, Republication } from '../../ledger/ledger.ts'

/**
 * Duplicates of a key across partitions. Every partition keeps its candidates: the rows that won
 * inside it. A candidate is served unless a better one of its key lies within the feed's scope.
 * So what is served is a function of the served generations alone, whatever order they came in;
 * a partition whose rows start or stop losing is published again in the same ledger transaction.
 *
 * An upsert beats rows all over the table. Writing its partitions again would cost as much as the
 * table is large, so as long as few of a partition's rows are beaten, only their numbers are written.
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
  /** Instead of `data`: all candidates are kept as data, and these of them are not served. */
  readonly beaten?: { readonly staged: string; readonly rows: number }
  readonly republished: readonly Republication[]
  readonly staged: readonly { readonly staged: string; readonly path: string }[]
}

/** True where rows of other partitions have to be looked at. */
export const comparesPartitions = (feed: Feed): boolean =>
  feed.contract.key.length > 0 &&
  (feed.publish === 'upsert' || feed.deduplicate.scope !== 'partition')

/** Share of a partition's rows that may be beaten before its data is written again without them. */
const MAX_BEATEN = 0.3

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
  const others = servedBy(
    options.served.filter((f) => f.partition !== partition && near(f.partition, partition, 2)),
    datasets_dir,
  )
  const before = servedBy(
    options.served.filter((f) => f.partition === partition),
    datasets_dir,
  )
  const all = [...others.values()].flatMap((p) => p.candidates)

  const key = feed.contract.key.map(identifier)
  const version = feed.contract.version_column
  const picked = `${key.map((k) => `r.${k}`).join(', ')}, ${version === undefined ? 'NULL' : `r.${identifier(version)}`} AS _version, r._object, r._row`
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE new_rows AS SELECT ${picked} FROM ${readFiles(candidates) ?? emptyRows(key, all, version)} r`,
  )
  const old = readFiles([...before.values()].flatMap((p) => p.candidates.map((f) => f.path)))
  if (all.length === 0 && old === undefined) return { lost: 0, republished: [], staged: [] }
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE touched_keys AS SELECT DISTINCT ${key.join(', ')} FROM new_rows${old === undefined ? '' : ` UNION SELECT ${key.join(', ')} FROM ${old}`}`,
  )
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE rivals AS SELECT *, NULL::VARCHAR AS _partition, NULL::BOOLEAN AS _served FROM new_rows LIMIT 0',
  )
  if (all.length > 0) await findRivals(duckdb, others, { picked, key })
  await duckdb.run(`INSERT INTO rivals SELECT *, ${literal(partition)}, NULL FROM new_rows`)
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE judged AS SELECT *, ${loses(feed, key)} AS _loses FROM rivals a`,
  )
  return writeChanges(options, others)
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

/** A partition's candidates of the touched keys, and which of them are served so far. */
async function findRivals(
  duckdb: Duckdb,
  others: ReadonlyMap<string, ServedPartition>,
  { picked, key }: { readonly picked: string; readonly key: readonly string[] },
): Promise<void> {
  const partitions = [...others.values()]
  const files = partitions.flatMap((p) =>
    p.candidates.map((f) => `(${literal(f.path)}, ${literal(p.name)}, ${p.split})`),
  )
  const all = partitions.flatMap((p) => p.candidates.map((f) => f.path))
  const data = readFiles(partitions.flatMap((p) => (p.split ? p.data.map((f) => f.path) : [])))
  const beaten = readFiles(partitions.flatMap((p) => p.beaten.map((f) => f.path)))
  const served = [
    // Rows of a partition that keeps candidates are served where they stand in its data, too.
    data === undefined ? 'NOT f._split' : `(NOT f._split OR ${isIn(data)})`,
    ...(beaten === undefined ? [] : [`NOT ${isIn(beaten)}`]),
  ].join(' AND ')
  await duckdb.run(
    `INSERT INTO rivals SELECT ${picked}, f._partition, ${served} FROM ${readFiles(all, '_bucketline_file')} r JOIN (VALUES ${files.join(', ')}) f(_path, _partition, _split) ON f._path = r._bucketline_file SEMI JOIN touched_keys k ON ${key.map((name) => `k.${name} = r.${name}`).join(' AND ')}`,
  )
}

/** Whether the row `r` is named by other files. */
const isIn = (files: string) =>
  `EXISTS (FROM ${files} d WHERE d._object = r._object AND d._row = r._row)`

async function writeChanges(
  options: WinnersOptions,
  others: ReadonlyMap<string, ServedPartition>,
): Promise<Winners> {
  const { duckdb, partition, candidates, dir } = options
  const staged: { staged: string; path: string }[] = []
  const [mine] = await duckdb.all<{ lost: bigint; rows: bigint }>(
    `SELECT count(*) FILTER (_loses) AS lost, count(*) AS rows FROM judged WHERE _partition = ${literal(partition)}`,
  )
  const lost = Number(mine?.lost ?? 0n)
  const own =
    lost === 0 || candidates.length === 0
      ? {}
      : await writeOwn(options, lost, Number(mine?.rows ?? 0n))
  const changed = await duckdb.all<{ _partition: string; won: bigint; lost: bigint }>(
    `SELECT _partition, count(*) FILTER (NOT _loses) AS won, count(*) FILTER (_loses) AS lost FROM judged WHERE _served IS NOT NULL AND _served = _loses GROUP BY _partition ORDER BY _partition`,
  )
  const republished: Republication[] = []
  for (const [index, change] of changed.entries()) {
    const other = others.get(change._partition)
    if (other === undefined) throw new Error(`partition ${change._partition} is not served`)
    const path = join(dir, `republished-${index}.parquet`)
    const reason = change.won > 0n ? ('winner_withdrawn' as const) : ('winner_replaced' as const)
    const newly = Number(change.lost)
    const rows = sum(other.data)
    const file = (kind: 'data' | 'beaten', count: number): NewFile => ({
      kind,
      path: options.pathFor(other.name, `${kind}.parquet`),
      rows: count,
      bytes: statSync(path).size,
      objects: uniqueObjects(other.candidates),
    })
    const carried = (kind?: 'data' | 'candidates') =>
      (kind === undefined ? other.files : other.candidates).map((f) => ({
        file_id: f.file_id,
        kind: kind ?? f.kind,
      }))
    if (change.won === 0n && fewBeaten(options.feed, sum(other.beaten) + newly, rows)) {
      await copyRows(
        duckdb,
        `SELECT _object, _row FROM judged WHERE _partition = ${literal(other.name)} AND _served AND _loses`,
        path,
      )
      const beaten = file('beaten', newly)
      staged.push({ staged: path, path: beaten.path })
      republished.push({ partition: other.name, reason, files: [beaten], carried: carried() })
      continue
    }
    const written = await rewriteData(options, other, path)
    const everything = written === sum(other.candidates)
    const files = everything || written === 0 ? [] : [file('data', written)]
    staged.push(...files.map((f) => ({ staged: path, path: f.path })))
    republished.push({
      partition: other.name,
      reason,
      files,
      carried: carried(everything ? 'data' : 'candidates'),
    })
  }
  return { lost, ...own, republished, staged }
}

/** Whether beaten rows are so few that naming them beats writing the others again. */
const fewBeaten = (feed: Feed, beaten: number, rows: number) =>
  feed.publish === 'upsert' && beaten <= rows * MAX_BEATEN

/** What is served of the new candidates where some of them lose. */
async function writeOwn(
  { feed, duckdb, partition, candidates, dir }: WinnersOptions,
  lost: number,
  rows: number,
): Promise<Pick<Winners, 'data' | 'beaten'>> {
  const losing = `judged j WHERE j._partition = ${literal(partition)} AND j._loses`
  if (fewBeaten(feed, lost, rows)) {
    const staged = join(dir, 'beaten.parquet')
    await copyRows(duckdb, `SELECT _object, _row FROM ${losing}`, staged)
    return { beaten: { staged, rows: lost } }
  }
  const staged = join(dir, 'data.parquet')
  const written = await copyRows(
    duckdb,
    `SELECT * FROM ${readFiles(candidates)} r WHERE NOT EXISTS (FROM ${losing} AND j._object = r._object AND j._row = r._row)`,
    staged,
    candidates[0],
  )
  return { data: { staged, rows: written } }
}

/** Writes the rows that are served of a partition from now on; returns how many. */
async function rewriteData(
  { duckdb }: WinnersOptions,
  other: ServedPartition,
  path: string,
): Promise<number> {
  const data = readFiles(other.data.map((f) => f.path))
  const beaten = readFiles(other.beaten.map((f) => f.path))
  // Keys that this load does not touch keep their standing: served before, served after.
  const standing = [
    !other.split ? 'true' : data === undefined ? 'false' : isIn(data),
    ...(beaten === undefined ? [] : [`NOT ${isIn(beaten)}`]),
  ].join(' AND ')
  const paths = other.candidates.map((f) => f.path)
  return copyRows(
    duckdb,
    `SELECT * FROM ${readFiles(paths)} r WHERE coalesce((SELECT NOT any_value(j._loses) FROM judged j WHERE j._partition = ${literal(other.name)} AND j._object = r._object AND j._row = r._row), ${standing})`,
    path,
    paths[0],
  )
}

/** What a partition serves, by the files of its served generation; paths are absolute. */
interface ServedPartition {
  readonly name: string
  /** All but the rejects. */
  readonly files: readonly DatasetFile[]
  readonly data: readonly DatasetFile[]
  readonly beaten: readonly DatasetFile[]
  /** Files that hold all candidates: of that kind where there are such, else the data. */
  readonly candidates: readonly DatasetFile[]
  /** Candidates are kept beside the data. */
  readonly split: boolean
}

function servedBy(
  served: readonly DatasetFile[],
  datasets_dir: string,
): Map<string, ServedPartition> {
  const files = served
    .filter((f) => f.kind !== 'rejects')
    .map((f) => ({ ...f, path: join(datasets_dir, f.path) }))
  const partitions = new Map<string, ServedPartition>()
  for (const [name, group] of Map.groupBy(files, (f) => f.partition)) {
    const of = (kind: DatasetFile['kind']) => group.filter((f) => f.kind === kind)
    const kept = of('candidates')
    const split = kept.length > 0
    const data = of('data')
    const candidates = split ? kept : data
    partitions.set(name, { name, files: group, data, beaten: of('beaten'), candidates, split })
  }
  return partitions
}

const sum = (files: readonly DatasetFile[]) => files.reduce((n, f) => n + f.rows, 0)

/** Writes rows with the field ids of the file they come from, so that ids hold in every file of a dataset. */
async function copyRows(
  duckdb: Duckdb,
  select: string,
  path: string,
  like?: string,
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

function readFiles(paths: readonly string[], filename?: string): string | undefined {
  const named = filename === undefined ? '' : `, filename = ${literal(filename)}`
  return paths.length === 0
    ? undefined
    : `read_parquet([${paths.map(literal).join(', ')}], union_by_name = true, hive_partitioning = false${named})`
}

/** No rows, with the key's own types taken from files that are there. */
function emptyRows(
  key: readonly string[],
  files: readonly DatasetFile[],
  version: string | undefined,
): string {
  const like = readFiles(files.slice(0, 1).map((f) => f.path))
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
