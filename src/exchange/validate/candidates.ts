import { join } from 'node:path'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { CheckOptions } from './check-options.ts'
import { OBJECT_COLUMN, RESCUED_COLUMN, ROW_COLUMN } from './dataset-columns.ts'
import { datasetType } from './dataset-type.ts'
import { fieldIds } from './field-ids.ts'
import type { DatasetColumns, WrittenColumn } from './settle-columns.ts'
import {
  computedOnce,
  groupCodes,
  type SourceGroup,
  valuedRows,
  valueName,
} from './source-group.ts'

/**
 * Rows to publish, as a SELECT with the dataset's columns: `_object` is the object's number, since
 * only names that no column can have are free for what is ours.
 */
export interface CandidateRows {
  readonly sql: string
  /** The same rows as several SELECTs to run beside each other, with the objects each reads. */
  readonly lanes?: readonly { readonly sql: string; readonly objects: readonly number[] }[]
}

/** A file of candidates. */
export interface CandidateFile {
  readonly path: string
  readonly rows: number
  /** Keys of the objects that its rows may come from. */
  readonly objects: readonly string[]
}

/** The rows that break no rule, judged on the way: one reading does where all rows are valid. */
export function soundRows(groups: readonly SourceGroup[], columns: DatasetColumns): CandidateRows {
  const sound = (group: SourceGroup) => {
    const codes = groupCodes(group, columns.reject_undeclared)
    if (codes.length === 0) return valuedRows(group)
    const broken = codes.map((c) => `(${c.code}) IS NOT NULL`).join(' OR ')
    return `(SELECT * FROM (SELECT *, ${computedOnce(broken)} AS _bucketline_broken FROM ${valuedRows(group)}) WHERE NOT _bucketline_broken)`
  }
  const [group, ...others] = groups
  const sql = rowsOf(groups, columns, sound)
  if (group?.lanes === undefined || others.length > 0) return { sql }
  const lanes = group.lanes.map(({ table, objects }) => ({
    sql: rowsOf([{ ...group, table }], columns, sound),
    objects,
  }))
  return { sql, lanes }
}

/** The rows that are not in the table `bad`. */
export function unrefusedRows(
  groups: readonly SourceGroup[],
  columns: DatasetColumns,
): CandidateRows {
  const sql = rowsOf(
    groups,
    columns,
    (group) =>
      `(SELECT * FROM ${valuedRows(group)} s WHERE NOT EXISTS (FROM bad b WHERE b._obj = s._obj AND b._row = s._row))`,
  )
  return { sql }
}

function rowsOf(
  groups: readonly SourceGroup[],
  columns: DatasetColumns,
  rows: (group: SourceGroup) => string,
): string {
  const rescued = columns.written.some((w) => w.name === RESCUED_COLUMN)
  const selects = groups.map((group) => {
    const values = group.columns.map((c, at) => `${valueName(at)} AS ${identifier(c.name)}`)
    if (rescued)
      values.push(
        `${columns.rescue ? group.rescued : 'NULL::JSON'} AS ${identifier(RESCUED_COLUMN)}`,
      )
    return `SELECT _obj AS _object, _row, ${values.join(', ')} FROM ${rows(group)}`
  })
  if (selects.length > 0) return selects.join(' UNION ALL ')
  // Without an object there is no row, and still a dataset with its columns.
  const values = columns.read.map((c) => `NULL::${datasetType(c.type)} AS ${identifier(c.name)}`)
  if (rescued) values.push(`NULL::JSON AS ${identifier(RESCUED_COLUMN)}`)
  return `SELECT NULL::INTEGER AS _object, NULL::BIGINT AS _row, ${values.join(', ')} WHERE false`
}

/**
 * Whether a key may stand in more than one row, refused rows included. Hashes that all differ prove
 * that all keys do, and counting them is far cheaper than ranking rows; most deliveries have no duplicate.
 */
