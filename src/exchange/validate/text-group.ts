import { availableParallelism } from 'node:os'
import type { Column } from '../../core/contract/contract.ts'
import type { Field, JsonType } from '../../format/format.ts'
import { matchFields } from './dataset-columns.ts'
import {
  compileColumns,
  rescuedObject,
  type SourceGroup,
  type SourceObject,
  type SourceOptions,
  sqlText,
} from './source-group.ts'
import type { SourceValue } from './source-value.ts'

/** Rows that are worth a statement of their own beside another's. */
const LANE_ROWS = 50_000
/** Objects that one statement reads beside each other; to plan more takes longer than to read them. */
const DIRECT_OBJECTS = 16

interface ObjectFields {
  readonly object: SourceObject
  /** What the gate counted, by name. */
  readonly counted: ReadonlyMap<string, Field>
  /** By column name, the spellings of its field. */
  readonly fields: ReadonlyMap<string, readonly string[]>
  readonly undeclared: readonly (readonly string[])[]
}

/** Fields that cannot be told from what reading together adds. */
const RESERVED = /^(file_index|_bucketline_hole)$/i

/**
 * Rows of text objects, read where they lie by each statement anew: a few each for itself, many
 * together. Those with JSON in text, which is looked at several times, and those that cannot be read
 * together are brought into a table of the session once.
 */
export async function textGroup(
  format: 'jsonl' | 'csv',
  objects: readonly SourceObject[],
  options: SourceOptions,
): Promise<SourceGroup> {
  const { columns, duckdb } = options
  const matched = objects.map((object): ObjectFields => {
    const counted = new Map(object.passed.fields.map((f) => [f.name, f]))
    return { object, counted, ...matchFields([...counted.keys()], columns, options.ignore_case) }
  })
  const read_as = new Map(
    columns.map((column) => [column.name, readAs(column, matched, format, options.typed)]),
  )
  const present = new Set(matched.flatMap(({ fields }) => [...fields.keys()]))
  const marked = objects.some((o) => o.passed.marked)
  const places = new Map(columns.map((column, at) => [column.name, at]))
  const source = (column: Column): SourceValue => {
    const sql = `c${places.get(column.name)}`
    if (!present.has(column.name)) {
      const variable = options.variables.indexOf(column.name)
      return variable < 0 ? { kind: 'absent' } : { kind: 'text', sql: `v${variable}` }
    }
    const type = read_as.get(column.name)
    if (format === 'csv') return { kind: 'text', sql }
    if (type === 'JSON' || type === undefined) return { kind: 'json', sql, markers: marked }
    return type === 'VARCHAR' ? { kind: 'string', sql } : { kind: 'typed', sql, type }
  }
  const compiled = compileColumns(source, options)
  const once = compiled.every((c) => c.sql.json_text === undefined)
  const read = (some: readonly ObjectFields[]) =>
    objects.length <= DIRECT_OBJECTS
      ? some.map((one) => selectRows(one, read_as, options)).join(' UNION ALL ')
      : selectTogether(some, read_as, options)
  const direct = once ? read(matched) : undefined
  const lanes = direct === undefined ? undefined : lanesOf(matched)
  return {
    format,
    table:
      direct === undefined
        ? await intoTable(`source_${format}`, matched, { read_as, options, duckdb })
        : `(${direct})`,
    objects,
    ...(lanes === undefined
      ? {}
      : {
          lanes: lanes.map((some) => ({
            table: `(${read(some)})`,
            objects: some.map((one) => one.object.index),
          })),
        }),
    rescued: '_rescued',
    raw: 'NULL::VARCHAR',
    source,
    columns: compiled,
  }
}

/** Objects in as many parts as there are cores, with about as many rows each; undefined where one will do. */
function lanesOf(matched: readonly ObjectFields[]): readonly ObjectFields[][] | undefined {
  const rows = matched.reduce((sum, one) => sum + one.object.passed.records, 0)
  const count = Math.min(availableParallelism(), matched.length)
  if (count < 2 || rows < LANE_ROWS * 2) return undefined
  const lanes: ObjectFields[][] = []
  let before = 0
  for (const one of matched) {
    const at = Math.min(count - 1, Math.floor((before * count) / rows))
    const lane = lanes[at] ?? []
    lanes[at] = lane
    lane.push(one)
    before += one.object.passed.records
  }
  const filled = lanes.filter((lane) => lane !== undefined)
  return filled.length < 2 ? undefined : filled
}

async function intoTable(
  table: string,
  matched: readonly ObjectFields[],
  {
    read_as,
    options,
    duckdb,
  }: {
    readonly read_as: ReadonlyMap<string, JsonType>
    readonly options: SourceOptions
    readonly duckdb: SourceOptions['duckdb']
  },
): Promise<string> {
  for (const [at, one] of matched.entries()) {
    const select = selectRows(one, read_as, options)
    await duckdb.run(
      at === 0
        ? `CREATE OR REPLACE TEMP TABLE ${table} AS ${select}`
        : `INSERT INTO ${table} ${select}`,
    )
  }
  return table
}

/**
 * All objects in one SELECT like that of `selectRows`; undefined where a column's field is spelt in
 * several ways, or an object is no JSON lines.
 */
