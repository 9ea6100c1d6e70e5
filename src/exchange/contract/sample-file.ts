import type { Column, ColumnType } from '../../core/contract/contract.ts'
import type { SampleRow, SampleValue } from '../../core/contract/sample.ts'

/** Sample rows as text files, and as what DuckDB makes Parquet of. */

/** One JSON line with its newline. Numbers are written with the digits they have; nulls are left out. */
export function jsonLine(row: SampleRow, columns: readonly Column[]): string {
  const fields = columns.flatMap((column) => {
    const name = column.names[0] ?? column.name
    const value = row[name] ?? null
    return value === null ? [] : [`${JSON.stringify(name)}:${jsonText(value, column.type)}`]
  })
  return `{${fields.join(',')}}\n`
}

/** The JSON text of a value. */
export function jsonText(value: SampleValue, type: ColumnType): string {
  if (value === null) return 'null'
  switch (type.kind) {
    case 'integer':
    case 'number':
    case 'decimal':
      return String(value)
    case 'map':
      return entries(value, () => type.value)
    case 'object':
      return entries(
        value,
        (name) => type.fields.find((field) => field.names.includes(name))?.type ?? { kind: 'json' },
      )
    case 'array':
      return `[${(value as readonly SampleValue[]).map((item) => jsonText(item, type.item)).join(',')}]`
    default:
      return JSON.stringify(value)
  }
}

function entries(value: SampleValue, typeOf: (name: string) => ColumnType): string {
  const fields = Object.entries(value as Readonly<Record<string, SampleValue>>).map(
    ([name, inner]) => `${JSON.stringify(name)}:${jsonText(inner, typeOf(name))}`,
  )
  return `{${fields.join(',')}}`
}

/** The header of a CSV file, with its newline. */
export function csvHeader(columns: readonly Column[]): string {
  return csvRecord(columns.map(({ name, names }) => names[0] ?? name))
}

/** One CSV record (RFC 4180) with its newline; nested values as JSON text, null as nothing. */
export function csvLine(row: SampleRow, columns: readonly Column[]): string {
  return csvRecord(
    columns.map((column) => {
      const value = row[column.names[0] ?? column.name] ?? null
      if (value === null) return undefined
      if (typeof value === 'object') return jsonText(value, column.type)
      return String(value)
    }),
  )
}

function csvRecord(fields: readonly (string | undefined)[]): string {
  const written = fields.map((field) => {
    if (field === undefined) return ''
    return field === '' || /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
  })
  // A single empty field would be a blank line, which is no record.
  const line = written.join(',')
  return `${line === '' ? '""' : line}\n`
}

/** DuckDB's type of a column as partners deliver it: UUIDs and JSON as text. */
export function deliveredType(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
      return 'VARCHAR'
    case 'integer':
      return `${type.signed ? '' : 'U'}${{ 8: 'TINYINT', 16: 'SMALLINT', 32: 'INTEGER', 64: 'BIGINT' }[type.bits]}`
    case 'number':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'time':
      return 'TIME'
    case 'timestamp':
      // An instant, whatever zone the reader takes plain timestamps to be in.
      return 'TIMESTAMP WITH TIME ZONE'
    case 'map':
      return `MAP(VARCHAR, ${deliveredType(type.value)})`
    case 'array':
      return `${deliveredType(type.item)}[]`
    case 'object':
      return `STRUCT(${type.fields.map(({ name, names, type: of }) => `"${(names[0] ?? name).replaceAll('"', '""')}" ${deliveredType(of)}`).join(', ')})`
  }
}
