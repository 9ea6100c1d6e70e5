import fc from 'fast-check'
import { exactly, wellFormed } from '../support/exact-json.ts'

/** What JSON says, told by `JSON.parse` alone: the gate must agree with it. */

const unhex = (text: string): string => Buffer.from(text.slice(1), 'hex').toString('utf16le')

const countNames = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce(
        (sum: number, member) => sum + countNames(member) + (Array.isArray(value) ? 0 : 1),
        0,
      )

const depthOf = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : 1 + Math.max(0, ...Object.values(value).map(depthOf))

export const fold = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

interface LineRules {
  readonly max_row_bytes: number
  readonly max_depth: number
  readonly flat: boolean
  readonly nested_fields: readonly string[]
}

export const isBlank = (line: string): boolean => /^[ \t\r]*$/.test(line)

/** The codes of which one must refuse the line; none: it passes. */
export function refusalsOf(bytes: Buffer, rules: LineRules): readonly string[] {
  const line = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes
  if (line.length > rules.max_row_bytes) return ['line_too_long']
  const text = bytes.toString()
  if (!Buffer.from(text).equals(bytes)) return ['invalid_utf8']
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // Which comes first in the line, nothing but a parser could say.
    const deep = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(/[[{]/).length - 1 > rules.max_depth
    return deep ? ['invalid_json', 'too_deep'] : ['invalid_json']
  }
  const deep = depthOf(value) > rules.max_depth || deeperThanNames(text, rules.max_depth)
  if (!wellFormed(text)) return deep ? ['invalid_json', 'too_deep'] : ['invalid_json']
  if (deep) return ['too_deep']
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return ['not_an_object']
  // Names are lost by JSON.parse where they repeat; colons outside of strings are not.
  const colons = text.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
  const model = exactly(text) as object
  const names = Object.keys(model).map(unhex)
  const codes: string[] = []
  if (colons !== countNames(model)) codes.push('duplicate_key', 'nested_value')
  if (new Set(names.map(fold)).size < names.length) codes.push('key_conflict')
  if (names.some((name) => name === '' || name.includes('\0'))) codes.push('invalid_name')
  const nested = rules.nested_fields.map(fold)
  const bad = Object.entries(model).filter(
    ([name, member]) =>
      typeof member === 'object' && member !== null && !nested.includes(fold(unhex(name))),
  )
  if (rules.flat && bad.length > 0) codes.push('nested_value')
  return rules.flat ? codes : codes.filter((code) => code !== 'nested_value')
}

/** A repeated name hides what was below its first value. */
function deeperThanNames(text: string, most: number): boolean {
  let depth = 0
  let deepest = 0
  for (const [bracket] of text.replace(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}]/g)) {
    depth += bracket === '{' || bracket === '[' ? 1 : -1
    deepest = Math.max(deepest, depth)
  }
  return deepest > most
}

const character = fc.constantFrom(
  ...'abAB01 _"\\/é😀\u0000\u0001\u001f\u007f\u2028'.split(''),
  '😀',
  '\\u0001',
)
const string = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(''))
const number = fc.oneof(
  fc.constantFrom(
    ...[
      '0',
      '-0',
      '1e2',
      '1E-5',
      '0.1',
      '-1.50',
      '12345678901234567890',
      '1e400',
      '5e-324',
      '-0.0',
      '0e5',
    ],
    ...[
      '9007199254740993',
      '0.30000000000000004',
      '123456789012345.678',
      '1e23',
      '1.7976931348623157e308',
    ],
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
      fc.nat(),
      fc.integer({ min: -40, max: 40 }),
    )
    .map(([a, b, e]) => `${a}.${b}e${e}`),
  fc.integer().map(String),
)
const space = fc.constantFrom('', '', '', ' ', '\t', '\r')
const { value } = fc.letrec<{ value: string; object: string; array: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    string.map((text) => JSON.stringify(text)),
    number,
    fc.constantFrom('true', 'false', 'null'),
    tie('object'),
    tie('array'),
  ),
  array: fc
    .tuple(fc.array(tie('value'), { maxLength: 3 }), space)
    .map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
  object: fc
    .tuple(fc.array(fc.tuple(string, tie('value')), { maxLength: 4 }), space)
    .map(
      ([members, gap]) =>
        `{${gap}${members.map(([name, item]) => `${JSON.stringify(name)}${gap}:${gap}${item}`).join(`${gap},${gap}`)}${gap}}`,
    ),
}))
const name = fc.constantFrom(
  ...[
    'a',
    'a',
    'b',
    'b',
    'C',
    'c',
    'd e',
    'é',
    'É',
    '"',
    '\\',
    '',
    '_row',
    '_bucketline_hole',
    '__proto__',
    'a/b~c',
  ],
)
/** As most rows are: an object of a few fields. */
const row: fc.Arbitrary<string> = fc
  .array(
    fc.tuple(
      name,
      fc.oneof({ weight: 2, arbitrary: value }, { weight: 1, arbitrary: fc.constant('1') }),
    ),
    {
      maxLength: 5,
    },
  )
  .map((members) => `{${members.map(([key, item]) => `${JSON.stringify(key)}:${item}`).join(',')}}`)

