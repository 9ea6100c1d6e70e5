import { readTypeName, type TypeName } from '../../core/duckdb-type.ts'
import { identifier, literal } from '../../duckdb/duckdb.ts'
import type { TypedColumn } from './inferred-schema.ts'

/**
 * SQL for the text of a row as one JSON object in one line, without loss: DuckDB by itself makes doubles of
 * decimals, and words that are no JSON of infinities. Those become texts. Times are ISO 8601, in UTC.
 */
export const jsonRow = (columns: readonly TypedColumn[]): string =>
  object(
    columns.map(({ name, type }) => ({
      name,
      text: textOf(readTypeName(type), identifier(name), 0),
    })),
  )

/** Types whose own JSON is not what it should be. */
const INEXACT = /^(DECIMAL|NUMERIC|FLOAT|REAL|DOUBLE|JSON|TIMESTAMP|DATETIME)/

function isInexact(type: TypeName): boolean {
  if ('list' in type) return isInexact(type.list)
  if ('map' in type) return isInexact(type.map.value)
  if ('struct' in type) return type.struct.some((field) => isInexact(field.type))
  return INEXACT.test(type.name)
}

/** JSON text of a value; `null` where there is none. `depth` tells the variables of lists apart. */
function textOf(type: TypeName | undefined, value: string, depth: number): string {
  if (type === undefined || !isInexact(type)) return orNull(`CAST(to_json(${value}) AS VARCHAR)`)
  const each = `e${depth}`
  const joined = (list: string, item: string) =>
    `coalesce(array_to_string(list_transform(${list}, lambda ${each}: ${item}), ','), '')`
  if ('list' in type) {
    const items = joined(value, textOf(type.list, each, depth + 1))
    return whereThere(value, `'[' || ${items} || ']'`)
  }
  if ('map' in type) {
    const key = `CAST(to_json(CAST(${each}.key AS VARCHAR)) AS VARCHAR)`
    const of = textOf(type.map.value, `${each}.value`, depth + 1)
    return whereThere(
      value,
      `'{' || ${joined(`map_entries(${value})`, `${key} || ':' || ${of}`)} || '}'`,
    )
  }
  if ('struct' in type) {
    const fields = type.struct.map((field) => ({
      name: field.name,
      text: textOf(field.type, `(${value}).${identifier(field.name)}`, depth),
    }))
    return whereThere(value, object(fields))
  }
  const text = `CAST(${value} AS VARCHAR)`
  if (/^(DECIMAL|NUMERIC)/.test(type.name)) return orNull(text)
  // Line feeds stand between tokens only, in JSON.
  if (type.name === 'JSON') return orNull(`replace(${text}, chr(10), ' ')`)
  if (/^(FLOAT|REAL|DOUBLE)/.test(type.name))
    return orNull(`CASE WHEN isfinite(${value}) THEN ${text} ELSE '"' || ${text} || '"' END`)
  // The session's zone is UTC.
  return orNull(`'"' || regexp_replace(replace(${text}, ' ', 'T'), '\\+00$', 'Z') || '"'`)
}

const orNull = (text: string): string => `coalesce(${text}, 'null')`
const whereThere = (value: string, text: string): string =>
  `CASE WHEN ${value} IS NULL THEN 'null' ELSE ${text} END`

const object = (fields: readonly { readonly name: string; readonly text: string }[]): string =>
  `'{' || ${fields.map(({ name, text }) => `${literal(`${JSON.stringify(name)}:`)} || ${text}`).join(" || ',' || ")} || '}'`
