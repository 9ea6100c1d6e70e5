import { describe, expect, test } from 'vitest'
import { type AvroValue, Branch } from './avro-value.ts'
import { type BadValue, changeOf } from './bad-value.ts'
import { compileConverter } from './convert.ts'
import { parseRecord } from './exact-json.ts'

function convert(properties: unknown, record: string, keep_additional_properties = false) {
  const converter = compileConverter(
    { name: 's', json_schema: { type: 'object', properties } },
    { output_schema: 'v2', on_bad_value: 'null', keep_additional_properties },
  )
  const bad: BadValue[] = []
  const value = converter.convert(parseRecord(record), (entry) => bad.push(entry))
  return { value, bad, changes: bad.map(changeOf) }
}

function field(definition: unknown, json: string) {
  const { value, bad } = convert({ f: definition }, `{"f":${json}}`)
  return { value: value.f, bad: bad.map(({ code }) => code) }
}

const time = (format: string, airbyte_type: string) => ({ type: 'string', format, airbyte_type })
const BASIC = {
  id: { type: 'integer' },
  struct: { type: 'object', properties: { foo: { type: 'number' } } },
  string: { type: 'string' },
  number: { type: 'number' },
  integer: { type: 'integer' },
  boolean: { type: 'boolean' },
  timestamp_with_timezone: time('date-time', 'timestamp_with_timezone'),
  timestamp_without_timezone: time('date-time', 'timestamp_without_timezone'),
  time_with_timezone: time('time', 'time_with_timezone'),
  time_without_timezone: time('time', 'time_without_timezone'),
  date: { type: 'string', format: 'date' },
}
const NOTHING = Object.fromEntries(Object.keys(BASIC).map((name) => [name, null]))
const serialization = (name: string) => ({
  field: name,
  change: 'NULLED',
  reason: 'DESTINATION_SERIALIZATION_ERROR',
})
const size = (name: string) => ({
  field: name,
  change: 'NULLED',
  reason: 'DESTINATION_FIELD_SIZE_LIMITATION',
})

describe('basic types', () => {
  test.each<[string, string, Record<string, AvroValue>, unknown[]]>([
    [
      'all of them',
      '{"id":1,"string":"fo\\u0000o","number":42.1,"integer":42,"boolean":true,"timestamp_with_timezone":"2023-01-23T11:34:56-01:00","timestamp_without_timezone":"2023-01-23T12:34:56","time_with_timezone":"11:34:56-01:00","time_without_timezone":"12:34:56","date":"2023-01-23"}',
      {
        id: 1,
        string: 'fo\u0000o',
        number: 42.1,
        integer: 42,
        boolean: true,
        timestamp_with_timezone: 1674477296000000,
        timestamp_without_timezone: 1674477296000000,
        time_with_timezone: 45296000000,
        time_without_timezone: 45296000000,
        date: 19380,
      },
      [],
    ],
    ['nulls', JSON.stringify({ ...NOTHING, id: 2 }), { id: 2 }, []],
    ['nothing', '{"id":3}', { id: 3 }, []],
    [
      'great numbers',
      '{"id":4,"struct":{"foo":50000.0000000000000001},"integer":99999999999999999999999999999999,"number":1e39}',
      { id: 4, struct: { foo: 50000 }, number: 1e39 },
      [size('integer')],
    ],
    [
      'wrong types',
      '{"id":5,"string":{},"number":"foo","integer":"foo","boolean":"foo","timestamp_with_timezone":"foo","timestamp_without_timezone":"foo","time_with_timezone":"foo","time_without_timezone":"foo","date":"foo"}',
      { id: 5, string: '{}' },
      Object.keys(BASIC).slice(3).map(serialization),
    ],
    [
      'great negative numbers',
      '{"id":6,"number":-2e39,"integer":-99999999999999999999999999999999}',
      { id: 6, number: -2e39 },
      [size('integer')],
    ],
    [
      'whole minutes',
      '{"id":7,"timestamp_with_timezone":"2023-01-23T11:34:00-01:00","time_without_timezone":"12:34:00"}',
      { id: 7, timestamp_with_timezone: 1674477240000000, time_without_timezone: 45240000000 },
      [],
    ],
    ['zeros', '{"id":8,"number":0.0,"integer":0}', { id: 8, number: 0, integer: 0 }, []],
    ['minus one', '{"id":9,"number":-1.0,"integer":-1}', { id: 9, number: -1, integer: -1 }, []],
  ])('%s', (_, record, expected, expected_changes) => {
    const { value, changes } = convert(BASIC, record)
    expect(value).toEqual({ ...NOTHING, ...expected })
    expect(changes).toEqual(expected_changes)
  })
})