function selectTogether(
  matched: readonly ObjectFields[],
  read_as: ReadonlyMap<string, JsonType>,
  options: SourceOptions,
): string | undefined {
  const wanted: { as: string; from: readonly [string]; type?: JsonType }[] = []
  const spellings = new Map<string, string>()
  /** The one spelling of a field in all objects, or undefined; DuckDB tells no two by case alone. */
  const one = (all: Iterable<readonly string[]>) => {
    const names = new Set([...all].flat())
    const [name] = names
    if (names.size !== 1 || name === undefined || RESERVED.test(name)) return undefined
    if ((spellings.get(name.toLowerCase()) ?? name) !== name) return undefined
    spellings.set(name.toLowerCase(), name)
    return name
  }
  if (matched.some(({ object }) => object.passed.format !== 'jsonl')) return undefined
  const values: string[] = []
  for (const [at, column] of options.columns.entries()) {
    const type = read_as.get(column.name) ?? 'JSON'
    const all = matched.flatMap(({ fields }) => fields.get(column.name) ?? [])
    if (all.length === 0) {
      values.push(`NULL::${type} AS c${at}`)
      continue
    }
    const name = one([all])
    if (name === undefined) return undefined
    wanted.push({ as: `c${at}`, from: [name], type })
    values.push(`c${at}`)
  }
  const rest: (readonly [string, string])[] = []
  const undeclared = Map.groupBy(
    matched.flatMap((m) => m.undeclared.flat()),
    (name) => name.toLowerCase(),
  )
  for (const names of undeclared.values()) {
    const name = one([names])
    if (name === undefined) return undefined
    wanted.push({ as: `u${rest.length}`, from: [name] })
    rest.push([name, `u${rest.length}`])
  }
  const objects = matched.map(({ object }) => object)
  const fromKey = options.variables.map((_, at) => `o.v${at}`)
  const facts = objects.map((object, at) => {
    const variables = options.variables.map(
      (name) => `, ${sqlText(object.variables[name])}::VARCHAR`,
    )
    return `(${at}, ${object.index}${variables.join('')})`
  })
  const names = ['_file', '_obj', ...options.variables.map((_, at) => `v${at}`)]
  const list = ['o._obj', 'r._row', ...values, ...fromKey, `${rescuedObject(rest)} AS _rescued`]
  const rows = options.formats.readTogether(
    objects.map((o) => o.passed),
    wanted,
  )
  return `SELECT ${list.join(', ')} FROM ${rows} r JOIN (VALUES ${facts.join(', ')}) o(${names.join(', ')}) ON o._file = r._file`
}

/** `_obj`, `_row`, a column `c…` for each column, `v…` for each variable, `_rescued`. */
function selectRows(
  { object, fields, undeclared }: ObjectFields,
  read_as: ReadonlyMap<string, JsonType>,
  options: SourceOptions,
): string {
  const wanted: { as: string; from: readonly string[]; type?: JsonType }[] = []
  const values = options.columns.map((column, at) => {
    const as = `c${at}`
    const from = fields.get(column.name)
    const type = object.passed.format === 'csv' ? 'VARCHAR' : (read_as.get(column.name) ?? 'JSON')
    if (from === undefined) return `NULL::${type} AS ${as}`
    wanted.push({ as, from, type })
    return as
  })
  const rest = undeclared.map((from, at) => {
    wanted.push({ as: `u${at}`, from })
    return [from[0] ?? '', `u${at}`] as const
  })
  const fromKey = options.variables.map(
    (name, at) => `${sqlText(object.variables[name])}::VARCHAR AS v${at}`,
  )
  const list = [
    `${object.index} AS _obj`,
    '_row',
    ...values,
    ...fromKey,
    `${rescuedObject(rest)} AS _rescued`,
  ]
  return `SELECT ${list.join(', ')} FROM ${options.formats.readPassed(object.passed, wanted)}`
}

/** The type in which a column's JSON values are read: one that fits every value of every object. */
function readAs(
  column: Column,
  matched: readonly ObjectFields[],
  format: 'jsonl' | 'csv',
  typed: boolean,
): JsonType {
  if (format === 'csv') return 'VARCHAR'
  if (!typed) return 'JSON'
  const types = new Set<JsonType>()
  for (const one of matched) {
    const from = one.fields.get(column.name)
    if (from !== undefined) types.add(countedType(column, from, one))
  }
  const [only = 'JSON', ...others] = types
  return others.length === 0 ? only : 'JSON'
}

function countedType(
  column: Column,
  [name = '', ...others]: readonly string[],
  { object, counted }: ObjectFields,
): JsonType {
  // Several spellings are read from whole objects, and marked values are text that is none.
  if (object.passed.marked || others.length > 0) return 'JSON'
  const field = counted.get(name)
  if (field === undefined) throw new Error(`no counts of field ${name}`)
  const { strings, integers, numbers, booleans, nested } = field
  const values = strings + integers + numbers + booleans + nested
  if (values === 0) return 'JSON'
  switch (column.type.kind) {
    case 'string':
    case 'uuid':
    case 'date':
    case 'time':
    case 'timestamp':
      return strings === values ? 'VARCHAR' : 'JSON'
    case 'integer':
      return integers === values && field.long_integers === 0 ? 'BIGINT' : 'JSON'
    case 'number':
      return integers + numbers === values && field.long_integers === 0 ? 'DOUBLE' : 'JSON'
    case 'boolean':
      return booleans === values ? 'BOOLEAN' : 'JSON'
    default:
      return 'JSON'
  }
}
