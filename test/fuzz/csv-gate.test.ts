import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { Format } from '../../src/core/settings.ts'
import type { PassedObject } from '../../src/format/format.ts'
import { rawRows } from '../../src/format/raw-rows.ts'
import { readPassed } from '../../src/format/read-passed.ts'
import { type GateBench, openGateBench, type TriedObject } from '../try-gate.ts'
import { type CsvRules, dialect, isPassed, type Row, rowsOf } from './csv-model.ts'
import { fuzz, watchForHangs } from './fuzz.ts'
import { expectOwnText } from './own-text.ts'

watchForHangs()

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const file = fc.record({
  dialect,
  columns: fc.constantFrom(1, 2, 2, 3),
  /** `D`, `Q`, `E` and `N` stand for the dialect's signs; others for themselves. */
  body: fc.array(
    fc.oneof(
      {
        weight: 12,
        arbitrary: fc.constantFrom(
          ...'DDDQQQEENNNNab 1\t\r\n\0é'.split(''),
          'QQ',
          'DQ',
          'QD',
          'QN',
          'aDbN',
          'QaDNbQDcN',
          'NULL',
        ),
      },
      { weight: 1, arbitrary: fc.constantFrom('😀', 'ਊ', 'Ċ', '\u2028', '\\N', 'x'.repeat(60)) },
    ),
    { maxLength: 50 },
  ),
  bad_byte: fc.option(fc.record({ at: fc.nat(), byte: fc.constantFrom(0xff, 0x80, 0xc3, 0xed) }), {
    freq: 8,
  }),
  null_text: fc.constantFrom<string[]>([''], [''], ['NULL', '\\N'], []),
  skip_lines: fc.constantFrom(0, 0, 1),
  named: fc.constantFrom(false, false, true),
  max_row_bytes: fc.constantFrom(16_777_216, 16_777_216, 16_777_216, 40),
  encoding: fc.constantFrom('utf-8', 'utf-8', 'utf-8', 'utf-8', 'utf-16le', 'utf-16be'),
  codec: fc.constantFrom('none', 'gzip', 'zstd'),
  cut: fc.nat(),
})
type File = typeof file extends fc.Arbitrary<infer F> ? F : never

interface Made {
  readonly bytes: Buffer
  /** The text in UTF-8, one character a byte, as the model reads it. */
  readonly content: string
  readonly rules: CsvRules
  readonly settings: Readonly<Record<string, unknown>>
}

function made(one: File): Made {
  const { delimiter, quote, line_break } = one.dialect
  const signs: Record<string, string> = {
    D: delimiter,
    Q: quote,
    E: one.dialect.escape,
    N: line_break,
  }
  const body = one.body
    .map((piece) =>
      piece === 'NULL' ? piece : piece.replace(/[DQEN]/g, (sign) => signs[sign] ?? sign),
    )
    .join('')
    // A line feed anywhere makes it the line break, also of the header.
    .replaceAll('\n', line_break === '\r' ? '\r' : '\n')
  const names = ['x', 'y', 'z'].slice(0, one.columns)
  const skipped = `# ${quote}${line_break}`.repeat(one.skip_lines)
  const head = one.named ? skipped : `${skipped}${names.join(delimiter)}${line_break}`
  let utf8 = Buffer.from(head + body)
  if (one.bad_byte !== null && one.encoding === 'utf-8' && body !== '') {
    utf8 = Buffer.from(utf8)
    const start = Buffer.byteLength(head)
    utf8[start + (one.bad_byte.at % (utf8.length - start))] = one.bad_byte.byte
  }
  const encoded = encode(utf8, one.encoding)
  const cut = one.cut % (encoded.length + 1)
  const parts = [encoded.subarray(0, cut), encoded.subarray(cut)].filter((part) => part.length > 0)
  const settings = {
    type: 'csv',
    delimiter,
    quote,
    escape: one.dialect.escape,
    null_text: one.null_text,
    skip_lines: one.skip_lines,
    max_row_bytes: one.max_row_bytes,
    encoding: one.encoding,
    ...(one.named ? { header: names } : {}),
  }
  const rules = { ...one.dialect, ...one, skip_lines: one.skip_lines - (one.named ? 1 : 0) }
  return {
    bytes: Buffer.concat(parts.map(compressors[one.codec as 'none'])),
    content: utf8.toString('latin1'),
    rules,
    settings,
  }
}