test('containers', () => {
  const properties = {
    id: { type: 'integer' },
    schematized_object: {
      type: 'object',
      properties: { id: { type: 'integer' }, name: { type: 'string' } },
    },
    empty_object: { type: 'object', properties: {} },
    schemaless_object: { type: 'object' },
    schematized_array: { type: 'array', items: { type: 'integer' } },
    schemaless_array: { type: 'array' },
  }
  const record =
    '{"id":1,"schematized_object":{"id":1,"name":"Joe","undeclared":42},"empty_object":{},"schemaless_object":{"uuid":"38F52396-736D-4B23-B5B4-F504D8894B97","probability":1.5},"schematized_array":[10,null],"schemaless_array":[10,"foo",null,{"bar":"qua"}]}'
  expect(convert(properties, record)).toEqual({
    value: {
      id: 1,
      schematized_object: { id: 1, name: 'Joe' },
      empty_object: '{}',
      schemaless_object: '{"uuid":"38F52396-736D-4B23-B5B4-F504D8894B97","probability":1.5}',
      schematized_array: [10, null],
      schemaless_array: '[10,"foo",null,{"bar":"qua"}]',
    },
    bad: [],
    changes: [],
  })
  const second = '{"empty_object":{"extra":"stuff"},"schematized_array":[],"schemaless_array":[]}'
  expect(convert(properties, second).value).toMatchObject({
    empty_object: '{"extra":"stuff"}',
    schematized_array: [],
    schemaless_array: '[]',
  })
})

test('bad values within objects and arrays, and what is not declared', () => {
  const properties = {
    sub_object: {
      type: 'object',
      properties: { timestamptz: time('date-time', 'timestamp_with_timezone') },
    },
    sub_array: { type: 'array', items: { type: 'integer' } },
  }
  const { value, changes } = convert(
    properties,
    '{"sub_object":{"undeclared":42,"timestamptz":"invalid"},"sub_array":["invalid"]}',
  )
  expect(value).toEqual({ sub_object: { timestamptz: null }, sub_array: [null] })
  expect(changes).toEqual([serialization('sub_object.timestamptz'), serialization('sub_array.[0]')])
})

test('undeclared keys are kept where that is asked for', () => {
  const properties = { o: { type: 'object', properties: { a: { type: 'integer' } } } }
  const record = '{"o":{"a":1,"b":2.0},"c":{"d":[1]},"e":null,"__proto__":1}'
  expect(convert(properties, record).value).toEqual({ o: { a: 1 } })
  const { value } = convert(properties, record, true)
  expect(value.o).toEqual({ a: 1, _airbyte_additional_properties: { b: '2.0' } })
  expect(Object.entries(value._airbyte_additional_properties ?? {})).toEqual([
    ['c', '{"d":[1]}'],
    ['__proto__', '1'],
  ])
})

const b = (branch: number, value: AvroValue) => new Branch(branch, value)
const one = (...types: unknown[]) => ({
  oneOf: types.map((type) => (typeof type === 'string' ? { type } : type)),
})
const date = { type: 'string', format: 'date' }
const timestamp = { type: 'string', format: 'date-time' }
const contradicting = one(
  { type: 'object', properties: { id: { type: 'integer' }, name: { type: 'string' } } },
  { type: 'object', properties: { id: { type: 'string' }, name: { type: 'string' } } },
)

