import type { Column, ColumnType } from '../../core/contract/contract.ts'
import { decimalText } from '../../core/decimal-text.ts'
import { literal } from '../../duckdb/duckdb.ts'
import { datasetType } from './dataset-type.ts'
import {
  arrayCheck,
  jsonCheck,
  mapCheck,
  missingKeys,
  objectCheck,
  textOfJson,
} from './nested-sql.ts'
import { jsonScalar, textScalar, typedScalar } from './scalar-sql.ts'
import {
  type CheckValue,
  type Rule,
  rawJson,
  type SourceValue,
  type Times,
} from './source-value.ts'

/**
 * How one contract column is read from one kind of source, as SQL in three steps, each computed
 * once a row: `prepared` over the source's columns, `value` over `prepared`, `code` over all.
 */
export interface ColumnSql {
  readonly prepared: string
  /** The value in the dataset's type; NULL where it is null, anything where a rule is broken. */
  readonly value: string
  /** The first rule the value breaks as a code, else NULL; undefined where nothing can be broken. */
  readonly code?: string
  /** The value as delivered, as text for messages. */
  readonly shown: string
  /** For JSON columns, the text of a value that came as text: it may need a judgement outside SQL. */
  readonly json_text?: string | undefined
}

export interface ColumnSqlOptions {
  readonly times: Times
  /** Names under which the steps of this column are selected. */
  readonly prepared_name: string
  readonly value_name: string
  /** Further rules, judged after the column's own, over its value. */
  readonly extra: (value: string) => readonly Rule[]
}

/** Compiles a column for a source. Pure text: nothing runs here. */
export function columnSql(
  column: Column,
  source: SourceValue,
  options: ColumnSqlOptions,
): ColumnSql {
  const type = datasetType(column.type)
  if (source.kind === 'absent')
    return {
      prepared: 'NULL',
      value: `NULL::${type}`,
      ...(column.required ? { code: `'missing_column'` } : {}),
      shown: 'NULL::VARCHAR',
    }
  const { prepared_name: p, value_name: v } = options
  const check = checkValue(column, source, options.times)
  const rules = [...check.rules(p, v), ...limitRules(column, v), ...options.extra(v)]
  const isNull = `${source.sql} IS NULL`
  const cases = rules.map(([code, broken]) => ` WHEN ${broken} THEN '${code}'`).join('')
  const shown = shownText(source)
  return {
    prepared: check.prepared ?? 'NULL',
    value: `CASE WHEN ${isNull} THEN NULL ELSE ${check.value(p)} END`,
    // A JSON null and an absent field look the same here; the reject says which it was, from the raw row.
    ...(column.required
      ? { code: `CASE WHEN ${isNull} THEN 'null_value'${cases} END` }
      : cases === ''
        ? {}
        : { code: `CASE WHEN ${isNull} THEN NULL${cases} END` }),
    shown:
      column.type.kind === 'map' && (column.keys?.required.length ?? 0) > 0
        ? `CASE WHEN ${v} IS NOT NULL THEN coalesce(nullif(${missingKeys(column, v)}, ''), ${shown}) ELSE ${shown} END`
        : shown,
    ...(column.type.kind === 'json' ? { json_text: textOfJson(column, source) } : {}),
  }
}

const checkValue: CheckValue = (column, source, times) => {
  const { type } = column
  switch (type.kind) {
    case 'map':
      return mapCheck(column, type.value, source, times, checkValue)
    case 'object':
      return objectCheck(column, type.fields, source, times, checkValue)
    case 'array':
      return arrayCheck(column, type.item, source, times, checkValue)
    case 'json':
      return jsonCheck(column, source, type.must_be_object === true)
    default:
      if (source.kind === 'typed') return typedScalar(column, source.sql, source.type, times)
      return source.kind === 'json'
        ? jsonScalar(column, source, times)
        : textScalar(column, source.sql, times, source.kind === 'text')
  }
}

/** A value in a form people recognise: JSON strings keep their quotes, so `"12"` is not taken for 12. */
function shownText(source: Exclude<SourceValue, { kind: 'absent' }>): string {
  return `left(${source.kind === 'json' ? rawJson(source) : `(${source.sql})::VARCHAR`}, 200)`
}

