import { describe, expect, test } from 'vitest'
import { STREAM_CASES } from '../../../test/support/v1-schema-cases.ts'
import { type AvroValue, Branch } from './avro-value.ts'
import type { BadValue } from './bad-value.ts'
import { compileConverter } from './convert.ts'
import { parseRecord } from './exact-json.ts'

const BUILTINS = ['_airbyte_ab_id', '_airbyte_emitted_at']

/** Without branches, so that a value reads as the JSON it stands for. */
function plain(value: AvroValue): unknown {
  if (value instanceof Branch) return plain(value.value)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
}

function convert(properties: unknown, record: string, on_bad_value: 'null' | 'fail' = 'null') {
  const converter = compileConverter(
    { name: 's', namespace: 'n', json_schema: { type: 'object', properties } },
    { output_schema: 'v1', on_bad_value, keep_additional_properties: false },
  )
  const bad: BadValue[] = []
  const value = converter.convert(parseRecord(record), (entry) => bad.push(entry))
  const { _airbyte_additional_properties: additional, ...fields } = value
  return { value, fields: plain(fields), additional, bad, branches: fields }
}

/** What one field makes of one value, and how the value was reported. */
function field(definition: unknown, json: string) {
  const { branches, bad } = convert({ f: definition }, `{"f":${json}}`)
  return { value: branches.f, bad: bad.map(({ code, kept_as }) => `${code} ${kept_as}`) }
}

describe.each(STREAM_CASES)('stream $name', ({ name, namespace, properties, record, result }) => {
  test('converts its record', () => {
    const converter = compileConverter(
      { name, namespace, json_schema: { properties: JSON.parse(properties) } },
      { output_schema: 'v1', on_bad_value: 'fail', keep_additional_properties: false },
    )
    const without = (text: string) => {
      const value = JSON.parse(text)
      for (const builtin of BUILTINS) delete value[builtin]
      return value
    }
    const value = converter.convert(without(record), () => expect.unreachable())
    expect(plain(value)).toEqual(without(result))
    const names = converter.payloadFields.map((entry) => entry.name)
    expect(Object.keys(value)).toEqual(names)
    expect(converter.schema.fields.map((entry) => entry.name)).toEqual([...BUILTINS, ...names])
  })
})

describe('examples of the documentation', () => {
  test('a tuple of two objects', () => {
    const id = (first: string, second: string) => ({
      type: 'object',
      properties: { id_part_1: { type: first }, id_part_2: { type: second } },
    })
    const items = [
      { type: 'object', properties: { id: id('integer', 'string') } },
      { type: 'object', properties: { id: id('string', 'integer'), message: { type: 'string' } } },
    ]
    const { fields } = convert(
      { a: { type: 'array', items } },
      '{"a":[{"id":{"id_part_1":1000,"id_part_2":"abcde"}},{"id":{"id_part_1":"wxyz","id_part_2":2000},"message":"test message"}]}',
    )
    const none = { _airbyte_additional_properties: null }
    expect(fields).toEqual({
      a: [
        { id: { id_part_1: 1000, id_part_2: 'abcde', ...none }, message: null, ...none },
        { id: { id_part_1: 'wxyz', id_part_2: 2000, ...none }, message: 'test message', ...none },
      ],
    })
  })
  test('an array of anything', () => {
    const { value, bad } = field({ type: 'array' }, '["151",152,true,{"id":153},null]')
    expect(value).toEqual(['151', '152', 'true', '{"id":153}', null])
    expect(bad).toEqual([])
  })
  test('fields that were not declared', () => {
    const record =
      '{"username":"admin","active":true,"age":21,"auth":{"auth_type":"ssl","api_key":"abcdefg/012345","admin":false,"id":1000}}'
    const { fields, additional } = convert({ username: { type: ['null', 'string'] } }, record)
    expect(fields).toEqual({ username: 'admin' })
    expect(additional).toEqual({
      active: 'true',
      age: '21',
      auth: '{"auth_type":"ssl","api_key":"abcdefg/012345","admin":false,"id":1000}',
    })
  })
  test('an object of which nothing was declared', () => {
    const { value } = field(
      { type: 'object' },
      '{"username":"343-guilty-spark","password":1439,"active":true}',
    )
    expect(value).toEqual({
      _airbyte_additional_properties: {
        username: '343-guilty-spark',
        password: '1439',
        active: 'true',
      },
    })
  })
  test.each([
    ['[1,"Alice"]', ['1', 'Alice']],
    ['[1,false]', ['1', 'false']],
  ])('items by alternatives alone: %s', (json, value) => {
    const items = { oneOf: [{ type: 'integer' }, { type: 'string' }] }
    expect(field({ type: 'array', items }, json)).toEqual({ value, bad: [] })
  })
  test('a declared object keeps the rest apart', () => {
    expect(convert({ id: { type: 'integer' } }, '{"id":1,"name":"Alice"}').value).toEqual({
      id: 1,
      _airbyte_additional_properties: { name: 'Alice' },
    })
  })
})

