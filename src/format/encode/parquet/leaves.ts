import { ExchangeError } from '../../../core/errors.ts'
import {
  type ParquetField,
  type ParquetScalarKind,
  parquetColumns,
} from '../../../core/records/parquet-type.ts'
import { avroSchemaOf } from '../avro-record-of.ts'
import type { Encoding } from '../encode.ts'
import { UUID_LENGTH } from '../uuid-writer.ts'

/** Physical types, by their number in parquet-format's `Type`. */
export const TYPES = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  FLOAT: 4,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
} as const
export type LeafType = keyof typeof TYPES

export const LEAF_TYPES: Record<ParquetScalarKind, LeafType> = {
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

/** Bytes of a value; a boolean takes one until it is written, a byte array as many as it has. */
export const WIDTH_OF: Record<Exclude<LeafType, 'BYTE_ARRAY'>, number> = {
  BOOLEAN: 1,
  INT32: 4,
  INT64: 8,
  FLOAT: 4,
  DOUBLE: 8,
}

/** A row's id in PLAIN encoding: its length, and its text. */
export const ROW_ID_BYTES = 4 + UUID_LENGTH

/** A column that holds values: a field of the schema that has no fields of its own. */
export interface Leaf {
  readonly path: readonly string[]
  readonly kind: ParquetScalarKind
  readonly type: LeafType
  /** The definition level of a value that is there, and the repetition level of the innermost list. */
  readonly max_definition: number
  readonly max_repetition: number
  /** The rows' own ids: nothing is kept of them, as they are drawn when the column is written. */
  readonly row_id: boolean
}

/** Levels are kept in a byte each. */
const DEEPEST = 255

/** The columns of a stream's file. Throws `schema_unsupported`. */
export const columnsOf = (encoding: Encoding): ParquetField[] =>
  withLeaves(parquetColumns(avroSchemaOf(encoding), encoding.output_schema))

/** Without groups that have no fields, which Parquet does not know: their rows say nothing. */
function withLeaves(fields: readonly ParquetField[]): ParquetField[] {
  return fields.flatMap((field) => {
    const filled = withLeaf(field)
    return filled === undefined ? [] : [filled]
  })
}

function withLeaf(field: ParquetField): ParquetField | undefined {
  switch (field.kind) {
    case 'group': {
      const children = withLeaves(field.children)
      // A union keeps its members' places.
      if (field.union !== undefined) {
        return {
          ...field,
          children: field.children.map((child) => withLeaf(child) ?? empty(child)),
        }
      }
      return children.length === 0 ? undefined : { ...field, children }
    }
    case 'list':
      return { ...field, element: withLeaf(field.element) ?? empty(field.element) }
    case 'map':
      return { ...field, value: withLeaf(field.value) ?? empty(field.value) }
    default:
      return field
  }
}

/** Stands where something has to: always null. */
const empty = ({ name }: ParquetField): ParquetField => ({
  name,
  optional: true,
  kind: 'group',
  children: [NOTHING],
})
const NOTHING: ParquetField = { name: 'nothing', optional: true, kind: 'string' }

/** The leaves in the order of the schema. Throws `schema_unsupported` where it is nested too deep. */
export function leavesOf(columns: readonly ParquetField[]): Leaf[] {
  const leaves: Leaf[] = []
  const visit = (
    field: ParquetField,
    above: readonly string[],
    definition: number,
    repetition: number,
    required = false,
  ): void => {
    const path = [...above, field.name]
    const present = required ? definition : definition + 1
    if (present > DEEPEST) {
      throw new ExchangeError(
        'schema_unsupported',
        `The field ${path.slice(0, 3).join('.')}… is nested more than ${DEEPEST} levels deep, which Parquet files of ours cannot hold.`,
      )
    }
    switch (field.kind) {
      case 'group':
        for (const child of field.children) visit(child, path, present, repetition)
        break
      case 'list':
        visit({ ...field.element, name: 'element' }, [...path, 'list'], present + 1, repetition + 1)
        break
      case 'map': {
        const entry = [...path, 'key_value']
        visit(KEY, entry, present + 1, repetition + 1, true)
        visit({ ...field.value, name: 'value' }, entry, present + 1, repetition + 1)
        break
      }
      default:
        leaves.push({
          path,
          kind: field.kind,
          type: LEAF_TYPES[field.kind],
          max_definition: present,
          max_repetition: repetition,
          row_id: field.kind === 'uuid_string',
        })
    }
  }
  for (const column of columns) visit(column, [], 0, 0)
  return leaves
}

const KEY: ParquetField = { name: 'key', optional: false, kind: 'string' }
