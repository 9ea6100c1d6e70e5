import type { OutputSchema } from '../destination/output.ts'
import { ExchangeError } from '../errors.ts'
import {
  type AvroAnnotated,
  type AvroRecordSchema,
  type AvroSchema,
  branchesOf,
  type TypeName,
} from './avro-schema.ts'

/**
 * Columns of a Parquet file for an Avro schema, in words that any writer can be told. Parquet has neither
 * unions nor a type of nothing but null: a union is a group with a field for each of its members, a field that
 * is always null is left out (in a list: a string that is always null).
 */

export type ParquetScalarKind =
  | 'boolean'
  | 'int32_date'
  | 'int64'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes'
  | 'time_micros'
  | 'timestamp_micros'
  | 'timestamp_millis'
  | 'uuid_string'

export type ParquetField =
  | { readonly name: string; readonly optional: boolean; readonly kind: ParquetScalarKind }
  | {
      readonly name: string
      readonly optional: boolean
      readonly kind: 'list'
      readonly element: ParquetField
    }
  /** Its keys are strings. */
  | {
      readonly name: string
      readonly optional: boolean
      readonly kind: 'map'
      readonly value: ParquetField
    }
  | {
      readonly name: string
      readonly optional: boolean
      readonly kind: 'group'
      readonly children: readonly ParquetField[]
      /** Of a union, `members`: `member0`, `member1` … `typed`: `type` says which of the others it is. */
      readonly union?: 'members' | 'typed'
    }

const BY_LOGICAL_TYPE: Record<NonNullable<AvroAnnotated['logicalType']>, ParquetScalarKind> = {
  uuid: 'uuid_string',
  date: 'int32_date',
  'time-micros': 'time_micros',
  'timestamp-micros': 'timestamp_micros',
  'timestamp-millis': 'timestamp_millis',
}

const BY_TYPE: Record<AvroAnnotated['type'], ParquetScalarKind> = {
  null: 'string',
  boolean: 'boolean',
  int: 'int64',
  long: 'int64',
  float: 'float',
  double: 'double',
  bytes: 'bytes',
  string: 'string',
}

/** Throws `schema_unsupported` where two members of a union are of one name under v2: two kinds of object. */
export function parquetColumns(
  schema: AvroRecordSchema,
  output_schema: OutputSchema,
): ParquetField[] {
  const label = schema.namespace === undefined ? schema.name : `${schema.namespace}.${schema.name}`
  return fieldsOf(schema, { output_schema, label, path: [] })
}

interface Position {
  readonly output_schema: OutputSchema
  readonly label: string
  readonly path: readonly string[]
}

const below = (position: Position, name: string): Position => ({
  ...position,
  path: [...position.path, name],
})

function fieldsOf(schema: AvroRecordSchema, position: Position): ParquetField[] {
  return schema.fields
    .filter(({ type }) => type !== 'null')
    .map(({ name, type }) => fieldOf(name, type, below(position, name)))
}

function fieldOf(name: string, schema: AvroSchema, position: Position): ParquetField {
  const branches = branchesOf(schema)
  const optional = schema === 'null' || (Array.isArray(schema) && schema.includes('null'))
  const [only = 'null', another] = branches
  if (another !== undefined) return unionOf(name, branches, position)
  if (typeof only === 'string') return { name, optional, kind: BY_TYPE[only] }
  if (!('type' in only)) throw new Error('a union within a union')
  switch (only.type) {
    case 'record':
      return { name, optional, kind: 'group', children: fieldsOf(only, position) }
    case 'array':
      return { name, optional, kind: 'list', element: fieldOf('element', only.items, position) }
    case 'map':
      return { name, optional, kind: 'map', value: fieldOf('value', only.values, position) }
    default:
      return { name, optional, kind: scalarKind(only) }
  }
}

const scalarKind = ({ type, logicalType }: AvroAnnotated): ParquetScalarKind =>
  logicalType === undefined ? BY_TYPE[type] : BY_LOGICAL_TYPE[logicalType]

function unionOf(name: string, branches: readonly AvroSchema[], position: Position): ParquetField {
  const group = { name, optional: true, kind: 'group' } as const
  const member = (field: string, branch: AvroSchema) => fieldOf(field, ['null', branch], position)
  if (position.output_schema === 'v1') {
    const children = branches.map((branch, index) => member(`member${index}`, branch))
    return { ...group, union: 'members', children }
  }
  const names = branches.map(typeNameOf)
  const twice = names.find((type, index) => names.indexOf(type) !== index)
  if (twice !== undefined) {
    const field = position.path.join('.')
    throw new ExchangeError(
      'schema_unsupported',
      `Stream "${position.label}": the field "${field}" may be two kinds of ${twice}, declared and not, which Parquet cannot tell apart.`,
      { details: { stream: position.label, field } },
    )
  }
  const type: ParquetField = { name: 'type', optional: false, kind: 'string' }
  const children = branches.map((branch, index) => member(names[index] ?? '', branch))
  return { ...group, union: 'typed', children: [type, ...children] }
}

