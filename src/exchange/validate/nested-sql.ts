import type { Column, ColumnType } from '../../core/contract/contract.ts'
import { literal } from '../../duckdb/duckdb.ts'
import { datasetType } from './dataset-type.ts'
import {
  type Check,
  type CheckValue,
  inlined,
  jsonNull,
  jsonString,
  jsonText,
  type MapKeys,
  type PresentValue,
  type Rule,
  rawJson,
  type SourceValue,
  TEXT_TYPE,
  type Times,
  wrongType,
} from './source-value.ts'
import { structFields } from './struct-fields.ts'

/** Checks of values that hold others: maps, objects, arrays, and JSON of any shape. */

/** What a value inside an object or array can break; listed so that its own code reaches the partner. */
const INNER_CODES = [
  'missing_column',
  'null_value',
  'wrong_type',
  'invalid_format',
  'out_of_range',
  'not_in_enum',
  'missing_key',
  'duplicate_map_key',
] as const

export function mapCheck(
  column: Column,
  item: ColumnType,
  source: PresentValue,
  times: Times,
  check: CheckValue,
): Check {
  const itemColumn = bare(column, item)
  if (source.kind === 'typed' && source.type.startsWith('MAP(')) {
    const valueType = /^MAP\(VARCHAR,\s*(.*)\)$/.exec(source.type)?.[1]
    if (valueType === undefined) return wrongType(datasetType(column.type))
    const plain = item.kind === 'string' && TEXT_TYPE.test(valueType)
    const inner = plain
      ? undefined
      : inlined(check(itemColumn, { kind: 'typed', sql: 'e.value', type: valueType }, times))
    return typedMap(column, source.sql, inner, source.keys)
  }
  const rules: Rule[] = []
  const json = jsonOf(column, source, 'OBJECT', rules)
  if (json === undefined) return wrongType(datasetType(column.type))
  return jsonMap(
    column,
    json,
    rules,
    inlined(check(itemColumn, { kind: 'json', sql: 'e.value', markers: false }, times)),
  )
}

interface Inlined {
  readonly value: string
  readonly rules: readonly Rule[]
}

function typedMap(
  column: Column,
  sql: string,
  inner: Inlined | undefined,
  keys: MapKeys | undefined,
): Check {
  const lowers = column.keys?.lower_case === true && keys?.all_lower !== true
  return {
    prepared: sql,
    value: (map) => {
      const typed = inner === undefined ? map : withValues(map, inner)
      return lowers ? lowered(typed, map) : typed
    },
    rules: (map) => [
      ...(keys?.unique === true
        ? []
        : [['duplicate_map_key', repeatedKey(`map_keys(${map})`, lowers)] as const]),
      ...(inner === undefined ? [] : brokenValues(`map_entries(${map})`, inner, 'e.value IS NULL')),
      ...keyRules(column, map, lowers),
    ],
  }
}

function jsonMap(column: Column, json: string, typeRules: readonly Rule[], inner: Inlined): Check {
  const lowers = column.keys?.lower_case === true
  const isNull = jsonNull('e.value')
  return {
    // A JSON object with a name twice would make a map that cannot be; the rule below refuses it.
    prepared: `CASE WHEN len(list_distinct(json_keys(${json}))) = len(json_keys(${json})) THEN from_json(${json}, '"MAP(VARCHAR, JSON)"') END`,
    value: (map) => {
      const typed = `map_from_entries(list_transform(map_entries(${map}), lambda e: {'key': e.key, 'value': CASE WHEN ${isNull} THEN NULL ELSE ${inner.value} END}))`
      return lowers ? lowered(typed, map) : typed
    },
    rules: (map) => [
      ...typeRules,
      ['duplicate_map_key', `${map} IS NULL OR ${repeatedKey(`map_keys(${map})`, lowers)}`],
      ...brokenValues(`map_entries(${map})`, inner, isNull),
      ...keyRules(column, map, lowers, "= 'null'"),
    ],
  }
}

/** Rewriting keys costs more than the rest of a load, so only maps with a key to change are rewritten. */
const lowered = (typed: string, map: string) =>
  `CASE WHEN len(list_filter(map_keys(${map}), lambda k: k <> lower(k))) > 0 THEN TRY(map_from_entries(list_transform(map_entries(${typed}), lambda e: {'key': lower(e.key), 'value': e.value}))) ELSE ${typed} END`

const withValues = (map: string, inner: Inlined) =>
  `map_from_entries(list_transform(map_entries(${map}), lambda e: {'key': e.key, 'value': CASE WHEN e.value IS NULL THEN NULL ELSE ${inner.value} END}))`

/** Most maps are short; comparing two keys is several times cheaper than counting distinct ones. */
const repeatedKey = (keys: string, lowers: boolean) => {
  const all = lowers ? `list_transform(${keys}, lambda k: lower(k))` : keys
  return `CASE len(${keys}) WHEN 0 THEN false WHEN 1 THEN false ELSE list_unique(${all}) <> len(${keys}) END`
}

