import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { encodingWith, PARQUET } from '../../../test/support/encoding.ts'
import { avroBlocks } from './avro-block.ts'
import type { Encoding, RecordBlock, Segment } from './encode.ts'
import { parquetBlocks } from './parquet/block.ts'
import { encodeColumns } from './parquet/chunk.ts'
import { LeafColumn } from './parquet/leaf-column.ts'
import { columnsOf, leavesOf } from './parquet/leaves.ts'
import { openParquetPart } from './parquet/part.ts'
import { fastWays } from './parquet/plain-columns.ts'
import { shredders } from './parquet/shred.ts'
import { RecordReader } from './record-reader.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-plain-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const PROPERTIES = {
  long: { type: 'integer' },
  double: { type: 'number' },
  text: { type: ['null', 'string'] },
  flag: { type: 'boolean' },
  at: { type: 'string', format: 'date-time' },
  local: { type: 'string', format: 'date-time', airbyte_type: 'timestamp_without_timezone' },
  day: { type: 'string', format: 'date' },
  time: { type: 'string', format: 'time', airbyte_type: 'time_without_timezone' },
  clock: { type: 'string', format: 'time', airbyte_type: 'time_with_timezone' },
  'clé "x"': { type: 'string' },
  big: { type: 'integer', airbyte_type: 'big_integer' },
  any: {},
  object: { type: 'object' },
  array: { type: 'array' },
  raw: { $ref: 'WellKnownTypes.json#/definitions/BinaryData' },
  referred: { $ref: 'WellKnownTypes.json#/definitions/Integer' },
  maybe: { oneOf: [{ type: 'null' }, { type: 'number' }] },
  __proto__x: { type: 'boolean' },
  toString: { type: 'integer' },
  either: { type: ['integer', 'string'] },
  list: { type: 'array', items: { type: 'integer' } },
}

function encodingOf(output_schema: 'v1' | 'v2'): Encoding {
  return encodingWith({
    id: `plain/${output_schema}`,
    stream: {
      name: 'events',
      namespace: 'public',
      json_schema: { type: 'object', properties: PROPERTIES },
    },
    output: PARQUET,
    output_schema,
    sync_id: 1,
    generation_id: 2,
  })
}

/** JSON texts as sources write them, and such as are nearly so. */
const LONGS = [
  '0',
  '1',
  '-1',
  '123456789012345678',
  '9223372036854775807',
  '9223372036854775808',
  '1.0',
  '1.5',
  '1e3',
  '-0',
  '"7"',
  '1E5',
  '0.0',
  '-0.0',
  '1e-1',
  '10e-1',
  '-9223372036854775808',
  '-9223372036854775809',
  '18446744073709551616',
  '999999999999999',
  '9007199254740993',
  '-9007199254740993',
  '999999999999999999',
  '1000000000000000000',
  '-1000000000000000000',
  '"-0"',
  '"9223372036854775808"',
  '"1.0"',
  '" 7"',
]
const DOUBLES = [
  '0',
  '-0',
  '-0.0',
  '0.1',
  '1e5',
  '1E-7',
  '123456789012345678',
  '12345678901234567890',
  '1.7976931348623157e308',
  '5e-324',
  '1e400',
  '0.30000000000000004',
  '2.2250738585072011e-308',
  '"1.5"',
  '100.0',
  '9007199254740993',
  '0.1234567890123456789012345',
  '1e99',
  '-1.5E+10',
  '0.1e-400',
  '-1e-400',
  '-0.0e5',
  '-0e5',
  '-0E-0',
  '-0.00',
  '-1e400',
  '2.4703282292062327e-324',
  '2.4703282292062328e-324',
  '1.7976931348623158e308',
  '1.7976931348623159e308',
  '-0.0000000000000000000001',
  '"NaN"',
  '"-Infinity"',
  '"1e400"',
  '"-0"',
]
const TEXTS = [
  '"a"',
  '""',
  '"é😀"',
  '"\\n\\t\\\\\\/\\""',
  '"\\u0000"',
  '"\\u00e9"',
  '"\\ud83d\\ude00"',
  '"\\ud800"',
  '"null"',
  '"NaN"',
  '{"a":1}',
  '[1]',
  '"\u007f\u2028"',
  '"\\udc00\\ud800"',
  '"\\ud800\\ud800\\udc00x"',
  '"\\uD83D\\u0000\\ude00"',
  '"\ufeff"',
  '" \\r\\n "',
  '"\\u0022"',
  '{"a":[{"b":null}]}',
  '[[1],"x",{"y":[]}]',
]
const TIMES = [
  '"2023-11-14T22:13:20.000Z"',
  '"2023-11-14T22:13:20Z"',
  '"2023-11-14 22:13:20"',
  '"2023-11-14T22:13:20.1Z"',
  '"2023-11-14T22:13:20.123456Z"',
  '"2023-11-14T22:13:20.1234567Z"',
  '"2023-11-14T22:13:20+00:00"',
  '"2023-11-14T22:13:20+01:00"',
  '"2024-02-29T00:00:00Z"',
  '"2023-02-29T00:00:00Z"',
  '"1000-01-01T00:00:00Z"',
  '"2999-12-31T23:59:59.999999Z"',
  '"0001-01-01T00:00:00Z"',
  '"2023-11-14"',
  '"2023-11-31T00:00:00Z"',
  '"2023-11-14T24:00:00Z"',
  '"1700000000000000"',
  '"foo"',
  '""',
  '"1969-12-31T23:59:59.999Z"',
  '"2023-11-14T22:13:20.000-00:00"',
]
const DAYS = [
  '"2023-11-14"',
  '"2024-02-29"',
  '"2023-02-30"',
  '"1000-01-01"',
  '"2021-1-1"',
  '"2023/11/14"',
  '"x"',
  '"1582-10-10"',
  '19000',
]
const CLOCKS = [
  '"12:23:01"',
  '"12:23:01.5"',
  '"12:23:01.541214"',
  '"12:23"',
  '"24:00:00"',
  '"12:23:01Z"',
  '"12:23:01.5+01:00"',
  '"x"',
  '"00:00:00.000001"',
]
/** One character of a text in another's place, one too many, or one less. */
const nearly = (texts: fc.Arbitrary<string>) =>
  fc
    .tuple(texts, fc.nat(), fc.constantFrom(...'0123456789 :.,TtZz+-WE/'), fc.nat({ max: 2 }))
    .map(([text, place, character, how]) => {
      if (!/^"[^"\\]+"$/.test(text)) return text
      const at = 1 + (place % (text.length - 2))
      const rest = text.slice(at + (how === 1 ? 0 : 1))
      return `${text.slice(0, at)}${how === 2 ? '' : character}${rest}`
    })

