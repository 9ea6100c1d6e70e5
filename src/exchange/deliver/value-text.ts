import type { Column, ColumnType } from '../../core/contract/contract.ts'
import { strptimePattern } from '../../core/time-pattern.ts'
import { identifier, literal } from '../../duckdb/duckdb.ts'

/** Values of a dataset as the text of JSON lines and CSV, as SQL. Every digit is kept; NULL stays NULL. */

/** Times of texts that name no zone are in this one; undefined: the column's. */
export type TextZone = string | undefined

/** The JSON text of a value. */
export function jsonText(sql: string, type: ColumnType, depth = 0): string {
  switch (type.kind) {
    case 'string':
    case 'uuid':
      return `to_json((${sql})::VARCHAR)::VARCHAR`
    case 'date':
    case 'time':
    case 'timestamp':
      return `'"' || ${plainText(sql, type)} || '"'`
    case 'json':
    case 'integer':
    case 'decimal':
    case 'number':
    case 'boolean':
      return plainText(sql, type)
    case 'map': {
      const e = `e${depth}`
      const value = orNull(jsonText(`${e}.value`, type.value, depth + 1))
      const entries = `list_transform(map_entries(${sql}), lambda ${e}: to_json(${e}.key)::VARCHAR || ':' || ${value})`
      return `'{' || array_to_string(${entries}, ',') || '}'`
    }
    case 'array': {
      const x = `x${depth}`
      const items = `list_transform(${sql}, lambda ${x}: ${orNull(jsonText(x, type.item, depth + 1))})`
      return `'[' || array_to_string(${items}, ',') || ']'`
    }
    case 'object': {
      const fields = type.fields.map((f) =>
        jsonField(f, jsonText(`(${sql}).${identifier(f.name)}`, f.type, depth + 1)),
      )
      return `CASE WHEN (${sql}) IS NOT NULL THEN '{' || concat_ws(',', ${fields.join(', ')}) || '}' END`
    }
  }
}

const orNull = (text: string) => `coalesce(${text}, 'null')`

/** `"name":value`, or NULL where there is no value: absent and null are the same to a receiver. */
const jsonField = (column: Column, text: string): string =>
  `(${literal(`${JSON.stringify(column.names[0] ?? column.name)}:`)} || ${text})`

/** The fields of a row as the inside of a JSON object. */
export function jsonFields(columns: readonly Column[], zone: TextZone): string {
  const fields = columns.map((c) => {
    const sql = identifier(c.name)
    const formatted = formattedTime(c, sql, zone)
    return jsonField(
      c,
      formatted === undefined ? jsonText(sql, c.type) : `to_json(${formatted})::VARCHAR`,
    )
  })
  return fields.length === 0 ? "''" : `concat_ws(',', ${fields.join(', ')})`
}

/** The text of a value without quotes, as it stands in a CSV field. */
export function fieldText(column: Column, zone: TextZone): string {
  const sql = identifier(column.name)
  return formattedTime(column, sql, zone) ?? plainText(sql, column.type)
}

function plainText(sql: string, type: ColumnType): string {
  switch (type.kind) {
    case 'timestamp':
      return `replace((${sql})::VARCHAR, ' ', 'T') || 'Z'`
    case 'number':
      // `200`, not `200.0`; checked rows hold no NaN and no whole number that a double changes.
      return `regexp_replace((${sql})::VARCHAR, '^(-?[1-9][0-9]*)[.]0$', '\\1')`
    case 'json':
      // Line breaks stand between the tokens of JSON only: those in strings are escaped.
      return `replace(replace((${sql})::VARCHAR, chr(10), ' '), chr(13), ' ')`
    case 'map':
    case 'array':
    case 'object':
      return jsonText(sql, type)
    default:
      return `(${sql})::VARCHAR`
  }
}

/** A date or time by the pattern its contract declares; undefined where that is ISO 8601. */
function formattedTime(column: Column, sql: string, zone: TextZone): string | undefined {
  const { type, time_format } = column
  if (time_format === undefined) return undefined
  if (type.kind !== 'date' && type.kind !== 'time' && type.kind !== 'timestamp') return undefined
  const pattern = strptimePattern(time_format) ?? time_format
  if (type.kind === 'date') return `strftime(${sql}, ${literal(pattern)})`
  if (type.kind === 'time') return `strftime(DATE '2000-01-01' + (${sql}), ${literal(pattern)})`
  if (/%z/i.test(pattern)) return `strftime(timezone('UTC', ${sql}), ${literal(pattern)})`
  const wall = `timezone(${literal(zone ?? type.zone)}, timezone('UTC', ${sql}))`
  return `strftime(${wall}, ${literal(pattern)})`
}