/** Small damages as a partner's writer would do them. */
const damage = fc.record({
  at: fc.nat(),
  remove: fc.constantFrom(0, 1, 2),
  insert: fc.constantFrom(
    ...['', ...'{}[],:"\\ue0123.-+tfn \t\r\u0001é'],
    ...['\\ud800', '\\u0000', 'NaN', ',,', '[[[[[', 'nul', '//', '\ufeff', '\u00a0', '\f'],
  ),
})
/** Now and then no JSON at all, and bytes that are no text. */
export const line: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 5, arbitrary: row.map((text) => Buffer.from(text)) },
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.oneof(row, row, value), fc.array(damage, { minLength: 1, maxLength: 2 }))
      .map(([text, damages]) =>
        Buffer.from(
          damages.reduce((damaged, { at, remove, insert }) => {
            const place = at % (damaged.length + 1)
            return damaged.slice(0, place) + insert + damaged.slice(place + remove)
          }, text),
        ),
      ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(row, fc.nat(), fc.nat({ max: 255 })).map(([text, at, byte]) => {
      const bytes = Buffer.from(text)
      bytes[at % bytes.length] = byte === 0x0a ? 0x0b : byte
      return bytes
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', ' ', '\t \r', '\r').map((text) => Buffer.from(text)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '{"a":', '[{"a":'), fc.nat({ max: 200 }))
      .map(([open, times]) => Buffer.from(`{"a":${open.repeat(times)}`)),
  },
)

const ALIKE: Readonly<Record<string, readonly string[]>> = {
  string: ['"x"', '""', '"é😀"', '"a b"', '"\\u0001"', '"\\n"', '"\\\\"', '"\u007f"', '"null"'],
  integer: [
    '0',
    '1',
    '-7',
    '-0',
    '99999999999999',
    '999999999999999',
    '12345678901234567890',
    '01',
    '+1',
  ],
  number: [
    '0.5',
    '-0.0',
    '12345678.1234567',
    '0.30000000000000004',
    '1e2',
    '1.',
    '3',
    '123456789.12345678',
  ],
  boolean: ['true', 'false', 'True'],
  null: ['null', 'nul'],
}
const kinds = Object.keys(ALIKE)

/**
 * Lines of one producer: the same names in the same order, values that mostly stay of one kind, now
 * and then null, of another kind, or not quite JSON.
 */
export const alike: fc.Arbitrary<Buffer[]> = fc
  .record({
    fields: fc.uniqueArray(fc.tuple(name, fc.constantFrom(...kinds)), {
      selector: ([field]) => fold(field),
      minLength: 1,
      maxLength: 4,
    }),
    space: fc.constantFrom('', ' ', '\t'),
    rows: fc.array(
      fc.record({
        values: fc.array(fc.nat({ max: 8 }), { minLength: 4, maxLength: 4 }),
        odd: fc.option(
          fc.tuple(fc.nat({ max: 3 }), fc.constantFrom(...kinds), fc.nat({ max: 8 })),
          {
            freq: 3,
          },
        ),
        tail: fc.constantFrom('', '', '', '', '', '', ' ', '\r', 'x', ',', '}'),
      }),
      { minLength: 2, maxLength: 8 },
    ),
  })
  .map(({ fields, space, rows }) =>
    rows.map(({ values, odd, tail }) => {
      const members = fields.map(([field, kind], at) => {
        const [of, which] =
          odd !== null && odd[0] === at ? [odd[1], odd[2]] : [kind, (values[at] as number) % 3]
        const texts = ALIKE[of] as readonly string[]
        return `${JSON.stringify(field)}:${space}${texts[which % texts.length]}`
      })
      return Buffer.from(`{${members.join(`,${space}`)}}${tail}`)
    }),
  )
