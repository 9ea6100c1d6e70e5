import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import { avroNotation } from '../../../test/support/avro-notation.ts'
import type { AvroRecordSchema } from './avro-schema.ts'
import { avroSchemaV2 } from './schema-v2.ts'

const schemaOf = (properties: unknown, keep_additional_properties = false): AvroRecordSchema =>
  avroSchemaV2(
    { name: 's', namespace: 'n', json_schema: { type: 'object', properties } },
    { keep_additional_properties },
  )

const fieldType = (definition: unknown): string => {
  const schema = schemaOf({ f: definition })
  expect(() => avro.Type.forSchema(structuredClone(schema) as avro.Schema)).not.toThrow()
  const field = schema.fields[4]
  expect(field?.default).toBeNull()
  return field === undefined ? '' : avroNotation(field.type)
}

test('built-in fields come first', () => {
  expect(avroNotation(schemaOf({}))).toBe(
    "record s@ns='n'{_airbyte_raw_id: string:uuid (no default); _airbyte_extracted_at: long:timestamp-millis (no default); _airbyte_meta: record _airbyte_meta@ns='s.n'{sync_id: long (no default); changes: array<record items@ns='changes._airbyte_meta.s.n'{field: string (no default); change: string (no default); reason: string (no default)}> (no default)} (no default); _airbyte_generation_id: long (no default)}",
  )
})

test('a stream without a namespace is in "default", records lie within each other', () => {
  const object = { type: 'object', properties: { a: { type: 'string' } } }
  const json_schema = {
    properties: { 'o-1': { ...object, properties: { list: { type: 'array', items: object } } } },
  }
  const schema = avroSchemaV2({ name: 's', json_schema }, { keep_additional_properties: true })
  expect(schema.namespace).toBe('default')
  expect(avroNotation(schema.fields[4]?.type ?? 'null')).toBe(
    "[null, record o_1@ns='s.default'{list: [null, array<[null, record items@ns='list.o_1.s.default'{a: [null, string]; AAP}]>]; AAP}]",
  )
})

const time = (format: string, airbyte_type?: string) => ({ type: 'string', format, airbyte_type })
const timestamp = '[null, long:timestamp-micros]'

