import type { Column } from '../../core/contract/contract.ts'
import type { FormatSettings } from '../../core/settings.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import { identifier, literal } from '../../duckdb/duckdb.ts'
import type { Formats, PassedObject } from '../../format/format.ts'
import { type ColumnSql, columnSql } from './column-sql.ts'
import { matchFields } from './dataset-columns.ts'
import { looseJson } from './nested-sql.ts'
import type { Rule, SourceValue } from './source-value.ts'

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
}

/**
 * Turns passed objects into groups of rows. Parquet is read where it lies; the text formats are
 * brought once into a table of the session, since every later step would have to parse them again.
 */
export async function sourceGroups(
  objects: readonly SourceObject[],
  options: SourceOptions,
): Promise<SourceGroup[]> {
  const groups: SourceGroup[] = []
  for (const format of ['jsonl', 'csv'] as const) {
    const of = objects.filter((o) => o.passed.format === format)
    if (of.length > 0) groups.push(await textGroup(format, of, options))
  }
  const parquet = Map.groupBy(
    objects.filter((o) => o.passed.format === 'parquet'),
    (o) => JSON.stringify([o.passed.fields.map((f) => [f.name, f.type]), Object.keys(o.variables)]),
  )
  for (const of of parquet.values()) groups.push(parquetGroup(of, options))
  await settleKeyCase(groups, options)
  if (!(await judgeLooseJson(groups, options))) return groups
  return groups.map((group) => {
    const source = (column: Column): SourceValue => {
      const value = group.source(column)
      return value.kind === 'absent' ? value : { ...value, judged: true }
    }
    return { ...group, source, columns: compile(source, options) }
  })
}

async function textGroup(
  format: 'jsonl' | 'csv',
  objects: readonly SourceObject[],
  options: SourceOptions,
): Promise<SourceGroup> {
  const { duckdb, columns } = options
  const type = format === 'jsonl' ? 'JSON' : 'VARCHAR'
  const table = `source_${format}`
  const slot = new Map(columns.map((column, at) => [column.name, `c${at}`]))
  const variables = options.variables.map((name, at) => ({ name, slot: `v${at}` }))
  await duckdb.run(
    `CREATE OR REPLACE TEMP TABLE ${table} (_obj INTEGER, _row BIGINT${columns.map((c) => `, ${slot.get(c.name)} ${type}`).join('')}${variables.map((v) => `, ${v.slot} VARCHAR`).join('')}, _rescued JSON)`,
  )
  const present = new Set<string>()
  let markers = false
  for (const object of objects) {
    const names = object.passed.fields.map((f) => f.name)
    const match = matchFields(names, columns, options.ignore_case)
    const wanted: { as: string; from: readonly string[] }[] = []
    const picked = columns.map((column) => {
      const from = match.fields.get(column.name)
      const as = slot.get(column.name)
      if (from === undefined || as === undefined) return 'NULL'
      present.add(column.name)
      wanted.push({ as, from })
      return as
    })
    const undeclared = match.undeclared.map((from, at) => {
      wanted.push({ as: `u${at}`, from })
      return [from[0] ?? '', `u${at}`] as const
    })
    const fromKey = variables.map((v) => sqlText(object.variables[v.name]))
    if (object.passed.rewritten) markers = true
    await duckdb.run(
      `INSERT INTO ${table} SELECT ${[object.index, '_row', ...picked, ...fromKey, rescuedObject(undeclared)].join(', ')} FROM ${options.formats.readPassed(object.passed, wanted)}`,
    )
  }
  const source = (column: Column): SourceValue => {
    const name = slot.get(column.name)
    const variable = variables.find((v) => v.name === column.name)
    if (!present.has(column.name))
      return variable === undefined ? { kind: 'absent' } : { kind: 'text', sql: variable.slot }
    return format === 'jsonl'
      ? { kind: 'json', sql: `${name}`, markers }
      : { kind: 'text', sql: `${name}` }
  }
  return {
    format,
    table,
    objects,
    rescued: '_rescued',
    raw: 'NULL::VARCHAR',
    source,
    columns: compile(source, options),
  }
}

function parquetGroup(objects: readonly SourceObject[], options: SourceOptions): SourceGroup {
  const fields = objects[0]?.passed.fields ?? []
  const match = matchFields(
    fields.map((f) => f.name),
    options.columns,
    options.ignore_case,
  )
  const types = new Map(fields.map((f) => [f.name, f.type ?? 'VARCHAR']))
  // Fields go by names of ours from here on: a partner may use any of those this code uses.
  const slots = new Map(fields.map((f, at) => [f.name, `s${at}`]))
  const slotOf = (field: string) => slots.get(field) ?? 'NULL'
  const variables = options.variables.map((name, at) => ({ name, slot: `v${at}` }))
  const table = parquetTable(objects, { slots, variables })
  const source = (column: Column): SourceValue => {
    const [field] = match.fields.get(column.name) ?? []
    if (field !== undefined)
      return { kind: 'typed', sql: slotOf(field), type: types.get(field) ?? 'VARCHAR' }
    const variable = variables.find((v) => v.name === column.name)
    return variable === undefined ? { kind: 'absent' } : { kind: 'text', sql: variable.slot }
  }
  return {
    format: 'parquet',
    table,
    objects,
    rescued: rescuedObject(
      match.undeclared.flat().map((name) => [name, `to_json(${slotOf(name)})`]),
    ),
    source,
    columns: compile(source, options),
    raw: `to_json({${fields.map((f) => `${literal(f.name)}: ${slotOf(f.name)}`).join(', ')}})::VARCHAR`,
  }
}

