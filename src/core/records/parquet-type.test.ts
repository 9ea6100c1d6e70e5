import { describe, expect, test } from 'vitest'
import type { OutputSchema } from '../destination/output.ts'
import type { JsonSchema } from '../destination/stream.ts'
import { Branch } from './avro-value.ts'
import { compileConverter } from './convert.ts'
import { parseRecord } from './exact-json.ts'
import {
  duckdbReadType,
  duckdbSelect,
  duckdbType,
  hasCaseTwins,
  type ParquetField,
  parquetColumns,
} from './parquet-type.ts'
import { type ParquetValue, parquetValue } from './parquet-value.ts'

function made(properties: unknown, output_schema: OutputSchema) {
  const converter = compileConverter(
    { name: 's', namespace: 'n', json_schema: { properties } as JsonSchema },
    { output_schema, on_bad_value: 'null', keep_additional_properties: false },
  )
  const columns = parquetColumns(converter.schema, output_schema)
  const values = (record: string): Record<string, ParquetValue> => {
    const value = converter.convert(parseRecord(record), () => expect.unreachable())
    return Object.fromEntries(
      columns.map((field) => [field.name, parquetValue(field, value[field.name])]),
    )
  }
  return { columns, values }
}

const types = (fields: readonly ParquetField[]) =>
  Object.fromEntries(fields.map((field) => [field.name, duckdbType(field)]))

const one = (...members: unknown[]) => ({
  oneOf: members.map((member) => (typeof member === 'string' ? { type: member } : member)),
})

test('v1: every kind of column', () => {
  const { columns } = made(
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
  const rest = '"_airbyte_additional_properties" MAP(VARCHAR, VARCHAR)'
  expect(types(columns)).toEqual({
    _airbyte_ab_id: 'VARCHAR',
    _airbyte_emitted_at: 'TIMESTAMPTZ',
    i: 'BIGINT',
    n: 'DOUBLE',
    f: 'FLOAT',
    b: 'BOOLEAN',
    s: 'VARCHAR',
    bytes: 'BLOB',
    d: 'STRUCT("member0" DATE, "member1" VARCHAR)',
    t: 'STRUCT("member0" TIME, "member1" VARCHAR)',
    o: `STRUCT("x" BIGINT[], ${rest})`,
    nones: 'VARCHAR[]',
    _airbyte_additional_properties: 'MAP(VARCHAR, VARCHAR)',
  })
  expect(columns.map(({ kind }) => kind).slice(0, 2)).toEqual(['uuid_string', 'timestamp_millis'])
  expect(columns.map(({ optional }) => optional)).toEqual([false, false, ...Array(11).fill(true)])
})

test('v2: times are columns of their own', () => {
  const { columns } = made({ d: { type: 'string', format: 'date-time' } }, 'v2')
  expect(types(columns)).toEqual({
    _airbyte_raw_id: 'VARCHAR',
    _airbyte_extracted_at: 'TIMESTAMPTZ',
    _airbyte_meta:
      'STRUCT("sync_id" BIGINT, "changes" STRUCT("field" VARCHAR, "change" VARCHAR, "reason" VARCHAR)[])',
    _airbyte_generation_id: 'BIGINT',
    d: 'TIMESTAMPTZ',
  })
})

describe('unions', () => {
  test.each<[OutputSchema, unknown, string, ParquetValue]>([
    ['v1', one('integer', 'string'), '1', { member0: 1, member1: null }],
    ['v2', one('integer', 'string'), '1', { type: 'integer', integer: 1, string: null }],
    [
      'v2',
      one('string', 'integer'),
      '"string1"',
      { type: 'string', string: 'string1', integer: null },
    ],
    ['v2', one('string', 'integer'), '20', { type: 'integer', string: null, integer: 20 }],
    [
      'v2',
      one('object', 'integer'),
      '{"foo":"bar"}',
      { type: 'object', object: '{"foo":"bar"}', integer: null },
    ],
    [
      'v2',
      one('boolean', { properties: { id: { type: 'integer' }, name: { type: 'string' } } }),
      '{"id":10,"name":"Alice"}',
      { type: 'object', boolean: null, object: { id: 10, name: 'Alice' } },
    ],
    [
      'v2',
      one(
        { type: 'string', format: 'date' },
        { type: 'string', format: 'date-time', airbyte_type: 'timestamp_without_timezone' },
      ),
      '"2021-01-01T00:00:00"',
      {
        type: 'timestamp_without_timezone',
        date: null,
        timestamp_without_timezone: 1609459200000000,
      },
    ],
    [
      'v2',
      one(
        { type: 'array', items: { type: 'integer' } },
        { type: 'string', format: 'time' },
        'number',
      ),
      '[1,null]',
      { type: 'array', array: [1, null], time_with_timezone: null, number: null },
    ],
    [
      'v2',
      one(
        { properties: { field4: { type: 'string' } } },
        { properties: { field4: { type: 'boolean' } } },
      ),
      '{"field4":"boo"}',
      { field4: { type: 'string', string: 'boo', boolean: null } },
    ],
  ])('%s %j %s', (output_schema, definition, json, expected) => {
    expect(made({ f: definition }, output_schema).values(`{"f":${json}}`).f).toEqual(expected)
  })

  test('of a boolean and an object under v1', () => {
    const definition = one('boolean', { type: 'object', properties: { id: { type: 'integer' } } })
    expect(made({ f: definition }, 'v1').values('{"f":{"id":10}}').f).toEqual({
      member0: null,
      member1: { id: 10, _airbyte_additional_properties: null },
    })
  })

  test('of objects declared and not are refused', () => {
    const definition = one({ properties: { field1: { type: 'string' } } }, 'object')
    expect(() => made({ o: { properties: { f: definition } } }, 'v2')).toThrow(
      expect.objectContaining({
        code: 'schema_unsupported',
        message:
          'Stream "n.s": the field "o.f" may be two kinds of object, declared and not, which Parquet cannot tell apart.',
      }),
    )
  })

  test('a branch that the schema lacks is a defect', () => {
    const [, , field] = made({ f: one('integer', 'string') }, 'v1').columns
    expect(() => parquetValue(field as ParquetField, new Branch(2, 1))).toThrow('no branch 2')
  })
})

test('names that DuckDB takes for one are found', () => {
  const { columns } = made({ a: { type: 'integer' }, b: { type: 'integer' } }, 'v1')
  expect(hasCaseTwins(columns)).toBe(false)
  const twins = { type: 'object', properties: { a: {}, A: {} } }
  expect(hasCaseTwins(made({ a: {}, A: {} }, 'v1').columns)).toBe(true)
  expect(hasCaseTwins(made({ l: { type: 'array', items: twins } }, 'v1').columns)).toBe(true)
})

test('bytes are read as base64, wherever they are', () => {
  const bytes = { name: 'b', optional: true, kind: 'bytes' } as const
  const list = {
    name: 'l',
    optional: true,
    kind: 'list',
    element: { ...bytes, name: 'element' },
  } as const
  expect(duckdbReadType(list)).toBe('VARCHAR[]')
  expect(duckdbType(list)).toBe('BLOB[]')
  expect(duckdbSelect(bytes)).toBe('from_base64("b")')
  expect(duckdbSelect({ ...bytes, kind: 'string' })).toBe('"b"')
})