const TYPE_NAMES: Record<string, TypeName> = {
  boolean: 'boolean',
  int: 'date',
  long: 'integer',
  double: 'number',
  string: 'string',
  record: 'object',
  array: 'array',
  'time-micros': 'time_with_timezone',
  'timestamp-micros': 'timestamp_with_timezone',
}

function typeNameOf(branch: AvroSchema): TypeName {
  if (typeof branch === 'string') return TYPE_NAMES[branch] ?? 'string'
  if (!('type' in branch)) throw new Error('a union within a union')
  if ('airbyte_type' in branch && branch.airbyte_type !== undefined) return branch.airbyte_type
  const logical = 'logicalType' in branch ? branch.logicalType : undefined
  return TYPE_NAMES[logical ?? branch.type] ?? TYPE_NAMES[branch.type] ?? 'string'
}

const DUCKDB_TYPES: Record<ParquetScalarKind, string> = {
  boolean: 'BOOLEAN',
  int32_date: 'DATE',
  int64: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  bytes: 'BLOB',
  time_micros: 'TIME',
  timestamp_micros: 'TIMESTAMPTZ',
  // DuckDB has UTC timestamps in microseconds only.
  timestamp_millis: 'TIMESTAMPTZ',
  uuid_string: 'VARCHAR',
}

/** DuckDB's type of the column, as `read_json` and casts take it. */
export function duckdbType(field: ParquetField): string {
  switch (field.kind) {
    case 'list':
      return `${duckdbType(field.element)}[]`
    case 'map':
      return `MAP(VARCHAR, ${duckdbType(field.value)})`
    case 'group': {
      const children = field.children.map((child) => `"${child.name}" ${duckdbType(child)}`)
      return `STRUCT(${children.join(', ')})`
    }
    default:
      return DUCKDB_TYPES[field.kind]
  }
}

/** What `read_json` is to read for `parquetText`: as `duckdbType`, but for bytes, which come as base64. */
export const duckdbReadType = (field: ParquetField): string =>
  duckdbType(replaceKind(field, 'bytes', 'string'))

function replaceKind(
  field: ParquetField,
  from: ParquetScalarKind,
  to: ParquetScalarKind,
): ParquetField {
  switch (field.kind) {
    case 'list':
      return { ...field, element: replaceKind(field.element, from, to) }
    case 'map':
      return { ...field, value: replaceKind(field.value, from, to) }
    case 'group':
      return { ...field, children: field.children.map((child) => replaceKind(child, from, to)) }
    default:
      return field.kind === from ? { ...field, kind: to } : field
  }
}

const hasBytes = (field: ParquetField): boolean => duckdbType(field) !== duckdbReadType(field)

/** SQL that makes a column read as `duckdbReadType` one of `duckdbType`; mostly its quoted name alone. */
export function duckdbSelect(field: ParquetField, from = `"${field.name}"`): string {
  if (!hasBytes(field)) return from
  if (field.kind === 'list') {
    const item = `${'i'.repeat(1 + (/\bi+\b/.exec(from)?.[0].length ?? 0))}`
    return `list_transform(${from}, lambda ${item}: ${duckdbSelect(field.element, item)})`
  }
  if (field.kind !== 'group') return `from_base64(${from})`
  const children = field.children.map(
    (child) => `"${child.name}" := ${duckdbSelect(child, `${from}."${child.name}"`)}`,
  )
  return `CASE WHEN ${from} IS NOT NULL THEN struct_pack(${children.join(', ')}) END`
}

/** Whether two columns or two fields of a group differ in upper and lower case alone: DuckDB takes them for one. */
export function hasCaseTwins(fields: readonly ParquetField[]): boolean {
  const names = new Set(fields.map(({ name }) => name.toLowerCase()))
  if (names.size < fields.length) return true
  return fields.some((field) => {
    if (field.kind === 'group') return hasCaseTwins(field.children)
    if (field.kind === 'list') return hasCaseTwins([field.element])
    return field.kind === 'map' && hasCaseTwins([field.value])
  })
}
