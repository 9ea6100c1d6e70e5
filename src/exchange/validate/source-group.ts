import type { Column } from '../../core/contract/contract.ts'
import type { FormatSettings } from '../../core/settings.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import { literal } from '../../duckdb/duckdb.ts'
import type { Formats, PassedObject } from '../../format/format.ts'
import { type ColumnSql, columnSql } from './column-sql.ts'
import type { MapKeys, Rule, SourceValue } from './source-value.ts'

/** An object that passed its gate, with what its key told. `index` is its place in the load. */
export interface SourceObject {
  readonly index: number
  readonly key: string
  readonly passed: PassedObject
  readonly variables: Readonly<Record<string, string | null>>
}

/** Objects that one SELECT reads: their columns come from the same place in the same type. */
export interface SourceGroup {
  readonly format: PassedObject['format']
  /** Table expression with `_obj`, `_row` and the source columns. */
  readonly table: string
  readonly columns: readonly (Column & { readonly sql: ColumnSql })[]
  /** Where the group's rows hold a column's value. */
  readonly source: (column: Column) => SourceValue
  /** By column name, the keys of its map; only where they were looked at. */
  readonly map_keys?: ReadonlyMap<string, MapKeys>
  /** `table` as several to read beside each other, with the objects of each; only where that pays. */
  readonly lanes?: readonly { readonly table: string; readonly objects: readonly number[] }[]
  /** JSON object of the undeclared fields that have a value, or NULL. */
  readonly rescued: string
  readonly objects: readonly SourceObject[]
  /** The row as JSON text, as SQL over the table; NULL where only its object has its text. */
  readonly raw: string
}

export interface SourceOptions {
  readonly duckdb: Duckdb
  readonly formats: Formats
  readonly settings: FormatSettings
  /** Contract columns and those that evolved, in dataset order. */
  readonly columns: readonly Column[]
  readonly ignore_case: boolean
  /** Layout variables that fill a column of their name where the object does not. */
  readonly variables: readonly string[]
  /** Further rules on one column: a row must lie in its partition. */
  readonly extra_rules: Readonly<Record<string, (value: string) => readonly Rule[]>>
  /**
   * JSON values are read in the types their gates counted, which is several times faster than as
   * JSON. Values and rules come out the same; what a reject shows of a value may be escaped otherwise.
   */
  readonly typed: boolean
}

/** The group's columns as SQL over where its rows hold them. */
export function compileColumns(
  source: (column: Column) => SourceValue,
  options: SourceOptions,
): SourceGroup['columns'] {
  return options.columns.map((column, at) => ({
    ...column,
    sql: columnSql(column, source(column), {
      times: options.settings.times,
      prepared_name: preparedName(at),
      value_name: valueName(at),
      // A field may be called `constructor`, which every object answers to.
      extra: Object.hasOwn(options.extra_rules, column.name)
        ? (options.extra_rules[column.name] ?? noRules)
        : noRules,
    }),
  }))
}

const noRules = (): readonly Rule[] => []

const preparedName = (at: number) => `_bucketline_p${at}`

/** Name of the n-th column's value in `valuedRows`. */
export const valueName = (at: number): string => `_bucketline_v${at}`

/**
 * The group's rows with each column's value as `valueName`, beside the source's own columns. The
 * steps are nested so that DuckDB computes each once a row.
 */
export function valuedRows(group: SourceGroup): string {
  const prepared = group.columns
    .map((c, at) => `, ${c.sql.prepared} AS ${preparedName(at)}`)
    .join('')
  const values = group.columns.map((c, at) => `, ${c.sql.value} AS ${valueName(at)}`).join('')
  return `(SELECT *${values} FROM (SELECT *${prepared} FROM ${group.table}))`
}

/**
 * A condition to filter by in an outer SELECT. What is random stays where it stands: pushed below the
 * values that it is about, the filter would compute them a second time.
 */
export const computedOnce = (condition: string): string =>
  `CASE WHEN ${condition} THEN random() < 2 ELSE false END`

/** What is asked of each column of a group, in judgement order; the last one may be on undeclared fields. */
export function groupCodes(
  group: SourceGroup,
  rejectUndeclared: boolean,
): { readonly i: number; readonly code: string; readonly shown: string }[] {
  const codes = group.columns.flatMap(({ sql }, i) =>
    sql.code === undefined ? [] : [{ i, code: sql.code, shown: sql.shown }],
  )
  if (rejectUndeclared)
    codes.push({
      i: group.columns.length,
      code: `CASE WHEN ${group.rescued} IS NOT NULL THEN 'unexpected_column' END`,
      shown: `left((${group.rescued})::VARCHAR, 200)`,
    })
  return codes
}

/** Undeclared fields as one JSON object without those that are null; NULL when none is left. */
export function rescuedObject(fields: readonly (readonly [string, string])[]): string {
  if (fields.length === 0) return 'NULL::JSON'
  const pairs = fields.map(([name, sql]) => `${literal(name)}, ${sql}`).join(', ')
  return `nullif(json_merge_patch('{}', json_object(${pairs}))::VARCHAR, '{}')::JSON`
}

export const sqlText = (value: string | null | undefined): string =>
  value === null || value === undefined ? 'NULL' : literal(value)
