import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import { avroNotation } from '../../../test/support/avro-notation.ts'
import { FIELD_CASES, STREAM_CASES } from '../../../test/support/v1-schema-cases.ts'
import type { AvroField } from './avro-schema.ts'
import { avroSchemaV1 } from './schema-v1.ts'

/** avsc (5.7) checks names, unions and defaults as the specification has them. */
const check = (schema: unknown) => avro.Type.forSchema(structuredClone(schema) as avro.Schema)

const fieldsOf = (properties: unknown): readonly AvroField[] =>
  avroSchemaV1({ name: 's', json_schema: { type: 'object', properties } }, { builtins: false })
    .fields

const fieldType = (definition: unknown): string => {
  const [field] = fieldsOf({ field: definition })
  return field === undefined ? '' : avroNotation(field.type)
}

test.each(FIELD_CASES)('field %s', (name, definition, expected) => {
  const fields = fieldsOf({ [name]: JSON.parse(definition) })
  const canonical = name === '_ab_additional_properties' ? '_airbyte_additional_properties' : name
  const field = fields.find((candidate) => candidate.name === canonical)
  expect(field?.default).toBeNull()
  expect(avroNotation(field?.type ?? 'null')).toBe(expected)
  expect(fields.at(-1)?.name).toBe('_airbyte_additional_properties')
  expect(fields).toHaveLength(canonical === name && !name.startsWith('_') ? 2 : 1)
})

describe.each(STREAM_CASES)('stream $name', ({ name, namespace, builtins, properties, schema }) => {
  const stream = { name, namespace, json_schema: { properties: JSON.parse(properties) } }
  const made = avroSchemaV1(stream, { builtins })
  test('has the schema', () => {
    expect(avroNotation(made)).toBe(schema)
    expect(() => check(made)).not.toThrow()
  })
  test('says what it was called', () => {
    const changed = made.name === name ? undefined : `_airbyte_original_name:${name}`
    expect(made.doc).toBe(changed)
  })
})

const LOGICAL = {
  Date: '[null, int:date, string]',
  TimestampWithTimezone: '[null, long:timestamp-micros, string]',
  TimestampWithoutTimezone: '[null, long:timestamp-micros, string]',
  TimeWithoutTimezone: '[null, long:time-micros, string]',
  TimeWithTimezone: '[null, string]',
  String: '[null, string]',
  BinaryData: '[null, bytes]',
  Integer: '[null, long]',
  Number: '[null, double]',
  Boolean: '[null, boolean]',
}
test.each(Object.entries(LOGICAL))('well-known type %s', (name, expected) => {
  expect(fieldType({ $ref: `WellKnownTypes.json#/definitions/${name}` })).toBe(expected)
})