const ANY = ['null', 'true', '1', '"s"', '{}', '[]', '1.5', '-1']

const among = (texts: readonly string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...texts) },
    { weight: 1, arbitrary: fc.constantFrom(...ANY) },
  )
const anyNumber = fc
  .double({ noDefaultInfinity: true, noNaN: true })
  .map((value) => (Object.is(value, -0) ? '-0.0' : String(value)))
/** As prices are written: some digits, some of them behind the point. */
const anyDecimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.nat({ max: 20 }))
  .map(([digits, places]) => {
    const text = String(digits < 0n ? -digits : digits).padStart(places + 1, '0')
    const whole = text.slice(0, text.length - places)
    const fraction = places === 0 ? '' : `.${text.slice(-places)}`
    return `${digits < 0n ? '-' : ''}${whole}${fraction}`
  })
const anyText = fc.string({ unit: 'binary' }).map((value) => JSON.stringify(value))
/** With code units as escapes, halves of surrogate pairs among them. */
const escapedText = fc
  .array(fc.oneof(fc.nat({ max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })))
  .map((units) => units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`))
  .map((escapes) => `"a${escapes.join('')}\\n"`)
const anyTime = fc
  .date({
    min: new Date('0000-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  })
  .map((date) => JSON.stringify(date.toISOString()))

const VALUES: Record<string, fc.Arbitrary<string>> = {
  long: fc.oneof(among(LONGS), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
  double: fc.oneof(among(DOUBLES), anyNumber, anyDecimal),
  text: fc.oneof(among(TEXTS), anyText, escapedText),
  flag: among(['true', 'false']),
  at: fc.oneof(among(TIMES), anyTime, nearly(fc.constantFrom(...TIMES)), nearly(anyTime)),
  local: fc.oneof(among(TIMES), anyTime, nearly(fc.constantFrom(...TIMES))),
  day: fc.oneof(
    among(DAYS),
    anyTime.map((text) => `${text.slice(0, 11)}"`),
    nearly(fc.constantFrom(...DAYS)),
  ),
  time: fc.oneof(among(CLOCKS), nearly(fc.constantFrom(...CLOCKS))),
  clock: fc.oneof(among(CLOCKS), nearly(fc.constantFrom(...CLOCKS))),
  big: among(LONGS),
  any: fc.oneof(among(TEXTS), among(DOUBLES)),
  object: fc.oneof(among(TEXTS), among(['{"a":1.0,"b":[1e5]}'])),
  array: fc.oneof(among(TEXTS), among(['[1.0,"x",{}]'])),
  raw: among([...TEXTS, '"AAH/"', '"AA=="']),
  referred: among(LONGS),
  maybe: among(DOUBLES),
  __proto__x: among(['true', 'false', '"true"', '0']),
  toString: among(LONGS),
  'clé "x"': among(TEXTS),
  either: among(LONGS),
  list: fc.constantFrom('null', '[1]', '[]'),
  undeclared: among(ANY),
}