function brokenValues(entries: string, inner: Inlined, isNull: string): Rule[] {
  if (inner.rules.length === 0) return []
  const broken = inner.rules.map(([, b]) => `(${b})`).join(' OR ')
  return [
    ['wrong_type', `len(list_filter(${entries}, lambda e: NOT (${isNull}) AND (${broken}))) > 0`],
  ]
}

function keyRules(column: Column, map: string, lowers: boolean, jsonNullTest?: string): Rule[] {
  return (column.keys?.required ?? []).map((names) => [
    'missing_key',
    `NOT (${keyPresent(map, names, lowers, jsonNullTest)})`,
  ])
}

/** Whether one of a key's accepted names is in the map, with a value. */
function keyPresent(
  map: string,
  names: readonly string[],
  lowers: boolean,
  jsonNullTest?: string,
): string {
  const absent = (value: string) =>
    jsonNullTest === undefined
      ? `${value} IS NULL`
      : `(${value} IS NULL OR ${value}::VARCHAR ${jsonNullTest})`
  const exact = names.map((name) => `NOT ${absent(`${map}[${literal(name)}]`)}`)
  if (!lowers) return exact.join(' OR ')
  const list = names.map((name) => literal(name.toLowerCase())).join(', ')
  return `${exact.join(' OR ')} OR len(list_filter(map_entries(${map}), lambda e: lower(e.key) IN (${list}) AND NOT ${absent('e.value')})) > 0`
}

/** SQL for the names of the required keys that a map lacks, for the reject's message. */
export function missingKeys(column: Column, map: string): string {
  const parts = (column.keys?.required ?? []).map(
    (names) =>
      `CASE WHEN NOT (${keyPresent(map, names, column.keys?.lower_case === true)}) THEN ${literal(names.join(' or '))} END`,
  )
  return `concat_ws(', ', ${parts.join(', ')})`
}

export function objectCheck(
  column: Column,
  fields: readonly Column[],
  source: PresentValue,
  times: Times,
  check: CheckValue,
): Check {
  const rules: Rule[] = []
  let part: (field: Column) => SourceValue
  if (source.kind === 'typed' && source.type.startsWith('STRUCT(')) {
    const types = structFields(source.type)
    part = (field) => {
      const name = field.names.find((n) => types.has(n))
      const type = name === undefined ? undefined : types.get(name)
      return name === undefined || type === undefined
        ? { kind: 'absent' }
        : { kind: 'typed', sql: `struct_extract(${source.sql}, ${literal(name)})`, type }
    }
  } else {
    const json = jsonOf(column, source, 'OBJECT', rules)
    if (json === undefined) return wrongType(datasetType(column.type))
    part = (field) => ({
      kind: 'json',
      sql: `coalesce(${field.names.map((n) => `json_extract(${json}, ${literal(`$.${JSON.stringify(n)}`)})`).join(', ')}, NULL)`,
      markers: false,
    })
  }
  const parts = fields.map((field) => ({ field, ...nullable(field, part(field), times, check) }))
  const code = `coalesce(${[...parts.map((p) => p.code), 'NULL::VARCHAR'].join(', ')})`
  return {
    value: () => `{${parts.map((p) => `${literal(p.field.name)}: ${p.value}`).join(', ')}}`,
    rules: () => [...rules, ...INNER_CODES.map((c): Rule => [c, `(${code}) = '${c}'`])],
  }
}

export function arrayCheck(
  column: Column,
  item: ColumnType,
  source: PresentValue,
  times: Times,
  check: CheckValue,
): Check {
  const rules: Rule[] = []
  const itemColumn = bare(column, item)
  let list = ''
  let inner: { readonly value: string; readonly code: string }
  if (source.kind === 'typed' && source.type.endsWith('[]')) {
    list = source.sql
    inner = nullable(
      itemColumn,
      { kind: 'typed', sql: 'x', type: source.type.slice(0, -2) },
      times,
      check,
    )
  } else {
    const json = jsonOf(column, source, 'ARRAY', rules)
    if (json === undefined) return wrongType(datasetType(column.type))
    list = `from_json(${json}, '["JSON"]')`
    inner = nullable(itemColumn, { kind: 'json', sql: 'x', markers: false }, times, check)
  }
  return {
    prepared: list,
    value: (p) => `list_transform(${p}, lambda x: ${inner.value})`,
    rules: (p) => {
      const codes = `list_filter(list_transform(${p}, lambda x: ${inner.code}), lambda c: c IS NOT NULL)`
      return [...rules, ...INNER_CODES.map((c): Rule => [c, `${codes}[1] = '${c}'`])]
    },
  }
}

