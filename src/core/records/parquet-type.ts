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