const usualTime = fc
  .date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map((date) => JSON.stringify(date.toISOString()))
/** What a source writes all day. */
const USUAL: Record<string, fc.Arbitrary<string>> = {
  long: fc.maxSafeInteger().map(String),
  double: anyNumber,
  text: anyText,
  flag: fc.boolean().map(String),
  at: usualTime,
  local: usualTime.map((text) => text.replace('Z', '')),
  day: usualTime.map((text) => `${text.slice(0, 11)}"`),
  time: usualTime.map((text) => `"${text.slice(12, 20)}"`),
}
const memberOf = (values: Record<string, fc.Arbitrary<string>>) =>
  fc
    .constantFrom(...Object.keys(values))
    .chain((key) => (values[key] as fc.Arbitrary<string>).map((value) => ({ key, value })))
const members = fc.oneof(
  { weight: 3, arbitrary: fc.array(memberOf(USUAL), { maxLength: 8 }) },
  { weight: 1, arbitrary: fc.array(memberOf(VALUES), { maxLength: 8 }) },
  // One unusual value each.
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(memberOf(USUAL), { maxLength: 5 }), memberOf(VALUES))
      .map(([usual, one]) => [...usual, one]),
  },
)
/** Mostly in one order, each key once; now and then in any, and a key twice. */
const data = fc
  .tuple(members, fc.integer({ min: 0, max: 19 }), fc.constantFrom('', '', ' ', '\t', ' \r'))
  .map(([some, mess, space]) => {
    const keys = Object.keys(VALUES)
    const ordered =
      mess === 0
        ? some
        : [...new Map(some.map((one) => [one.key, one])).values()].sort(
            (a, b) => keys.indexOf(a.key) - keys.indexOf(b.key),
          )
    return `{${ordered.map(({ key, value }) => `${JSON.stringify(key)}${space}:${space}${value}`).join(`${space},${space}`)}${space}}`
  })
const envelope = fc.constantFrom(
  (text: string, at: number) =>
    `{"type":"RECORD","record":{"stream":"events","namespace":"public","data":${text},"emitted_at":${at}}}`,
  (text: string, at: number) =>
    `{"type":"RECORD","record":{"emitted_at":${at},"data":${text},"namespace":"public","stream":"events"}}`,
  (text: string, at: number) =>
    `{"type": "RECORD", "record": {"stream": "events", "namespace": "public", "data": ${text}, "emitted_at": ${at}, "meta": null}}`,
)
const block = fc
  .tuple(
    envelope,
    fc.array(fc.tuple(data, fc.integer({ min: 0, max: 2_000_000_000_000 })), {
      minLength: 1,
      maxLength: 25,
    }),
  )
  .map(([wrap, rows]) => rows.map(([text, at]) => `${wrap(text, at)}\n`))

const usual = new Map(Object.entries(USUAL))
/** Lines with the same fields in the same order, as most sources write them: runs of them are taken at once. */
const uniformBlock = fc
  .tuple(envelope, fc.subarray(Object.keys(VALUES), { minLength: 1, maxLength: 8 }))
  .chain(([wrap, keys]) => {
    const values = keys.map((key) =>
      fc.oneof(
        { weight: 40, arbitrary: usual.get(key) ?? fc.constant('null') },
        { weight: 3, arbitrary: fc.constant('null') },
        { weight: 2, arbitrary: VALUES[key] as fc.Arbitrary<string> },
      ),
    )
    const row = fc.tuple(fc.tuple(...values), fc.integer({ min: 0, max: 2_000_000_000_000 }))
    return fc.array(row, { minLength: 10, maxLength: 80 }).map((rows) =>
      rows.map(([some, at]) => {
        const text = keys.map((key, index) => `${JSON.stringify(key)}:${some[index]}`).join(',')
        return `${wrap(`{${text}}`, at)}\n`
      }),
    )
  })

