import { type ParquetField, parquetColumns } from '../../core/records/parquet-type.ts'
import { avroSchemaOf } from './avro-record-of.ts'
import type { Encoding } from './encode.ts'

/**
 * Both writers are given columns under names of ours and of physical types only, and the file's footer then
 * says what they are called and mean. DuckDB would take names that differ in case for one, has no UTC
 * milliseconds or UTC time of day, and a value need not pass through a calendar.
 */

/** The columns of a stream's file. Throws `schema_unsupported`. */
export const columnsOf = (encoding: Encoding): ParquetField[] =>
  parquetColumns(avroSchemaOf(encoding), encoding.output_schema)

/** What a column, or the field of a group, is called while it is written: short, and safe in JSON and SQL. */
export const workName = (index: number): string => `c${index}`

type LeafType = 'BOOLEAN' | 'INT32' | 'INT64' | 'FLOAT' | 'DOUBLE' | 'BYTE_ARRAY'

/** The Parquet type of each kind (parquet-format, LogicalTypes.md). */
export const LEAF_TYPES: Record<
  Exclude<ParquetField['kind'], 'list' | 'map' | 'group'>,
  LeafType
> = {
  boolean: 'BOOLEAN',
  int32_date: 'INT32',
  int64: 'INT64',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'BYTE_ARRAY',
  uuid_string: 'BYTE_ARRAY',
  bytes: 'BYTE_ARRAY',
  time_micros: 'INT64',
  timestamp_micros: 'INT64',
  timestamp_millis: 'INT64',
}

/** Whether DuckDB can be given the columns as JSON: not where there are bytes. */
export const holdsBytes = (fields: readonly ParquetField[]): boolean =>
  fields.some((field) => {
    if (field.kind === 'group') return holdsBytes(field.children)
    if (field.kind === 'list') return holdsBytes([field.element])
    return field.kind === 'map' ? holdsBytes([field.value]) : field.kind === 'bytes'
  })

const SQL_TYPES: Record<LeafType, string> = {
  BOOLEAN: 'BOOLEAN',
  INT32: 'INTEGER',
  INT64: 'BIGINT',
  FLOAT: 'FLOAT',
  DOUBLE: 'DOUBLE',
  BYTE_ARRAY: 'VARCHAR',
}

/** The physical type, groups under work names. */
export function sqlType(field: ParquetField): string {
  switch (field.kind) {
    case 'list':
      return `${sqlType(field.element)}[]`
    case 'map':
      return `MAP(VARCHAR, ${sqlType(field.value)})`
    case 'group': {
      const fields = field.children.map((child, index) => `${workName(index)} ${sqlType(child)}`)
      return `STRUCT(${fields.join(', ')})`
    }
    default:
      return SQL_TYPES[LEAF_TYPES[field.kind]]
  }
}