const date_time = { type: 'string', format: 'date-time' }
const any = (...types: string[]) => ({ anyOf: types.map((type) => ({ type })) })
const b = (branch: number, value: AvroValue) => new Branch(branch, value)

test.each<[string, unknown, string, AvroValue, string[]?]>([
  ['text', { type: 'string' }, '"a\\u0000\\n"', 'a\u0000\n'],
  ['null', { type: 'string' }, 'null', null],
  ['a number where text is declared', { type: 'string' }, '5.0', '5.0', ['wrong_type text']],
  [
    'an object where text is declared',
    { type: 'string' },
    '{"a":1}',
    '{"a":1}',
    ['wrong_type text'],
  ],
  ['any type', {}, '{"a":1.0}', '{"a":1.0}'],
  ['any type, text', {}, '"x"', 'x'],
  ['nothing but null', { type: 'null' }, '1', null, ['wrong_type null']],
  ['an integer', { type: 'integer' }, '42', 42],
  ['an integer beyond 2^53', { type: 'integer' }, '9007199254740993', 9007199254740993n],
  ['the greatest integer', { type: 'integer' }, '9223372036854775807', 9223372036854775807n],
  ['the least integer', { type: 'integer' }, '-9223372036854775808', -9223372036854775808n],
  ['one more', { type: 'integer' }, '9223372036854775808', null, ['out_of_range null']],
  [
    'one more where text may stand',
    { type: ['integer', 'string'] },
    '9223372036854775808',
    b(1, '9223372036854775808'),
    ['out_of_range text'],
  ],
  ['one more, as text', { type: 'integer' }, '"9223372036854775808"', null, ['out_of_range null']],
  ['an integer with a point', { type: 'integer' }, '42.0', 42],
  ['an integer with an exponent', { type: 'integer' }, '1.5e3', 1500],
  ['a fraction', { type: 'integer' }, '1.5', null, ['wrong_type null']],
  ['a fraction with an exponent', { type: 'integer' }, '1.5e-3', null, ['wrong_type null']],
  ['a huge exponent', { type: 'integer' }, '1e999999999', null, ['out_of_range null']],
  ['an integer as text', { type: 'integer' }, '"-42"', -42],
  ['text with a point', { type: 'integer' }, '"42.0"', null, ['wrong_type null']],
  ['text', { type: 'integer' }, '"foo"', null, ['wrong_type null']],
  ['true', { type: 'integer' }, 'true', null, ['wrong_type null']],
  ['a number', { type: 'number' }, '42.1', 42.1],
  ['a great number', { type: 'number' }, '1e39', 1e39],
  ['a number too great', { type: 'number' }, '1e400', null, ['out_of_range null']],
  ['digits beyond a double', { type: 'number' }, '50000.0000000000000001', 50000],
  ['an integer beyond 2^53', { type: 'number' }, '9007199254740993', 9007199254740992],
  ['text of a number', { type: 'number' }, '"65536.0"', 65536],
  ['text of infinity', { type: 'number' }, '"-Infinity"', Number.NEGATIVE_INFINITY],
  ['text of NaN', { type: 'number' }, '"NaN"', Number.NaN],
  ['no number', { type: 'number' }, '"toString"', null, ['wrong_type null']],
  ['a float', { type: 'number', airbyte_type: 'float' }, '1.5', 1.5],
  [
    'too great a float',
    { type: 'number', airbyte_type: 'float' },
    '1e39',
    null,
    ['out_of_range null'],
  ],
  ['true', { type: 'boolean' }, 'true', true],
  ['text of true', { type: 'boolean' }, '"true"', null, ['wrong_type null']],
  ['1', { type: 'boolean' }, '1', null, ['wrong_type null']],
  [
    'base64',
    { $ref: 'WellKnownTypes.json#/definitions/BinaryData' },
    '"AP8="',
    new Uint8Array([0, 255]),
  ],
  [
    'no base64',
    { $ref: 'WellKnownTypes.json#/definitions/BinaryData' },
    '"é!"',
    new TextEncoder().encode('é!'),
  ],
  ['no object', { type: 'object' }, '[]', null, ['wrong_type null']],
  ['no array', { type: 'array' }, '"[]"', null, ['wrong_type null']],
  ['a timestamp', date_time, '"2021-01-01T01:01:01.123456Z"', b(0, 1609462861123000)],
  ['digits', date_time, '"1634982000"', b(0, 1634982000)],
  ['a number for a timestamp', date_time, '1634982000000000', b(0, 1634982000000000)],
  [
    'a number beyond all time',
    date_time,
    '9223372036854775807',
    b(1, '9223372036854775807'),
    ['wrong_type text'],
  ],
  ['no timestamp', date_time, '"soon"', b(1, 'soon'), ['bad_time text']],
  ['a date', { type: 'string', format: 'date' }, '"2021-10-10"', b(0, 18910)],
  [
    'no date',
    { type: 'string', format: 'date' },
    '"2021-10-10L"',
    b(1, '2021-10-10L'),
    ['bad_time text'],
  ],
  ['a time', { type: 'string', format: 'time' }, '"12:00:00-01:00"', b(0, 43200000000)],
  ['text or a timestamp', { anyOf: [date_time, { type: 'string' }] }, '"soon"', b(1, 'soon')],
  ['a number first', any('number', 'string'), '"65536.0"', b(0, 65536)],
  ['text first', any('string', 'integer'), '"65536"', b(0, '65536')],
  ['a number where text is first', any('string', 'integer'), '1634982000', b(1, 1634982000)],
  [
    'a great integer where a double is first',
    any('number', 'integer'),
    '9007199254740993',
    b(1, 9007199254740993n),
  ],
  ['an integer too great for a long', any('integer', 'number'), '99999999999999999999', b(1, 1e20)],
  [
    'an integer too great, and text',
    any('number', 'integer', 'string'),
    '99999999999999999999',
    b(2, '99999999999999999999'),
    ['out_of_range text'],
  ],
  ['none of two', any('integer', 'boolean'), '"x"', null, ['wrong_type null']],
  [
    'an object or text',
    any('object', 'string'),
    '{"a":1}',
    b(1, { _airbyte_additional_properties: { a: '1' } }),
  ],
  [
    'a bad item',
    { type: 'array', items: { type: 'integer' } },
    '[1,"x",null]',
    [1, null, null],
    ['wrong_type null'],
  ],
  [
    'arrays of text',
    { type: 'array', items: { type: 'array', items: { type: 'string' } } },
    '[[1,"a"]]',
    [['1', 'a']],
  ],
])('%s: %j %s', (_, definition, json, value, bad = []) => {
  expect(field(definition, json)).toEqual({ value, bad })
})