const blockOf = (lines: readonly string[]): RecordBlock => ({
  bytes: new Uint8Array(Buffer.from(lines.join(''))),
  records: lines.length,
})

let files = 0
async function rowsOf(encoding: Encoding, segments: readonly Segment[]): Promise<unknown> {
  const part = await openParquetPart(encoding, join(dir, `${files++}.parquet`), { encodeColumns })
  for (const segment of segments) await part.append(segment)
  const { path } = await part.finish()
  // What is random differs.
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(path) })
  await rm(path)
  return rows.map(({ _airbyte_ab_id: _, _airbyte_raw_id: __, ...row }) =>
    JSON.stringify(row, (_key, one) =>
      typeof one === 'bigint' ? `${one}n` : Object.is(one, -0) ? '-0' : one,
    ),
  )
}

/** How many of the lines are plain, and how many of these are taken in runs. */
function plainOf(encoding: Encoding, blocks: readonly (readonly string[])[]): [number, number] {
  const columns = columnsOf(encoding)
  const leaves = leavesOf(columns).map((leaf) => new LeafColumn(leaf))
  const ways = fastWays(encoding, { columns, leaves, shreds: shredders(columns, leaves) })
  const reader = new RecordReader(encoding.stream)
  let plain = 0
  let runs = 0
  for (const lines of blocks) {
    reader.open(blockOf(lines))
    for (;;) {
      const taken = ways?.runs.take(reader, Infinity, 0) ?? 0
      runs += taken
      if (taken > 0) continue
      if (!reader.next()) break
      if (ways?.plain.add(reader, 0)) plain++
    }
  }
  return [plain + runs, runs]
}

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
/** Bytes that are not packed, but for what is random. */
const bytesOf = (segments: readonly Segment[]): string[] =>
  segments.map(({ bytes }) => Buffer.from(bytes).toString('latin1').replaceAll(UUID, 'id'))

it.each(['v1', 'v2'] as const)(
  'in Avro, plain records come to the very bytes that the converter gives, %s',
  async (schema) => {
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 3 }), async (blocks) => {
        const encoding: Encoding = {
          ...encodingOf(schema),
          output: { type: 'avro', codec: { codec: 'none' } },
        }
        const encode = await avroBlocks(encoding)
        const exactly = await avroBlocks(encoding, { convert_all: true })
        for (const lines of blocks) {
          const encoded = await encode(blockOf(lines))
          const expected = await exactly(blockOf(lines))
          expect(bytesOf(encoded.segments)).toEqual(bytesOf(expected.segments))
          expect(encoded.bad_values).toBe(expected.bad_values)
        }
      }),
      { numRuns: 500 },
    )
  },
)

/** Encodes blocks the fast way and exactly; both come to the same. Tells how many records were plain, and were in runs. */
async function compareParquet(
  schema: 'v1' | 'v2',
  blocks_of: fc.Arbitrary<string[]>,
  runs: number,
): Promise<{ readonly plain: number; readonly in_runs: number }> {
  let plain = 0
  let in_runs = 0
  const some = fc.array(blocks_of, { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(some, async (blocks) => {
      const encoding = encodingOf(schema)
      const encode = parquetBlocks(encoding)
      const exactly = parquetBlocks(encoding, { convert_all: true })
      const fast: Segment[] = []
      const exact: Segment[] = []
      for (const lines of blocks) {
        const encoded = await encode(blockOf(lines))
        const expected = await exactly(blockOf(lines))
        expect([encoded.bad_values, encoded.examples]).toEqual([
          expected.bad_values,
          expected.examples,
        ])
        fast.push(...encoded.segments)
        exact.push(...expected.segments)
      }
      const [all, taken] = plainOf(encoding, blocks)
      plain += all
      in_runs += taken
      // Readers round what they make values of.
      expect(bytesOf(fast)).toEqual(bytesOf(exact))
      expect(await rowsOf(encoding, fast)).toEqual(await rowsOf(encoding, exact))
    }),
    { numRuns: runs },
  )
  return { plain, in_runs }
}

// The counts: else nothing has been compared.
it.each(['v1', 'v2'] as const)(
  'in Parquet, plain records come to what the converter makes of them, %s',
  async (schema) => {
    const { plain } = await compareParquet(schema, block, 200)
    expect(plain).toBeGreaterThan(1000)
  },
)

it.each(['v1', 'v2'] as const)(
  'in Parquet, runs of lines come to what the converter makes of them, %s',
  async (schema) => {
    const { in_runs } = await compareParquet(schema, uniformBlock, 300)
    expect(in_runs).toBeGreaterThan(2000)
  },
)
