import type { ParquetField } from '../../core/records/parquet-type.ts'
import { shapeV1 } from '../../core/records/schema-v1.ts'
import { shapeV2 } from '../../core/records/schema-v2.ts'
import type { FieldShape, ScalarKind } from '../../core/records/shape.ts'
import { identifier } from '../../duckdb/duckdb.ts'
import type { Encoding } from './encode.ts'
import { sqlType } from './parquet-columns.ts'

/**
 * *Plain* lines: RECORD messages as a source writes them all day, whose every value is of the JSON kind its
 * field declares and written in the one usual way. What DuckDB makes of such a line by the expressions below is
 * what the exact converter makes of it, so the line itself can stand in the spool. A value is plain if the
 * pattern of its field matches; anything else, were it only unusual, is left to the converter.
 */
export interface PlainRows {
  /** What DuckDB reads the message's `record` as. */
  readonly type: string
  /** For each column an expression over `record`. */
  readonly select: readonly string[]
  readonly fields: readonly PlainField[]
}

export interface PlainField {
  /** The key in the data. */
  readonly key: string
  /** A regular expression for plain values, over text with a character for each byte; null is plain anyway. */
  readonly pattern: string | undefined
}

interface PlainKind {
  readonly pattern: string
  readonly type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN'
  /** From what was read to the column's physical type. */
  readonly from: (read: string) => string
}

const same = (read: string): string => read
const ESCAPE = String.raw`\\(?:["\\/bfnrt]|u(?:[0-9a-cA-CefEF][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2})`
const CHARACTERS = String.raw`[^"\\\x00-\x1f]*`
const TEXT: PlainKind = {
  pattern: `"${CHARACTERS}(?:${ESCAPE}${CHARACTERS})*"`,
  type: 'VARCHAR',
  from: same,
}
/** Days that every year has: February 29 is left to the converter, as are years of fewer digits. */
const DAY = String.raw`[12]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))`
const CLOCK = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d`
const TIME: PlainKind = {
  pattern: String.raw`"${CLOCK}(?:\.\d{1,6})?"`,
  type: 'VARCHAR',
  from: (read) => `epoch_us(${read}::TIME)`,
}
/** In UTC: DuckDB's cast passes other offsets over. v1 keeps milliseconds. */
const timestamp = (digits: 3 | 6): PlainKind => ({
  pattern: String.raw`"${DAY}[T ]${CLOCK}(?:\.\d{1,${digits}})?(?:Z|[+]00:00)?"`,
  type: 'VARCHAR',
  from: (read) => `epoch_us(${read}::TIMESTAMP)`,
})

const PLAIN_KINDS: Partial<Record<ScalarKind, PlainKind>> = {
  string: TEXT,
  any_text: TEXT,
  // Within 64 bits whatever the digits.
  long: { pattern: String.raw`(?:0|-?[1-9]\d{0,17})`, type: 'BIGINT', from: same },
  // Far from where doubles end; `-0` alone would be read as an integer.
  double: {
    pattern: String.raw`(?:-?[1-9]\d{0,17}|0|-0(?=\.))(?:\.\d{1,25})?(?:[eE][-+]?\d{1,2})?`,
    type: 'DOUBLE',
    from: same,
  },
  boolean: { pattern: '(?:true|false)', type: 'BOOLEAN', from: same },
  date: {
    pattern: `"${DAY}"`,
    type: 'VARCHAR',
    from: (read) => `(${read}::DATE - DATE '1970-01-01')::INTEGER`,
  },
  time_tz: TIME,
  time_ntz: TIME,
}

/** How plain lines of the stream are read; undefined where the stream has none. */
export function plainRowsOf(
  encoding: Encoding,
  columns: readonly ParquetField[],
): PlainRows | undefined {
  // The converter's way tells partitions apart and keeps what is not declared.
  if (encoding.partition_by.length > 0 || encoding.keep_additional_properties) return undefined
  const { stream, output_schema } = encoding
  const shape =
    output_schema === 'v1' ? shapeV1(stream.json_schema, { builtins: true }) : shapeV2(stream)
  const keys = shape.fields.flatMap(({ originals }) => originals)
  const distinct = new Set(keys.map((key) => key.toLowerCase()))
  if (distinct.size < keys.length || keys.length !== shape.fields.length) return undefined

  const by_name = new Map(shape.fields.map((field) => [field.name, field]))
  const members: string[] = []
  const fields: PlainField[] = []
  const kinds = new Map<string, PlainKind>()
  for (const field of shape.fields) {
    const [key = ''] = field.originals
    const kind = key === '' ? undefined : plainKind(field, encoding)
    fields.push({ key, pattern: kind?.pattern })
    if (kind === undefined) continue
    kinds.set(field.name, kind)
    members.push(`${identifier(key)} ${kind.type}`)
  }
  if (members.length === 0) return undefined

  const select = columns.map((column) => {
    const builtin = builtinOf(column, encoding)
    if (builtin !== undefined) return builtin
    const kind = kinds.get(column.name)
    const type = sqlType(column)
    const key = by_name.get(column.name)?.originals[0]
    if (kind === undefined || key === undefined) return `CAST(NULL AS ${type})`
    const read = `record.data.${identifier(key)}`
    if (column.kind !== 'group') return kind.from(read)
    // v1 has text beside each time; a plain time is in the first member.
    return `CASE WHEN ${read} IS NOT NULL THEN {'c0': ${kind.from(read)}, 'c1': NULL}::${type} END`
  })
  return { type: `STRUCT(data STRUCT(${members.join(', ')}), emitted_at BIGINT)`, select, fields }
}

function plainKind({ types }: FieldShape, { output_schema }: Encoding): PlainKind | undefined {
  const [type, other, third] = types
  const scalar = type !== undefined && type.kind !== 'array' && type.kind !== 'record'
  const alone = other === undefined || ('fallback' in other && other.fallback === true)
  if (!scalar || !alone || third !== undefined) return undefined
  if (type.kind === 'timestamp_tz' || type.kind === 'timestamp_ntz') {
    return timestamp(output_schema === 'v1' ? 3 : 6)
  }
  return PLAIN_KINDS[type.kind]
}

function builtinOf(column: ParquetField, encoding: Encoding): string | undefined {
  switch (column.name) {
    case '_airbyte_ab_id':
      return encoding.output_schema === 'v1' ? 'CAST(uuid() AS VARCHAR)' : undefined
    case '_airbyte_raw_id':
      return encoding.output_schema === 'v2' ? 'CAST(uuidv7() AS VARCHAR)' : undefined
    case '_airbyte_emitted_at':
      return encoding.output_schema === 'v1' ? 'record.emitted_at' : undefined
    case '_airbyte_extracted_at':
      return encoding.output_schema === 'v2' ? 'record.emitted_at' : undefined
    case '_airbyte_meta':
      if (encoding.output_schema === 'v1') return undefined
      return `{'c0': ${encoding.sync_id}, 'c1': []}::${sqlType(column)}`
    case '_airbyte_generation_id':
      return encoding.output_schema === 'v1' ? undefined : `${encoding.generation_id}::BIGINT`
    default:
      return undefined
  }
}
