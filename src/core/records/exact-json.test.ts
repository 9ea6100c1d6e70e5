import { describe, expect, test } from 'vitest'
import { compactText, ExactNumber, jsonText, parseExact, parseRecord } from './exact-json.ts'

const NUMBERS: [string, number | ExactNumber][] = [
  ['0', 0],
  ['-0', new ExactNumber('-0')],
  ['-1', -1],
  ['42', 42],
  ['42.1', 42.1],
  ['42.0', new ExactNumber('42.0')],
  ['1.50', new ExactNumber('1.50')],
  ['0.001', 0.001],
  ['0.0000001', new ExactNumber('0.0000001')],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', new ExactNumber('9007199254740992')],
  ['9007199254740993', new ExactNumber('9007199254740993')],
  ['100000000000000000000', new ExactNumber('100000000000000000000')],
  ['1e39', new ExactNumber('1e39')],
  ['1E+2', new ExactNumber('1E+2')],
  ['50000.0000000000000001', new ExactNumber('50000.0000000000000001')],
  ['0.1234567890123456789', new ExactNumber('0.1234567890123456789')],
  ['1.500009999900001', 1.500009999900001],
  ['99999999999999999999999999999999', new ExactNumber('99999999999999999999999999999999')],
]

describe.each([
  ['parseExact', parseExact],
  ['parseRecord', parseRecord],
])('%s', (_, parse) => {
  test.each(NUMBERS)('reads the number %s', (text, value) => {
    expect(parse(text)).toEqual(value)
    expect(parse(`{"a":[1, ${text} ,2]}`)).toEqual({ a: [1, value, 2] })
    expect(jsonText(parse(`{"a":${text}}`))).toBe(`{"a":${text}}`)
  })

  test.each([
    '',
    ' ',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    "{'a':1}",
    '[1,]',
    '[1 2]',
    '[',
    '01',
    '-',
    '1.',
    '.5',
    '+1',
    '1e',
    'NaN',
    'Infinity',
    'nul',
    'True',
    '"a',
    '"a\nb"',
    '"\\x"',
    '"\\u12"',
    '"\\',
    '{}x',
    '1 2',
    '\u00a0{}',
    '{"a":1.0}}',
    '[1.0,"a\tb"]',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(SyntaxError)
  })

  test('refuses what is nested so deeply that the stack would end', () => {
    expect(() => parse('['.repeat(100_000))).toThrow(/more than 1000 containers/)
    expect(() => parse('{"a":'.repeat(100_000))).toThrow(/more than 1000 containers/)
    const deep = `${'['.repeat(1000)}${']'.repeat(1000)}`
    expect(jsonText(parse(deep))).toBe(deep)
  })

  test('a key may be anything, and the last of a repeated one counts', () => {
    const text = '{"__proto__":{"a":1.0},"constructor":2,"a b":3,"a b":4,"":5}'
    const value = parse(text) as Record<string, unknown>
    expect(Object.entries(value)).toEqual([
      ['__proto__', { a: new ExactNumber('1.0') }],
      ['constructor', 2],
      ['a b', 4],
      ['', 5],
    ])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('escaped keys that are alike keep their own names', () => {
    expect(parse('{"k":1,"\\\\":2}')).toEqual({ k: 1, '\\': 2 })
    expect(parse('{"k":1,"\\"":2}')).toEqual({ k: 1, '"': 2 })
    expect(parse('{"v":"\\"a\\\\", "\\n" : "\\""}')).toEqual({ v: '"a\\', '\n': '"' })
  })

  test('strings keep every character', () => {
    const value = { a: 'fo\u0000o\n"\\/\u2028😀', b: ['\ud800'] }
    expect(parse(JSON.stringify(value))).toEqual(value)
    expect(parse('{"a":"\\u0041\\/","b":1.0}')).toMatchObject({ a: 'A/' })
    expect(parse('{"a":"\\\\","b":"c","d":1.0}')).toMatchObject({ a: '\\', b: 'c' })
  })

  test('white space is passed over between tokens', () => {
    expect(parse(' {\r\n\t"a" : [ 1 , 2.0 , { } , [ ] ] } ')).toEqual({
      a: [1, new ExactNumber('2.0'), {}, []],
    })
  })
})

test('jsonText writes what JSON.stringify would, with the digits of numbers', () => {
  const value = { a: ['x"y', '\u0007', 'é\ud800', null, true, 1.5, {}], 'k"': [] }
  expect(jsonText(value)).toBe(JSON.stringify(value))
  expect(jsonText(2n ** 63n)).toBe('9223372036854775808')
  expect(jsonText(Number.NaN)).toBe('null')
})

describe('compactText', () => {
  test.each([
    ['{"a":1.0}', '{"a":1.0}'],
    [' { "a" : [ 1 , 2 ] } ', '{"a":[1,2]}'],
    ['{"a b": " c  d ", "e\\" ": 1e5}\n', '{"a b":" c  d ","e\\" ":1e5}'],
    ['["\\\\", " x"]', '["\\\\"," x"]'],
    ['{"a":1,"a": 2,"1":\t3}', '{"a":1,"a":2,"1":3}'],
    ['{"s":"\\u00e9 \\/"}', '{"s":"\\u00e9 \\/"}'],
  ])('%j', (text, compact) => {
    expect(compactText(text)).toBe(compact)
  })
})
