import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonString, jsonValue } from '../../../test/arbitrary-json.ts'
import { ExchangeError } from '../../core/errors.ts'
import { RecordReader } from './record-reader.ts'

/** All that a reader says of a block, or why it refuses it. */
function read(reader: RecordReader, lines: readonly string[]): unknown[] {
  const found: unknown[] = []
  for (const line of lines) {
    try {
      reader.open({ bytes: new Uint8Array(Buffer.from(`${line}\n`)), records: 1 })
      while (reader.next()) {
        const { data_start, data_end, emitted_start, emitted_end, changes_start, changes_end } =
          reader
        const { names, start, end } = reader.fields()
        found.push({
          spans: [
            data_start,
            data_end,
            emitted_start,
            emitted_end,
            changes_start,
            changes_start < 0 ? 0 : changes_end,
          ],
          fields: names.map((name, at) => [name, start[at], end[at]]),
        })
      }
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error
      found.push(`${error.code} ${error.message}`)
    }
  }
  return found
}

/** What mostly stands where a value does, so that lines have shapes in common. */
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('1', '12.50', 'true', 'null', '""', '[]', '[1,"a"]') },
  { weight: 2, arbitrary: jsonString },
  { weight: 1, arbitrary: jsonValue },
)
/** Near misses, and what breaks out of its place. */
const broken = fc.constantFrom(
  ...[
    '-',
    '01',
    '00.5',
    '1e',
    '.5',
    '1.',
    '+1',
    'nul',
    '"\u0001"',
    '"\\x"',
    '"\\u12G4"',
    '"',
    '"x\\"',
  ],
  ...[
    '"a","b":"c"',
    '1,"z":2',
    '}',
    ']',
    '1}',
    '',
    '[1, 2]',
    '[1,]',
    '[01]',
    '{}',
    '{"k":1}',
    '[[]]',
  ],
)

const frames = [
  (data: string, time: string, meta: string) =>
    `{"type":"RECORD","record":{"stream":"s","data":${data},"emitted_at":${time}${meta}}}`,
  (data: string, time: string, meta: string) =>
    `{ "record" : {"emitted_at":${time}${meta},"stream":"s", "data":${data}} , "type":"RECORD"}\r`,
]
const metas = [
  '',
  ',"meta":{"changes":[]}',
  ',"meta":{"changes":[{"field":"a","change":"NULLED","reason":"x"}]}',
  ',"meta":null',
  ',"type":"x"',
  ',"namespace":null',
  ',"namespace":"n"',
]
const names = ['a', 'é', 'x.y', '(', '$&', 'a\\u0062', 'nested":{"deep', 'list":[{"x']
const closing: Record<string, string> = { 'nested":{"deep': '}', 'list":[{"x': '}]' }

it('reads lines of a known shape exactly as it reads them by scanning', () => {
  let shaped = 0
  let refused = 0
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 }),
      fc.constantFrom(...frames),
      fc.constantFrom(...metas),
      fc.array(
        fc.record({
          values: fc.array(value, { minLength: 4, maxLength: 4 }),
          wrong: fc.option(fc.tuple(fc.nat({ max: 3 }), broken), { freq: 2, nil: undefined }),
          time: fc.oneof(
            { weight: 4, arbitrary: fc.constantFrom('1700000000000', '1812345678901') },
            { weight: 1, arbitrary: fc.constantFrom('5', '1.7e12', '-3', '"x"', '0700000000000') },
          ),
          /** One name is written as another, or as what is none. */
          renamed: fc.option(
            fc.tuple(fc.nat({ max: 3 }), fc.constantFrom('"q"', '"a"', '1', 'null', '[1]')),
            {
              freq: 6,
              nil: undefined,
            },
          ),
          other: fc.option(fc.constantFrom(...metas), { freq: 8, nil: undefined }),
        }),
        { minLength: 2, maxLength: 10 },
      ),
      (fields, frame, meta, rows) => {
        const lines = rows.map(({ values, wrong, time, renamed, other }) => {
          const members = fields.map((name, at) => {
            const quoted = renamed?.[0] === at ? renamed[1] : `"${name}"`
            const text = wrong?.[0] === at ? wrong[1] : values[at]
            return `${quoted}:${text}${closing[name] ?? ''}`
          })
          return frame(`{${members.join(',')}}`, time, other ?? meta)
        })
        const fast = new RecordReader({ name: 's' })
        const slow = new RecordReader({ name: 's' }, { scan_all: true })
        const expected = read(slow, lines)
        expect(read(fast, lines)).toEqual(expected)
        // Each line a second time: whatever can be is matched by a shape now.
        expect(read(fast, lines)).toEqual(expected)
        shaped += fast.shaped_lines
        refused += expected.filter((each) => typeof each === 'string').length
      },
    ),
    { numRuns: 1000 },
  )
  expect(shaped).toBeGreaterThan(500)
  expect(refused).toBeGreaterThan(500)
})