test.each([
  ['format: date', { type: 'string', format: 'date' }, '[null, int:date, string]'],
  ['an unknown format', { type: 'string', format: 'email' }, '[null, string]'],
  ['an unknown type', { type: 'banana' }, '[null, string]'],
  ['an unknown reference', { $ref: '#/definitions/toString' }, '[null, string]'],
  ['true', true, '[null, string]'],
  [
    'null and a time',
    { type: ['null', 'string'], format: 'date-time' },
    '[null, long:timestamp-micros, string]',
  ],
  ['a type twice', { type: ['object', 'object', 'null'] }, "[null, record field@ns=''{AAP}]"],
  ['alternatives', { oneOf: [{ type: 'string' }, { type: 'integer' }] }, '[null, string, long]'],
  ['an integer or a time', { type: ['integer', 'string'], format: 'date-time' }, '[null, long]'],
  [
    'two kinds of time',
    {
      anyOf: [
        { type: 'string', format: 'time' },
        { type: 'string', format: 'date-time' },
      ],
    },
    '[null, long:time-micros, string]',
  ],
  [
    'a time and an integer',
    { anyOf: [{ type: 'string', format: 'time' }, { type: 'integer' }] },
    '[null, long]',
  ],
  [
    'anyOf before oneOf',
    { oneOf: [{ type: 'string' }], anyOf: [{ type: 'integer' }] },
    '[null, long]',
  ],
  [
    'an object and text',
    { anyOf: [{ type: 'object' }, { type: 'string' }] },
    "[null, string, record field@ns=''{AAP}]",
  ],
  [
    'two arrays',
    {
      anyOf: [
        { type: 'array', items: { type: 'integer' } },
        { type: 'array', items: { type: 'string' } },
      ],
    },
    '[null, array<[null, long, string]>]',
  ],
  [
    'items by alternatives alone',
    { type: 'array', items: { oneOf: [{ type: 'integer' }, { type: 'string' }] } },
    '[null, array<[null, string]>]',
  ],
  [
    'items by reference',
    { type: 'array', items: { $ref: 'WellKnownTypes.json#/definitions/Date' } },
    '[null, array<[null, int:date, string]>]',
  ],
  ['items that are null', { type: 'array', items: { type: 'null' } }, '[null, array<null>]'],
  ['no items in a tuple', { type: 'array', items: [] }, '[null, array<[null, string]>]'],
  ['items of any kind', { type: 'array', items: true }, '[null, array<[null, string]>]'],
  ['properties without a type', { properties: { a: { type: 'string' } } }, '[null, string]'],
  ['not', { not: { type: 'string' } }, '[null, string]'],
])('%s', (_, definition, expected) => {
  expect(fieldType(definition)).toBe(expected)
})

describe('examples of the documentation', () => {
  test('a tuple of numbers and text', () => {
    const items = [{ type: 'string' }, { type: 'number' }]
    expect(fieldType({ type: 'array', items })).toBe('[null, array<[null, string, double]>]')
  })
  test('a name with a mark and a colon', () => {
    const [field] = fieldsOf({ 'spécial:character_names': { type: 'string' } })
    expect(field).toEqual({
      name: 'special_character_names',
      type: ['null', 'string'],
      default: null,
      doc: '_airbyte_original_name:spécial:character_names',
    })
  })
  test('a tuple of two objects', () => {
    const id = (first: string, second: string) => ({
      type: 'object',
      properties: { id_part_1: { type: first }, id_part_2: { type: second } },
    })
    const items = [
      { type: 'object', properties: { id: id('integer', 'string') } },
      { type: 'object', properties: { id: id('string', 'integer'), message: { type: 'string' } } },
    ]
    expect(fieldType({ type: 'array', items })).toBe(
      "[null, array<[null, record field@ns=''{id: [null, record id@ns='field'{id_part_1: [null, long, string]; id_part_2: [null, string, long]; AAP}]; message: [null, string]; AAP}]>]",
    )
  })
  test('everything together', () => {
    const schema = avroSchemaV1(
      {
        name: 'stream_name',
        json_schema: {
          type: 'object',
          properties: {
            id: { type: 'integer' },
            user: {
              type: ['null', 'object'],
              properties: {
                id: { type: 'integer' },
                field_with_spécial_character: { type: 'integer' },
              },
            },
            created_at: { type: ['null', 'string'], format: 'date-time' },
          },
        },
      },
      { builtins: true },
    )
    expect(avroNotation(schema)).toBe(
      "record stream_name{_airbyte_ab_id: string:uuid (no default); _airbyte_emitted_at: long:timestamp-millis (no default); id: [null, long]; user: [null, record user@ns=''{id: [null, long]; field_with_special_character: [null, long] /*doc _airbyte_original_name:field_with_spécial_character*/; AAP}]; created_at: [null, long:timestamp-micros, string]; AAP}",
    )
  })
})

test('names that come to be the same get a number, and doc tells them apart', () => {
  const fields = fieldsOf({
    '+1': { type: 'integer' },
    '-1': { type: 'integer' },
    _1: { type: 'object', properties: { a: { type: 'object' } } },
    é: { type: 'object' },
    è: { type: 'object' },
    '': {},
  })
  expect(fields.map(({ name, doc }) => [name, doc])).toEqual([
    ['_1', '_airbyte_original_name:+1'],
    ['_1_1', '_airbyte_original_name:-1'],
    ['_1_2', '_airbyte_original_name:_1'],
    ['e', '_airbyte_original_name:é'],
    ['e_1', '_airbyte_original_name:è'],
    ['_', '_airbyte_original_name:'],
    ['_airbyte_additional_properties', undefined],
  ])
})