/** Limits and lists, on the value in its dataset type. */
function limitRules(column: Column, value: string): Rule[] {
  const rules: Rule[] = []
  const { kind } = column.type
  if (kind === 'map' || kind === 'array' || kind === 'json') {
    const size = {
      map: `cardinality(${value})`,
      array: `len(${value})`,
      json: `len(json_keys(${value}))`,
    }[kind]
    if (column.min_items !== undefined)
      rules.push(['out_of_range', `${size} < ${column.min_items}`])
    if (column.max_items !== undefined)
      rules.push(['out_of_range', `${size} > ${column.max_items}`])
    return rules
  }
  if (kind === 'object') return rules
  const compare: readonly (readonly [string | undefined, string])[] = [
    [column.minimum, '<'],
    [column.maximum, '>'],
    [column.exclusive_minimum, '<='],
    [column.exclusive_maximum, '>='],
  ]
  for (const [limit, operator] of compare)
    if (limit !== undefined)
      rules.push(['out_of_range', `${value} ${operator} ${bound(column.type, limit)}`])
  if (column.multiple_of !== undefined)
    rules.push([
      'out_of_range',
      // What is too great to be divided exactly is refused.
      `coalesce(TRY_CAST(${value} AS ${divisible(column.type, column.multiple_of)}) % ${literal(column.multiple_of)}::${divisible(column.type, column.multiple_of)} <> 0, true)`,
    ])
  if (column.enum !== undefined)
    rules.push([
      'not_in_enum',
      `${value} NOT IN (${column.enum.map((v) => bound(column.type, String(v))).join(', ')})`,
    ])
  return rules
}

/** A limit of the contract as a constant that compares exactly with the column's values. */
function bound(type: ColumnType, limit: string): string {
  switch (type.kind) {
    case 'string':
      return literal(limit)
    case 'integer':
    case 'decimal': {
      const { width, scale } = digits(type, limit)
      // A limit far beyond the type need not be exact.
      return `${literal(decimalText(limit) ?? limit)}::${width <= 38 ? `DECIMAL(${width},${scale})` : 'DOUBLE'}`
    }
    case 'timestamp':
      return `timezone('UTC', ${literal(limit)}::TIMESTAMPTZ)`
    default:
      return `${literal(limit)}::${datasetType(type)}`
  }
}

/** How many digits hold both the values of a type and a constant of the contract. */
function digits(type: ColumnType, constant: string): { width: number; scale: number } {
  const text = decimalText(constant) ?? constant
  const [whole = '', fraction = ''] = text.replace('-', '').split('.')
  const own =
    type.kind === 'decimal'
      ? { whole: type.precision - type.scale, scale: type.scale }
      : { whole: 20, scale: type.kind === 'integer' ? 0 : 10 }
  const scale = Math.max(own.scale, fraction.length)
  return { width: Math.max(own.whole, whole.length) + scale, scale }
}

/** The type in which a value is divided by a constant without a remainder being lost. */
function divisible(type: ColumnType, constant: string): string {
  const { scale } = digits(type, constant)
  return `DECIMAL(38,${Math.min(scale, 38)})`
}

/** What a refused value should have been, for messages. */
export function expectation(column: Column): string {
  const { type } = column
  const named: Readonly<Record<ColumnType['kind'], string>> = {
    string: column.accept_integers === true ? 'a string or an integer' : 'a string',
    integer: 'an integer',
    number: 'a number',
    decimal:
      type.kind === 'decimal'
        ? `a decimal of at most ${type.precision} digits, ${type.scale} after the point`
        : 'a decimal',
    boolean: 'true or false',
    date: 'a date (yyyy-MM-dd)',
    time: 'a time of day (HH:mm:ss)',
    timestamp: 'an ISO 8601 time',
    uuid: 'a UUID',
    json: type.kind === 'json' && type.must_be_object === true ? 'a JSON object' : 'JSON',
    map: 'a map of keys to values',
    object: 'an object',
    array: 'an array',
  }
  const limits: readonly (readonly [string, string | number | undefined])[] = [
    ['at least', column.minimum],
    ['above', column.exclusive_minimum],
    ['at most', column.maximum],
    ['below', column.exclusive_maximum],
    ['a multiple of', column.multiple_of],
    ['of this many characters or more:', column.min_length],
    ['of this many characters or fewer:', column.max_length],
    ['in the format', type.kind === 'string' ? column.format : column.time_format],
    ['matching', column.pattern],
    ['one of', column.enum?.slice(0, 20).join(', ')],
  ]
  return [
    named[type.kind],
    ...limits.flatMap(([words, limit]) => (limit === undefined ? [] : [`${words} ${limit}`])),
  ].join(', ')
}