describe('fields', () => {
  test.each([
    [{ type: 'string' }, '[null, string]'],
    [{ type: ['null', 'integer'] }, '[null, long]'],
    [{ type: 'int' }, '[null, long]'],
    [{ type: 'number' }, '[null, double]'],
    [{ type: 'number', airbyte_type: 'integer' }, '[null, long]'],
    [{ type: 'number', airbyte_type: 'float' }, '[null, double]'],
    [{ type: 'boolean' }, '[null, boolean]'],
    [{ type: 'null' }, '[null, string]'],
    [{}, '[null, string]'],
    [true, '[null, string]'],
    [{ type: 'object' }, '[null, string]'],
    [{ type: 'object', properties: {} }, '[null, string]'],
    [{ properties: { a: { type: 'integer' } } }, "[null, record f@ns='s.n'{a: [null, long]}]"],
    [{ type: 'array' }, '[null, string]'],
    [{ type: 'array', items: {} }, '[null, string]'],
    [{ type: 'array', items: { type: 'integer' } }, '[null, array<[null, long]>]'],
    [
      { type: 'array', items: [{ type: 'integer' }, { type: 'string' }] },
      '[null, array<[null, long, string]>]',
    ],
    [
      { type: 'array', items: { oneOf: [{ type: 'integer' }, { type: 'string' }] } },
      '[null, array<[null, long, string]>]',
    ],
    [time('date'), '[null, int:date]'],
    [time('time'), '[null, long:time-micros]'],
    [time('time', 'time_without_timezone'), '[null, long:time-micros]'],
    [time('date-time'), timestamp],
    [time('date-time', 'timestamp_without_timezone'), timestamp],
    [{ $ref: 'WellKnownTypes.json#/definitions/TimeWithTimezone' }, '[null, long:time-micros]'],
    [{ $ref: 'WellKnownTypes.json#/definitions/Integer' }, '[null, long]'],
    [{ $ref: 'WellKnownTypes.json#/definitions/BinaryData' }, '[null, string]'],
    [{ oneOf: [{ type: 'integer' }, { type: 'integer' }] }, '[null, long]'],
    [
      { oneOf: [{ type: 'integer' }, { type: 'string' }, { type: 'integer' }] },
      '[null, long, string]',
    ],
    [
      { oneOf: [{ type: 'null' }, { type: 'integer' }], anyOf: [{ type: 'string' }] },
      '[null, long]',
    ],
    [{ anyOf: [{ type: 'string' }], allOf: [{ type: 'integer' }] }, '[null, string]'],
    [
      { anyOf: [{ type: 'integer' }, { oneOf: [{ type: 'boolean' }, { type: 'string' }] }] },
      '[null, long, boolean, string]',
    ],
    [{ type: ['string', 'integer'] }, '[null, string, long]'],
    [
      {
        oneOf: [
          { properties: { id: { type: 'integer' } } },
          { properties: { name: { type: 'string' } } },
        ],
      },
      "[null, record f@ns='s.n'{id: [null, long]; name: [null, string]}]",
    ],
    [
      {
        oneOf: [
          { properties: { id: { type: 'integer' } } },
          { properties: { id: { type: 'string' } } },
        ],
      },
      "[null, record f@ns='s.n'{id: [null, long, string]}]",
    ],
    [
      {
        oneOf: [
          { type: 'array', items: { type: 'integer' } },
          { type: 'array', items: { type: 'string' } },
        ],
      },
      '[null, array<[null, long, string]>]',
    ],
    [{ oneOf: [{ type: 'object' }, { type: 'integer' }] }, '[null, string (object), long]'],
    [{ oneOf: [{ type: 'object' }, { type: 'string' }] }, '[null, string]'],
    [
      { oneOf: [{ type: 'object' }, { type: 'array' }, { type: 'integer' }] },
      '[null, string, long]',
    ],
    [{ oneOf: [{ type: 'integer' }, time('date-time')] }, '[null, long, string]'],
    [{ oneOf: [time('time'), time('date-time')] }, '[null, long:time-micros, string]'],
    [{ oneOf: [time('date-time'), time('date-time', 'timestamp_without_timezone')] }, timestamp],
    [
      { oneOf: [time('date'), time('date-time', 'timestamp_without_timezone')] },
      '[null, int:date, long:timestamp-micros (timestamp_without_timezone)]',
    ],
    [{ oneOf: [time('date-time'), { type: 'string' }] }, '[null, long:timestamp-micros, string]'],
  ])('%j', (definition, expected) => {
    expect(fieldType(definition)).toBe(expected)
  })
})

test.each([
  [{ a: { type: 'banana' } }, 'a', '"banana"'],
  [
    { a: { type: 'object', properties: { b: { type: 'array', items: { type: ['null', 'x'] } } } } },
    'a.b.[]',
    '"x"',
  ],
  [{ a: { oneOf: [{ type: 'string' }, { type: 5 }] } }, 'a', '5'],
])('an unknown type is refused: %j', (properties, field, type) => {
  expect(() => schemaOf(properties)).toThrow(
    expect.objectContaining({
      code: 'schema_unsupported',
      message: `Stream "n.s": the field "${field}" is of the unknown type ${type}.`,
    }),
  )
})

test('objects among alternatives are merged', () => {
  const definition = {
    oneOf: [
      {
        type: 'object',
        properties: {
          field1: { type: 'string' },
          field2: { type: 'integer' },
          field4: { type: 'string' },
        },
      },
      {
        type: 'object',
        properties: {
          field1: { type: 'string' },
          field3: { type: 'number' },
          field4: { type: 'boolean' },
        },
      },
    ],
  }
  expect(fieldType(definition)).toBe(
    "[null, record f@ns='s.n'{field1: [null, string]; field2: [null, long]; field4: [null, string, boolean]; field3: [null, double]}]",
  )
})

test('names that come to be the same, or a built-in one, get a number', () => {
  const { fields } = schemaOf(
    { 'a+': { type: 'string' }, 'a-': { type: 'string' }, _airbyte_meta: { type: 'string' } },
    true,
  )
  expect(fields.slice(4).map(({ name, doc }) => [name, doc])).toEqual([
    ['a_', '_airbyte_original_name:a+'],
    ['a__1', '_airbyte_original_name:a-'],
    ['_airbyte_meta_1', '_airbyte_original_name:_airbyte_meta'],
    ['_airbyte_additional_properties', undefined],
  ])
})