describe('values', () => {
  test.each<[string, unknown, string, AvroValue, string[]?]>([
    ['an integer as text', { type: 'integer' }, '"42"', 42],
    ['an integer with a point', { type: 'integer' }, '42.0', 42],
    ['text of one', { type: 'integer' }, '"42.0"', 42],
    ['a fraction', { type: 'integer' }, '42.5', null, ['wrong_type']],
    ['an integer beyond 2^53', { type: 'integer' }, '-9007199254740993', -9007199254740993n],
    [
      'well-known integers are text',
      { $ref: 'WellKnownTypes.json#/definitions/Integer' },
      '"9223372036854775807"',
      9223372036854775807n,
    ],
    [
      'well-known numbers are text',
      { $ref: 'WellKnownTypes.json#/definitions/Number' },
      '"Infinity"',
      Number.POSITIVE_INFINITY,
    ],
    ['a number in text', { type: 'string' }, '1.0', '1.0'],
    ['true in text', { type: 'string' }, 'true', 'true'],
    ['an array in text', { type: 'string' }, '[1.0, {"a": 1e5}]', '[1.0,{"a":1e5}]'],
    ['text of true', { type: 'boolean' }, '"true"', null, ['wrong_type']],
    ['text of an object', { type: 'object' }, '"{}"', null, ['wrong_type']],
    ['text of an array', { type: 'array' }, '"[]"', null, ['wrong_type']],
    [
      'an array for an object',
      { type: 'object', properties: { a: {} } },
      '[]',
      null,
      ['wrong_type'],
    ],
    ['anything', {}, '[1.0]', '[1.0]'],
    ['text as anything', {}, '"a"', 'a'],
    ['microseconds', timestamp, '"2018-09-15 12:00:00.006542"', 1537012800006542],
    ['an offset', timestamp, '"2021-01-01T01:01:01+01:00"', 1609459261000000],
    [
      'an offset that does not count',
      time('date-time', 'timestamp_without_timezone'),
      '"2021-01-01T01:01:01+01:00"',
      1609462861000000,
    ],
    ['an offset of a time', time('time', 'time_with_timezone'), '"04:00:00+05:30"', 81000000000],
    [
      'an offset of a time that does not count',
      time('time', 'time_without_timezone'),
      '"12:00:00.000000+01:00"',
      43200000000,
    ],
    [
      'an offset of one digit',
      time('time', 'time_with_timezone'),
      '"12:00:00-3:00"',
      null,
      ['bad_time'],
    ],
    ['a number for a time', timestamp, '1634982000', null, ['wrong_type']],
    ['digits for a time', timestamp, '"1634982000"', null, ['bad_time']],
    [
      'a bad item',
      { type: 'array', items: { type: 'integer' } },
      '[1,"Alice"]',
      [1, null],
      ['wrong_type'],
    ],
    ['items of any kind', { type: 'array' }, '[1,"Alice"]', '[1,"Alice"]'],
    [
      'items of two kinds',
      { type: 'array', items: one('integer', 'string') },
      '[1,"Alice"]',
      [b(0, 1), b(1, 'Alice')],
    ],
    [
      'items of neither',
      { type: 'array', items: one('integer', 'string') },
      '[1,false]',
      [b(0, 1), b(1, 'false')],
    ],
    [
      'items of text',
      { type: 'array', items: { type: 'string' } },
      '[1,null,{}]',
      ['1', null, '{}'],
    ],
    ['text or integer: text', one('string', 'integer'), '"string1"', b(0, 'string1')],
    ['text or integer: integer', one('string', 'integer'), '20', b(1, 20)],
    ['integer or text: digits', one('integer', 'string'), '"20"', b(1, '20')],
    ['integer or number: a fraction', one('integer', 'number'), '1.5', b(1, 1.5)],
    ['number or integer: an integer', one('number', 'integer'), '1', b(1, 1)],
    ['number or text: an integer', one('number', 'string'), '1', b(0, 1)],
    ['boolean or integer: text', one('boolean', 'integer'), '"7"', b(1, 7)],
    ['boolean or integer: neither', one('boolean', 'integer'), '"x"', null, ['wrong_type']],
    [
      'an integer that is too great',
      one('integer', 'boolean'),
      '9223372036854775808',
      null,
      ['out_of_range'],
    ],
    [
      'an integer that is too great, or text',
      one('integer', 'number', 'string'),
      '9223372036854775808',
      b(2, '9223372036854775808'),
    ],
    ['any object or integer', one('object', 'integer'), '{"foo":"bar"}', b(0, '{"foo":"bar"}')],
    [
      'a time or text',
      one(timestamp, 'string'),
      '"2021-01-01T00:00:00Z"',
      b(1, '2021-01-01T00:00:00Z'),
    ],
    [
      'a date or a time: a time',
      one(date, timestamp),
      '"2021-01-01T00:00:00Z"',
      b(1, 1609459200000000),
    ],
    ['a date or a time: a date', one(date, timestamp), '"2021-01-01"', b(0, 18628)],
    ['a date or an integer: an integer', one(date, 'integer'), '5', b(1, 5)],
    [
      'contradicting objects, one',
      contradicting,
      '{"id":1,"name":"Jenny"}',
      { id: b(0, 1), name: 'Jenny' },
    ],
    [
      'contradicting objects, other',
      contradicting,
      '{"id":"seal-one-hippity","name":"James"}',
      { id: b(1, 'seal-one-hippity'), name: 'James' },
    ],
    ['contradicting objects, neither', contradicting, '{}', { id: null, name: null }],
    ['contradicting objects, null', contradicting, 'null', null],
  ])('%s: %j %s', (_, definition, json, value, bad = []) => {
    expect(field(definition, json)).toEqual({ value, bad })
  })
})

test('objects among alternatives are merged', () => {
  const definition = one(
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
  )
  const json = '{"field1":"a","field2":1,"field3":3.14,"field4":"boo","field5":"extra"}'
  expect(field(definition, json).value).toEqual({
    field1: 'a',
    field2: 1,
    field4: b(0, 'boo'),
    field3: 3.14,
  })
})

test('fields whatever they are called', () => {
  const names = [
    'id',
    'fieldWithCamelCase',
    'field_with_underscore',
    'FIELD_WITH_ALL_CAPS',
    'field_with_spécial_character',
    'field_name_with_operator+1',
    'field_name_with_numbers_123',
    '1field_with_a_leading_number',
    'order',
    'ProperCase',
    'Foo.Bar',
  ]
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
  const record = Object.fromEntries(names.map((name) => [name, 'foo\nbar']))
  const { value, bad } = convert(properties, JSON.stringify(record))
  expect(bad).toEqual([])
  expect(Object.values(value)).toEqual(names.map(() => 'foo\nbar'))
  expect(Object.keys(value).slice(4)).toEqual([
    'field_with_special_character',
    'field_name_with_operator_1',
    'field_name_with_numbers_123',
    '_1field_with_a_leading_number',
    'order',
    'ProperCase',
    'Foo_Bar',
  ])
})
