import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonString, jsonValue } from '../../../test/arbitrary-json.ts'
import { encodingWith } from '../../../test/support/encoding.ts'
import type { CsvDialect, Output, OutputSchema } from '../../core/destination/output.ts'
import { ByteBuffer } from './byte-buffer.ts'
import { csvRows } from './csv-rows.ts'
import type { Encoding, RecordBlock } from './encode.ts'
import { jsonlRows } from './jsonl-rows.ts'
import { RecordReader } from './record-reader.ts'
import { RowRuns } from './row-runs.ts'
import type { RowWriter } from './row-writer.ts'
import { textBlocks } from './text-blocks.ts'

/** Rows that are written in runs are those that are written one by one. */

const STREAM = { name: 's' }
const encodingOf = (output: Output, output_schema: OutputSchema): Encoding =>
  encodingWith({
    id: 'runs',
    output,
    output_schema,
    keep_additional_properties: true,
    sync_id: 12,
    generation_id: 3,
  })
const dialectOf = (more: Partial<CsvDialect>): CsvDialect => ({
  delimiter: ',',
  quote: '"',
  line_ending: '\n',
  header: false,
  byte_order_mark: false,
  ...more,
})
const csv = (more: Partial<CsvDialect> = {}): Output => ({
  type: 'csv',
  flatten: false,
  compression: 'none',
  dialect: dialectOf(more),
})
const jsonl = (flatten: boolean): Output => ({ type: 'jsonl', flatten, compression: 'none' })
const OUTPUTS: readonly Output[] = [
  jsonl(false),
  jsonl(true),
  csv(),
  csv({ delimiter: '|', quote: "'", line_ending: '\r\n' }),
  csv({ delimiter: '::', quote: 'é' }),
  csv({ quote: 'a' }),
  csv({ delimiter: '0' }),
  csv({ quote: ',', delimiter: ';' }),
]

function writerOf(encoding: Encoding): RowWriter {
  const { output } = encoding
  if (output.type === 'csv') return csvRows(encoding, output)
  if (output.type === 'jsonl') return jsonlRows(encoding, output.flatten)
  throw new Error('no text')
}

const scalar = fc.oneof(
  jsonString,
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.bigInt().map(String),
  fc.constantFrom(
    'true',
    'false',
    'null',
    '-0',
    '1E+2',
    '0.5e-7',
    '"\\u00e9\\"\\\\\\/\\ud800"',
    '""',
  ),
)
const flat = fc.array(scalar, { maxLength: 4 }).map((items) => `[${items.join(',')}]`)
const value = fc.oneof(
  { weight: 12, arbitrary: scalar },
  { weight: 2, arbitrary: flat },
  { weight: 1, arbitrary: jsonValue },
)
const name = fc.oneof(fc.constantFrom('"a"', '"_airbyte_ab_id"', '"b\\u0022"'), jsonString)

/** A block whose lines have the same members, but for one now and then. */
const block = fc
  .record({
    names: fc.uniqueArray(name, { maxLength: 6 }),
    space: fc.constantFrom('', '', ' '),
    time_first: fc.boolean(),
    changes: fc.constantFrom('', '', ',"meta":null', ',"meta":{"changes":[]}'),
    end: fc.constantFrom('\n', '\n', '\r\n'),
  })
  .chain(({ names, space, time_first, changes, end }) => {
    const row = fc.record({
      values: fc.tuple(...names.map(() => value)),
      at: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 1e12, max: 2e12 }).map(String) },
        { weight: 1, arbitrary: fc.constantFrom('1.5e12', '7', '0') },
      ),
      more: fc.oneof({ weight: 20, arbitrary: fc.constant('') }, { weight: 1, arbitrary: value }),
    })
    return fc.array(row, { minLength: 10, maxLength: 60 }).map((rows) =>
      rows.map(({ values, at, more }) => {
        const members = names.map((key, index) => `${key}${space}:${values[index]}`)
        if (more !== '') members.push(`"more":${more}`)
        const data = `"data":{${members.join(`,${space}`)}}`
        const time = `"emitted_at":${at}`
        const parts = time_first ? [time, data] : [data, time]
        return `{"type":"RECORD","record":{"stream":"s",${parts.join(',')}${changes}}}${end}`
      }),
    )
  })