/** The rows of Parquet files with their fields under the names of `slots`. */
function parquetTable(
  objects: readonly SourceObject[],
  names: {
    readonly slots: ReadonlyMap<string, string>
    readonly variables: readonly { readonly name: string; readonly slot: string }[]
  },
): string {
  const { slots, variables } = names
  const fields = [...slots].map(([name, slot]) => `, r.${identifier(name)} AS ${slot}`).join('')
  const folded = new Set([...slots.keys()].map((name) => name.toLowerCase()))
  const reader = 'binary_as_string = true, union_by_name = false, hive_partitioning = false'
  if (folded.has('file_row_number')) {
    // DuckDB cannot number the rows of a file that has a column of that name.
    const each = objects.map((o) => {
      const fromKey = variables.map((v) => `, ${sqlText(o.variables[v.name])} AS ${v.slot}`)
      return `SELECT ${o.index} AS _obj, row_number() OVER () AS _row${fields}${fromKey.join('')} FROM read_parquet(${literal(o.passed.path)}, ${reader}) r`
    })
    return `(${each.join(' UNION ALL ')})`
  }
  let file = '_bucketline_file'
  while (folded.has(file)) file += '_'
  const files = objects.map((o) => literal(o.passed.path)).join(', ')
  const numbered = objects.map(
    (o) =>
      `(${literal(o.passed.path)}, ${o.index}${variables.map((v) => `, ${sqlText(o.variables[v.name])}`).join('')})`,
  )
  const slotsOfKey = variables.map((v) => `, f.${v.slot}`).join('')
  // The file's name is joined to the object's number: names repeat in no load, numbers are small.
  return `(SELECT f._obj, r.file_row_number + 1 AS _row${fields}${slotsOfKey} FROM read_parquet([${files}], filename = ${literal(file)}, file_row_number = true, ${reader}) r JOIN (VALUES ${numbered.join(', ')}) f(_path, _obj${variables.map((v) => `, ${v.slot}`).join('')}) ON r.${file} = f._path)`
}

function compile(
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
function rescuedObject(fields: readonly (readonly [string, string])[]): string {
  if (fields.length === 0) return 'NULL::JSON'
  const pairs = fields.map(([name, sql]) => `${literal(name)}, ${sql}`).join(', ')
  return `nullif(json_merge_patch('{}', json_object(${pairs}))::VARCHAR, '{}')::JSON`
}

const sqlText = (value: string | null | undefined) =>
  value === null || value === undefined ? 'NULL' : literal(value)

/** Looks at the distinct keys of maps whose keys are to be lower case: mostly none has to be rewritten. */
async function settleKeyCase(groups: SourceGroup[], options: SourceOptions): Promise<void> {
  for (const [at, group] of groups.entries()) {
    const lower = new Set<string>()
    for (const column of group.columns) {
      const source = group.source(column)
      if (
        column.keys?.lower_case !== true ||
        source.kind !== 'typed' ||
        !source.type.startsWith('MAP(')
      )
        continue
      const [row] = await options.duckdb.all<{ same: boolean | null }>(
        `SELECT bool_and(k = lower(k)) AS same FROM (SELECT DISTINCT unnest(map_keys(${source.sql})) AS k FROM ${group.table})`,
      )
      if (row?.same !== false) lower.add(column.name)
    }
    if (lower.size === 0) continue
    const source = (column: Column): SourceValue => {
      const value = group.source(column)
      return value.kind === 'typed' && lower.has(column.name)
        ? { ...value, keys_are_lower: true }
        : value
    }
    groups[at] = { ...group, source, columns: compile(source, options) }
  }
}

/**
 * DuckDB's json_valid takes trailing commas and NaN. Texts in JSON columns that might hold such a
 * thing are few; each distinct one is judged by a strict parser and the verdict joined back.
 */
async function judgeLooseJson(
  groups: readonly SourceGroup[],
  options: SourceOptions,
): Promise<boolean> {
  let found = false
  const { duckdb } = options
  await duckdb.run(
    'CREATE OR REPLACE TEMP TABLE json_judgements (raw VARCHAR, repair BOOLEAN, text VARCHAR, repaired BOOLEAN, times BIGINT)',
  )
  for (const group of groups) {
    for (const column of group.columns) {
      const text = column.sql.json_text
      if (text === undefined) continue
      const repair = column.repair_trailing_comma
      const loose = await duckdb.all<{ t: string; n: bigint }>(
        `SELECT ${text} AS t, count(*) AS n FROM ${group.table} WHERE ${text} IS NOT NULL AND ${looseJson(text)} GROUP BY t`,
      )
      found ||= loose.length > 0
      for (let at = 0; at < loose.length; at += 1000) {
        const rows = loose.slice(at, at + 1000).map(({ t, n }) => {
          const verdict = strictJson(t, repair)
          return `(${literal(t)}, ${repair}, ${sqlText(verdict?.text)}, ${verdict?.repaired ?? false}, ${n})`
        })
        await duckdb.run(`INSERT INTO json_judgements VALUES ${rows.join(', ')}`)
      }
    }
  }
  return found
}

/** RFC 8259 by the platform's own parser; a comma before a closing bracket is taken out where the contract allows. */
export function strictJson(
  text: string,
  repairTrailingComma: boolean,
): { text: string; repaired: boolean } | undefined {
  if (parses(text)) return { text, repaired: false }
  if (!repairTrailingComma) return undefined
  const repaired = withoutTrailingCommas(text)
  return parses(repaired) ? { text: repaired, repaired: true } : undefined
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // A verdict, not a failure: the caller refuses the row.
    return false
  }
}

/** Commas inside strings are left alone. */
function withoutTrailingCommas(text: string): string {
  return text.replace(
    /("(?:[^"\\]|\\.)*")|,(\s*[}\]])/gs,
    (_, string?: string, tail?: string) => string ?? tail ?? '',
  )
}