/** A value that may be null, with its code, as single expressions. */
function nullable(
  column: Column,
  source: SourceValue,
  times: Times,
  check: CheckValue,
): { value: string; code: string } {
  if (source.kind === 'absent')
    return {
      value: `NULL::${datasetType(column.type)}`,
      code: column.required ? `'missing_column'` : 'NULL::VARCHAR',
    }
  const isNull = source.kind === 'json' ? jsonNull(source.sql) : `${source.sql} IS NULL`
  const { value, rules } = inlined(check(column, source, times))
  // In JSON an absent field is NULL, and one that is null the text `null`.
  const absent =
    column.required && source.kind === 'json'
      ? `WHEN ${source.sql} IS NULL THEN 'missing_column' `
      : ''
  const cases = rules.map(([code, broken]) => ` WHEN ${broken} THEN '${code}'`).join('')
  return {
    value: `CASE WHEN ${isNull} THEN NULL ELSE ${value} END`,
    code: `CASE ${absent}WHEN ${isNull} THEN ${column.required ? `'null_value'` : 'NULL'}${cases} END`,
  }
}

/** JSON of an object or array that comes as JSON, or as JSON text where the contract takes that; adds the type rule. */
function jsonOf(
  column: Column,
  source: PresentValue,
  wanted: 'OBJECT' | 'ARRAY',
  rules: Rule[],
): string | undefined {
  if (source.kind === 'typed' && !(TEXT_TYPE.test(source.type) && column.accept_json_text))
    return undefined
  const text =
    source.kind !== 'json'
      ? `(${source.sql})::VARCHAR`
      : column.accept_json_text
        ? jsonText(source)
        : rawJson(source)
  const valid = `coalesce(json_valid(${text}) AND json_type(TRY_CAST(${text} AS JSON)) = '${wanted}', false)`
  rules.push(['wrong_type', `NOT ${valid}`])
  return `(CASE WHEN ${valid} THEN ${text} END)::JSON`
}

/**
 * JSON columns. A JSON source was proved strict by its gate. JSON that comes as text (CSV, Parquet,
 * a JSON string) is judged by json_valid; where texts were found that json_valid may be too kind to
 * (`looseJson`), each of them was judged exactly beforehand and its verdict is looked up.
 */
export function jsonCheck(column: Column, source: PresentValue, mustBeObject: boolean): Check {
  if (source.kind === 'typed' && !TEXT_TYPE.test(source.type))
    return {
      value: () => `to_json(${source.sql})`,
      rules: () =>
        mustBeObject && !/^(STRUCT|MAP)\(/.test(source.type) ? [['wrong_type', 'true']] : [],
    }
  const objectRule = (text: string): Rule[] =>
    mustBeObject ? [['wrong_type', `NOT starts_with(ltrim(${text}, E' \\t\\n\\r'), '{')`]] : []
  const text = textOfJson(column, source)
  if (source.kind === 'json' && text === undefined)
    return { prepared: rawJson(source), value: (p) => `(${p})::JSON`, rules: (p) => objectRule(p) }
  const own = source.kind === 'json' ? rawJson(source) : `(${source.sql})::VARCHAR`
  const read = `coalesce(${text}, ${own})`
  return {
    prepared:
      source.judged === true
        ? `CASE WHEN ${looseJson(read)} THEN coalesce((SELECT any_value(j.text) FROM json_judgements j WHERE j.raw = ${read} AND j.repair = ${column.repair_trailing_comma}), '!') ELSE ${read} END`
        : read,
    value: (p) => `(CASE WHEN json_valid(${p}) THEN ${p} END)::JSON`,
    rules: (p) => [['invalid_format', `NOT json_valid(${p})`], ...objectRule(p)],
  }
}

/** The text of a JSON column's value where it comes as text; NULL in SQL where it does not. */
export function textOfJson(column: Column, source: SourceValue): string | undefined {
  if (source.kind === 'json')
    return column.accept_json_text
      ? `CASE WHEN starts_with(${rawJson(source)}, '"') THEN ${jsonString(source)} END`
      : undefined
  if (source.kind === 'text' || (source.kind === 'typed' && TEXT_TYPE.test(source.type)))
    return `(${source.sql})::VARCHAR`
  return undefined
}

/** Whether json_valid may be too kind to this text, or a repair may be due. */
export const looseJson = (text: string): string =>
  `(regexp_matches(${text}, ',\\s*[\\]}]|NaN|nan|Inf|inf') OR NOT json_valid(${text}))`

/** A column for a map's values or an array's items: its type alone, none of the outer rules. */
function bare(column: Column, type: ColumnType): Column {
  const { name, names, accept_json_text, accept_text, truncate } = column
  return {
    name,
    names,
    type,
    accept_json_text,
    accept_text,
    required: false,
    semantic: 'column',
    repair_trailing_comma: false,
    unique: false,
    examples: [],
    ...(truncate === undefined ? {} : { truncate }),
  }
}