const compressors = {
  none: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
}

function encode(utf8: Buffer, encoding: string): Buffer {
  if (encoding === 'utf-8') return utf8
  const bytes = Buffer.from(`\ufeff${utf8.toString()}`, 'utf16le')
  return encoding === 'utf-16le' ? bytes : bytes.swap16()
}

fuzz(
  'CSV gate: every record is a row as it stands or a reject with the right code, in any dialect',
  file.filter(
    ({ dialect: signs }) => signs.delimiter !== signs.quote && signs.delimiter !== signs.escape,
  ),
  async (cases) => {
    const all = cases.map(made).filter(({ content }) => content !== '')
    const results = await Promise.all(all.map(({ bytes, settings }) => bench.pass(bytes, settings)))
    const passed: { object: PassedObject; rows: ReadonlyMap<number, Row>; shown: string }[] = []
    for (const [index, { content, rules, settings }] of all.entries()) {
      const { result, refused, object } = results[index] as TriedObject
      const shown = `${JSON.stringify(content)} ${JSON.stringify(settings)}`
      if (result.refused !== undefined) throw new Error(`${result.refused.code} for ${shown}`)
      const rows = rowsOf(content, rules)
      const codes = new Map(refused.map(({ row, code }) => [row, code]))
      for (const [line, row] of rows) {
        if (isPassed(row)) expect(codes.get(line), `line ${line} of ${shown}`).toBe(undefined)
        else expect(row.codes, `line ${line} of ${shown}`).toContain(codes.get(line))
      }
      expectOwnText(Buffer.from(content, 'latin1'), refused, shown)
      expect(result.rows_read, shown).toBe(rows.size)
      expect(result.rows_refused, shown).toBe(refused.length)
      expect(codes.size, shown).toBe([...rows.values()].filter((row) => !isPassed(row)).length)
      passed.push({ object: result, rows, shown })
      await checkRaw(object, settings, rows, shown)
    }
    await readBack(passed)
    clear()
  },
  { batch: 50 },
)

/** A row that a later check refuses is told with the text it stands on. */
async function checkRaw(
  object: TriedObject['object'],
  settings: Made['settings'],
  rows: ReadonlyMap<number, Row>,
  shown: string,
): Promise<void> {
  const wanted = [...rows].filter(([, row]) => isPassed(row)).map(([line]) => line)
  const found: number[] = []
  const options = { format: 'csv', settings: Format.parse(settings), rows: wanted } as const
  for await (const { row, raw } of rawRows(object, options)) {
    found.push(row)
    for (const value of rows.get(row) as readonly (string | null)[])
      if (value !== null && /^[\w ]+$/.test(value)) expect(raw, shown).toContain(value)
  }
  expect(found, shown).toEqual(wanted)
}

/** DuckDB reads of each file exactly the rows that passed, with every field as it was written. */
async function readBack(
  passed: readonly { object: PassedObject; rows: ReadonlyMap<number, Row>; shown: string }[],
): Promise<void> {
  if (passed.length === 0) return
  const selects = passed.map(({ object }, at) => {
    const names = object.fields.map(({ name }) => name)
    return `SELECT ${at} AS at, _row::INTEGER AS n, [${names.join(', ')}]::VARCHAR[] AS v FROM ${readPassed(object, names)}`
  })
  const read = await bench.duckdb.all<{ at: number; n: number; v: (string | null)[] }>(
    selects.join(' UNION ALL '),
  )
  const found = Map.groupBy(read, ({ at }) => at)
  for (const [at, { rows, shown }] of passed.entries()) {
    const wanted = [...rows].filter(([, row]) => isPassed(row))
    const got = (found.get(at) ?? []).map(({ n, v }) => [n, v] as const)
    expect(
      got.toSorted(([a], [b]) => a - b),
      shown,
    ).toEqual(wanted)
  }
}

function clear(): void {
  for (const name of readdirSync(bench.dir))
    if (name !== 'spill') rmSync(join(bench.dir, name), { recursive: true })
}