export async function mayHaveDuplicates(
  feed: Feed,
  groups: readonly SourceGroup[],
  duckdb: Duckdb,
): Promise<boolean> {
  const key = feed.contract.key
  if (key.length === 0) return false
  const hashes = groups.map((group) => {
    const values = key.map((name) => {
      const at = group.columns.findIndex((c) => c.name === name)
      if (at < 0) throw new Error(`key column ${name} is not in the contract`)
      return valueName(at)
    })
    return `SELECT hash(${values.join(', ')}) AS h FROM ${valuedRows(group)}`
  })
  if (hashes.length === 0) return false
  const [counts] = await duckdb.all<{ n: bigint; d: bigint }>(
    `SELECT count(*) AS n, count(DISTINCT h) AS d FROM (${hashes.join(' UNION ALL ')})`,
  )
  return counts === undefined || counts.n !== counts.d
}

/** Fills the table `load_objects`: the key of each object by its number; all connections see it. */
export async function nameObjects({ duckdb, objects }: CheckOptions): Promise<void> {
  await duckdb.run('CREATE OR REPLACE TABLE load_objects (_obj INTEGER, _object VARCHAR)')
  for (let at = 0; at < objects.length; at += 1000) {
    const rows = objects.slice(at, at + 1000).map((o, i) => `(${at + i}, ${literal(o.key)})`)
    await duckdb.run(`INSERT INTO load_objects VALUES ${rows.join(', ')}`)
  }
}

/** Writes rows as the dataset's Parquet, in files of a name, those in the table `losers` left out. */
export async function writeCandidates(
  rows: CandidateRows,
  name: string,
  {
    dir,
    objects,
    duckdb,
    groups,
    columns,
  }: Pick<CheckOptions, 'dir' | 'objects' | 'duckdb'> & {
    readonly groups: readonly SourceGroup[]
    readonly columns: DatasetColumns
  },
): Promise<CandidateFile[]> {
  const select = columns.written.map((w) => selectOf(w, groups)).join(', ')
  const losers =
    (await duckdb.all('SELECT 1 FROM losers LIMIT 1')).length > 0
      ? ' WHERE NOT EXISTS (FROM losers l WHERE l._obj = r._object AND l._row = r._row)'
      : ''
  const ids = fieldIds(columns.written.map((w) => w.column))
  const copy = (sql: string, path: string) =>
    `COPY (SELECT ${select} FROM (${sql}) r JOIN (SELECT _obj AS _row, _object FROM load_objects) o ON o._row = r._object${losers}) TO ${literal(path)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1, FIELD_IDS ${ids})`
  const lanes = rows.lanes ?? [{ sql: rows.sql, objects: [...objects.keys()] }]
  const files = lanes.map((lane, at) => ({
    ...lane,
    path: join(dir, `${name}-${at}.parquet`),
  }))
  const statements = files.map(({ sql, path }) => copy(sql, path))
  const counts = await unordered(duckdb, async () =>
    rows.lanes === undefined
      ? await Promise.all(statements.map((sql) => duckdb.all<{ Count: bigint }>(sql)))
      : await duckdb.together<{ Count: bigint }>(statements),
  )
  return files.map(({ path, objects: of }, at) => ({
    path,
    rows: Number(counts[at]?.[0]?.Count ?? 0n),
    objects: of.map((index) => objects[index]?.key ?? ''),
  }))
}

/**
 * Keeping the order of wide rows takes twice the time, and their numbers tell it anyway. Where rows
 * are numbered as they are read, DuckDB reads them in one thread and in order whatever is set.
 */
async function unordered<T>(duckdb: Duckdb, run: () => Promise<T>): Promise<T> {
  await duckdb.run('SET preserve_insertion_order = false')
  try {
    return await run()
  } finally {
    await duckdb.run('SET preserve_insertion_order = true')
  }
}

function selectOf({ name, key, column }: WrittenColumn, groups: readonly SourceGroup[]): string {
  if (name === OBJECT_COLUMN) return 'o._object AS _object'
  if (name === ROW_COLUMN) return 'r._row AS _row'
  if (key === undefined) return identifier(name)
  // A key that occurs nowhere need not be looked for in each row.
  const occurs = key.names.filter((k) =>
    groups.some((group) => group.map_keys?.get(key.map)?.names.has(k) !== false),
  )
  const values = occurs.map((k) => `${identifier(key.map)}[${literal(k)}]`)
  const value =
    values.length === 0
      ? `NULL::${column.type}`
      : values.length === 1
        ? values[0]
        : `coalesce(${values.join(', ')})`
  return `${value} AS ${identifier(name)}`
}