const blockOf = (lines: readonly string[]): RecordBlock => ({
  bytes: new Uint8Array(Buffer.from(lines.join(''))),
  records: lines.length,
})

const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
/** Where `a` is the quote, it stands twice in ids, too. */
const plainIds = (text: string, { output }: Encoding): string =>
  output.type === 'csv' && output.dialect.quote === 'a' ? text.replaceAll('aa', 'a') : text
/** What is random left out. */
const withoutIds = (text: string, encoding: Encoding): string =>
  plainIds(text, encoding).replaceAll(ID, 'id')

/** One row after the other, each line scanned by itself. */
function oneByOne(encoding: Encoding, blocks: readonly (readonly string[])[]): string {
  const writer = writerOf(encoding)
  const reader = new RecordReader(STREAM, { scan_all: true })
  const out = new ByteBuffer(1 << 16)
  for (const lines of blocks) {
    reader.open(blockOf(lines))
    while (reader.next()) writer.write(reader, out, 0)
  }
  return out.written.toString()
}

function inRuns(encoding: Encoding, blocks: readonly (readonly string[])[]): number {
  const writer = writerOf(encoding)
  if (writer.template === undefined) return 0
  const runs = new RowRuns(writer.template, writer.ids)
  const reader = new RecordReader(STREAM)
  let taken = 0
  for (const lines of blocks) {
    reader.open(blockOf(lines))
    const out = new ByteBuffer(1 << 16)
    for (let some = 0; ; taken += some) {
      some = runs.take(reader, out, 0)
      if (some === 0 && !reader.next()) break
    }
  }
  return taken
}

it.each(['v1', 'v2'] as const)(
  'rows written in runs are those written one by one, %s',
  (schema) => {
    let taken = 0
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(...OUTPUTS),
        (blocks, output) => {
          const encoding = encodingOf(output, schema)
          const encode = textBlocks(encoding)
          const written = blocks
            .flatMap((lines) => encode(blockOf(lines)).segments)
            .map(({ bytes }) => Buffer.from(bytes).toString())
            .join('')
          const expected = oneByOne(encoding, blocks)
          expect(withoutIds(written, encoding)).toBe(withoutIds(expected, encoding))
          const ids = plainIds(written, encoding).match(ID) ?? []
          expect(new Set(ids).size).toBe(ids.length)
          taken += inRuns(encoding, blocks)
        },
      ),
      { numRuns: 500 },
    )
    // Else nothing has been compared.
    expect(taken).toBeGreaterThan(500)
  },
)

it('runs go on beyond what one of them holds', () => {
  const lines = Array.from({ length: 9_000 }, (_, at) => {
    const text = 'é"\\'.repeat((at * 37) % 150)
    const data = JSON.stringify({ at, text, long: at % 1000 === 7 ? 'x'.repeat(300_000 / 3) : '' })
    return `{"type":"RECORD","record":{"stream":"s","data":${data},"emitted_at":${1e12 + at}}}\n`
  })
  for (const output of OUTPUTS) {
    const encoding = encodingOf(output, 'v1')
    const encode = textBlocks(encoding)
    const blocks = [lines.slice(0, 4_000), lines.slice(4_000)]
    const written = blocks
      .flatMap((some) => encode(blockOf(some)).segments)
      .map(({ bytes }) => Buffer.from(bytes).toString())
      .join('')
    const expected = oneByOne(encoding, blocks)
    const same = withoutIds(written, encoding) === withoutIds(expected, encoding)
    expect(same, JSON.stringify(output)).toBe(true)
  }
})