test('says where a bad value was, why and what it said', () => {
  const properties = {
    'u-ser': {
      type: 'object',
      properties: {
        tags: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' } } } },
      },
    },
    d: date_time,
    l: { type: 'array', items: { type: 'array', items: { type: 'boolean' } } },
  }
  const { bad } = convert(
    properties,
    `{"u-ser":{"tags":[{"n":1},{"n":99999999999999999999}]},"d":"x","l":[[],[true,0]],"z":1}`,
  )
  expect(bad).toEqual([
    {
      field: 'u-ser.tags.[1].n',
      code: 'out_of_range',
      message: '99999999999999999999 is out of the range of its type.',
      raw: '99999999999999999999',
      kept_as: 'null',
    },
    { field: 'd', code: 'bad_time', message: '"x" is no timestamp.', raw: '"x"', kept_as: 'text' },
    {
      field: 'l.[1].[1]',
      code: 'wrong_type',
      message: '0 is no boolean.',
      raw: '0',
      kept_as: 'null',
    },
  ])
})

test('of a long bad value it shows the beginning', () => {
  const { bad } = convert({ a: { type: 'integer' } }, JSON.stringify({ a: 'x'.repeat(1000) }))
  expect(bad[0]?.raw).toBe(`"${'x'.repeat(198)}…`)
})

test('with on_bad_value fail the first bad value is thrown', () => {
  expect(() => convert({ a: { type: 'integer' } }, '{"a":"x"}', 'fail')).toThrow(
    expect.objectContaining({
      code: 'bad_value',
      message: 'Stream "n.s", field "a": "x" is no integer of 64 bits.',
    }),
  )
})

test('data that is no object is refused', () => {
  expect(() => convert({}, '[1]')).toThrow(expect.objectContaining({ code: 'record_invalid' }))
})

test('keys that every object has are those of the data', () => {
  const properties = JSON.parse(
    '{"__proto__":{"type":"integer"},"constructor":{"type":"string"},"a":{}}',
  )
  expect(Object.entries(convert(properties, '{"a":1}').value)).toEqual([
    ['__proto__', null],
    ['constructor', null],
    ['a', '1'],
    ['_airbyte_additional_properties', null],
  ])
  const { value } = convert(properties, '{"__proto__":1,"constructor":"c","toString":2}')
  expect(Object.getOwnPropertyDescriptor(value, '__proto__')?.value).toBe(1)
  expect(value.constructor).toBe('c')
  expect(Object.entries(value._airbyte_additional_properties ?? {})).toEqual([['toString', '2']])
  const { additional } = convert({}, '{"__proto__":{"a":1}}')
  expect(Object.entries(additional ?? {})).toEqual([['__proto__', '{"a":1}']])
})

test('further properties come from both names and from what is undeclared', () => {
  const { additional } = convert(
    { a: { type: 'integer' } },
    '{"a":1,"_ab_additional_properties":{"x":1.0,"n":null},"_airbyte_additional_properties":null,"y":"t","z":null}',
  )
  expect(additional).toEqual({ x: '1.0', y: 't' })
  expect(convert({}, '{"_ab_additional_properties":{}}').additional).toBeNull()
  expect(convert({}, '{"_ab_additional_properties":5}').additional).toEqual({
    _ab_additional_properties: '5',
  })
})

test('fields that come to the same name keep their values apart', () => {
  const { fields } = convert(
    { '+1': { type: 'integer' }, '-1': { type: 'integer' } },
    '{"+1":10,"-1":20}',
  )
  expect(fields).toEqual({ _1: 10, _1_1: 20 })
})
