import { describe, expect, test } from 'vitest'
import type { OutputSchema } from '../destination/output.ts'
import type { JsonSchema } from '../destination/stream.ts'
import { compileConverter } from './convert.ts'
import { type ParquetField, parquetColumns } from './parquet-type.ts'

function columnsOf(properties: unknown, output_schema: OutputSchema): readonly ParquetField[] {
  const { schema } = compileConverter(
    { name: 's', namespace: 'n', json_schema: { properties } as JsonSchema },
    { output_schema, on_bad_value: 'null', keep_additional_properties: false },
  )
  return parquetColumns(schema, output_schema)
}

function typeOf(field: ParquetField): string {
  if (field.kind === 'list') return `${typeOf(field.element)}[]`
  if (field.kind === 'map') return `map of ${typeOf(field.value)}`
  if (field.kind !== 'group') return field.kind
  return `{${field.children.map((child) => `${child.name}: ${typeOf(child)}`).join(', ')}}`
}

const types = (fields: readonly ParquetField[]) =>
  Object.fromEntries(fields.map((field) => [field.name, typeOf(field)]))

const one = (...members: unknown[]) => ({
  oneOf: members.map((member) => (typeof member === 'string' ? { type: member } : member)),
})

test('v1: every kind of column', () => {
  const columns = columnsOf(
    {
      i: { type: 'integer' },
      n: { type: 'number' },
      f: { type: 'number', airbyte_type: 'float' },
      b: { type: 'boolean' },
      s: { type: 'string' },
      bytes: { $ref: 'WellKnownTypes.json#/definitions/BinaryData' },
      d: { type: 'string', format: 'date' },
      t: { type: 'string', format: 'time' },
      o: { type: 'object', properties: { x: { type: 'array', items: { type: 'integer' } } } },
      none: { type: 'null' },
      nones: { type: 'array', items: { type: 'null' } },
    },
    'v1',
  )
  const rest = '_airbyte_additional_properties: map of string'
  expect(types(columns)).toEqual({
    _airbyte_ab_id: 'uuid_string',
    _airbyte_emitted_at: 'timestamp_millis',
    i: 'int64',
    n: 'double',
    f: 'float',
    b: 'boolean',
    s: 'string',
    bytes: 'bytes',
    d: '{member0: int32_date, member1: string}',
    t: '{member0: time_micros, member1: string}',
    o: `{x: int64[], ${rest}}`,
    nones: 'string[]',
    _airbyte_additional_properties: 'map of string',
  })
  expect(columns.map(({ kind }) => kind).slice(0, 2)).toEqual(['uuid_string', 'timestamp_millis'])
  expect(columns.map(({ optional }) => optional)).toEqual([false, false, ...Array(11).fill(true)])
})

test('v2: times are columns of their own', () => {
  const columns = columnsOf({ d: { type: 'string', format: 'date-time' } }, 'v2')
  expect(types(columns)).toEqual({
    _airbyte_raw_id: 'uuid_string',
    _airbyte_extracted_at: 'timestamp_millis',
    _airbyte_meta: '{sync_id: int64, changes: {field: string, change: string, reason: string}[]}',
    _airbyte_generation_id: 'int64',
    d: 'timestamp_micros',
  })
})

describe('unions', () => {
  test('of objects declared and not are refused', () => {
    const definition = one({ properties: { field1: { type: 'string' } } }, 'object')
    expect(() => columnsOf({ o: { properties: { f: definition } } }, 'v2')).toThrow(
      expect.objectContaining({
        code: 'schema_unsupported',
        message:
          'Stream "n.s": the field "o.f" may be two kinds of object, declared and not, which Parquet cannot tell apart.',
      }),
    )
  })
})