test('no two records share a full name, whatever fields and the stream are called', () => {
  const object = { type: 'object', properties: { user: { type: 'object' } } }
  const schema = avroSchemaV1(
    {
      name: 'user',
      json_schema: {
        properties: {
          user: object,
          'user.items': { type: 'object' },
          both: { type: ['object', 'array'], items: { type: 'object' } },
          list: { anyOf: [{ type: 'object' }, { type: 'array', items: [{ type: 'object' }] }] },
          _airbyte_ab_id: { type: 'string' },
          'a.b': { type: 'object', properties: { c: { type: 'object' } } },
        },
      },
    },
    { builtins: true },
  )
  expect(() => check(schema)).not.toThrow()
  expect(schema.fields.map(({ name }) => name)).toEqual([
    '_airbyte_ab_id',
    '_airbyte_emitted_at',
    'user',
    'user_items',
    'both',
    'list',
    '_airbyte_ab_id_1',
    'a_b',
    '_airbyte_additional_properties',
  ])
})

test('no record is called as a primitive type', () => {
  const properties = {
    string: { type: 'object' },
    long: { type: 'array', items: [{ type: 'object' }] },
  }
  const schema = avroSchemaV1({ name: 'bytes', json_schema: { properties } }, { builtins: false })
  expect(avroNotation(schema)).toBe(
    "record bytes_1{string: [null, record string_1@ns=''{AAP}]; long: [null, array<[null, record long_1@ns=''{AAP}]>]; AAP}",
  )
  expect(() => check(schema)).not.toThrow()
})

describe('names from the wild', () => {
  test.each([
    ['streamWithCamelCase', 'streamWithCamelCase'],
    ['stream_with_underscores', 'stream_with_underscores'],
    ['STREAM_WITH_ALL_CAPS', 'STREAM_WITH_ALL_CAPS'],
    ['CapitalCase', 'CapitalCase'],
    ['stream_with_spécial_character', 'stream_with_special_character'],
    ['stream_name_with_operator+1', 'stream_name_with_operator_1'],
    ['stream_name_with_numbers_123', 'stream_name_with_numbers_123'],
    ['1stream_with_a_leading_number', '_1stream_with_a_leading_number'],
    ["c'est une belle histoire", 'c_est_une_belle_histoire'],
    ['./<>?\'";[]\\:{}|`~!@#$%^&*()_+-=', '_______________________________'],
    ['groups', 'groups'],
    ['1field_with_a_leading_number', '_1field_with_a_leading_number'],
    ['order', 'order'],
    ['ProperCase', 'ProperCase'],
    ['Foo.Bar', 'Foo_Bar'],
    ['😀', '_'],
    ['ﬁ', 'fi'],
    ['a \t b', 'a_b'],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
  ])('%j', (name, expected) => {
    const properties = JSON.parse(`{${JSON.stringify(name)}:{"type":"object"}}`)
    const schema = avroSchemaV1({ name, json_schema: { properties } }, { builtins: true })
    expect(schema.name).toBe(expected)
    expect(schema.fields[2]?.name).toBe(expected)
    // avsc takes what every object has for a type defined before.
    if (!(name in {})) expect(() => check(schema)).not.toThrow()
  })

  test.each([
    ['namespace_with_spøcial', 'namespace_with_sp_cial'],
    ['public.a-b.1c', 'public.a_b._1c'],
    ['with_operator-1', 'with_operator_1'],
    ['..', undefined],
    ['', undefined],
  ])('namespace %j', (namespace, expected) => {
    const schema = avroSchemaV1({ name: 's', namespace, json_schema: {} }, { builtins: true })
    expect(schema.namespace).toBe(expected)
    expect(() => check(schema)).not.toThrow()
  })
})
