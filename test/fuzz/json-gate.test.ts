import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { PassedObject } from '../../src/format/format.ts'
import { readPassed } from '../../src/format/read-passed.ts'
import { exactly, hex, unmarked } from '../support/exact-json.ts'
import { type GateBench, openGateBench, type TriedObject } from '../try-gate.ts'
import { fuzz, watchForHangs } from './fuzz.ts'
import { alike, fold, isBlank, line, refusalsOf } from './json-model.ts'
import { expectOwnText } from './own-text.ts'

watchForHangs()

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const file = fc.record({
  lines: fc.oneof(fc.array(line, { minLength: 1, maxLength: 8 }), alike),
  mark: fc.constantFrom('', '', '', '\ufeff'),
  crlf: fc.constantFrom(false, false, true),
  ends: fc.boolean(),
  codec: fc.constantFrom('none', 'none', 'gzip', 'zstd'),
  /** Where the text is cut in two frames: pieces reach the gate as they were compressed. */
  cut: fc.nat(),
  rules: fc.record({
    max_row_bytes: fc.constantFrom(16_777_216, 16_777_216, 16_777_216, 40),
    max_depth: fc.constantFrom(128, 128, 3),
    flat: fc.constantFrom(false, false, true),
    nested_fields: fc.constantFrom<string[]>([], ['A']),
  }),
})
type File = typeof file extends fc.Arbitrary<infer F> ? F : never

const compressors = {
  none: (bytes: Buffer) => bytes,
  gzip: (bytes: Buffer) => gzipSync(bytes, { level: 1 }),
  zstd: (bytes: Buffer) => zstdCompressSync(bytes),
}

function contentOf({ lines, mark, crlf, ends, codec, cut }: File): { text: Buffer; bytes: Buffer } {
  const end = Buffer.from(crlf ? '\r\n' : '\n')
  const text = Buffer.concat([
    Buffer.from(mark),
    ...lines.flatMap((one, at) => (at < lines.length - 1 || ends ? [one, end] : [one])),
  ])
  const at = cut % (text.length + 1)
  const pack = compressors[codec]
  const parts = [text.subarray(0, at), text.subarray(at)].filter((part) => part.length > 0)
  return { text, bytes: Buffer.concat(parts.map(pack)) }
}

/** The text's lines, as a reader that knows nothing but the line feed sees them. */
function linesOf(text: Buffer): Buffer[] {
  const marked = text[0] === 0xef && text[1] === 0xbb && text[2] === 0xbf
  const lines: Buffer[] = []
  let from = marked ? 3 : 0
  while (from < text.length) {
    const end = text.indexOf(0x0a, from)
    lines.push(text.subarray(from, end < 0 ? text.length : end))
    from = end < 0 ? text.length : end + 1
  }
  return lines
}

interface Tried {
  readonly one: File
  readonly object: PassedObject
  /** Lines that must pass, by number. */
  readonly pass: ReadonlyMap<number, string>
}

/** Bytes that open another format, or text of another encoding, are refused as a whole. */
const wholly = (text: Buffer): boolean =>
  ['\xff\xfe', '\xfe\xff', 'PAR1', 'Obj\u0001', 'ORC', '<'].some((start) =>
    text.toString('latin1', 0, 4).startsWith(start),
  )

fuzz(
  'JSON gate: every line is a row as it stands, a reject with the right code, or blank',
  file,
  async (cases) => {
    const tried: Tried[] = []
    const made = cases
      .map((one) => ({ one, ...contentOf(one) }))
      .filter(({ text }) => text.length > 0 && !wholly(text))
    // Beside each other: most of what a small file takes is waiting.
    const results = await Promise.all(
      made.map(({ one, bytes }) => bench.pass(bytes, { type: 'jsonl', ...limits(one) }, one.rules)),
    )
    for (const [index, { one, text }] of made.entries()) {
      const { result, refused } = results[index] as TriedObject
      const shown = JSON.stringify(text.toString('latin1'))
      if (result.refused !== undefined) throw new Error(`${result.refused.code} for ${shown}`)
      expectOwnText(text, refused, shown)
      const codes = new Map(refused.map(({ row, code }) => [row, code]))
      const pass = new Map<number, string>()
      let rows = 0
      for (const [at, bytes] of linesOf(text).entries()) {
        if (isBlank(bytes.toString('latin1'))) {
          expect(codes.has(at + 1), `line ${at + 1} of ${shown}`).toBe(false)
          continue
        }
        rows++
        const wanted = refusalsOf(bytes, one.rules)
        if (wanted.length === 0) {
          expect(codes.get(at + 1), `line ${at + 1} of ${shown}`).toBe(undefined)
          pass.set(at + 1, bytes.toString())
        } else expect(wanted, `line ${at + 1} of ${shown}`).toContain(codes.get(at + 1))
      }
      expect(result.rows_read, shown).toBe(rows)
      expect(result.rows_refused, shown).toBe(refused.length)
      expect(refused.length + pass.size, shown).toBe(rows)
      tried.push({ one, object: result, pass })
    }
    await readBack(tried)
    clear()
  },
  { batch: 50 },
)

const limits = ({ rules: { max_row_bytes, max_depth } }: File) => ({ max_row_bytes, max_depth })

/** DuckDB reads of each file exactly the rows that passed, with every value as it was written. */
async function readBack(tried: readonly Tried[]): Promise<void> {
  if (tried.length === 0) return
  const selects = tried.map(({ object }, at) => {
    const columns = columnsOf(object)
    const values = columns.map(({ as }) => `${as}::VARCHAR`)
    return `SELECT ${at} AS at, _row::INTEGER AS n, [${values.join(', ')}]::VARCHAR[] AS v FROM ${readPassed(object, columns)}`
  })
  const rows = await bench.duckdb.all<{ at: number; n: number; v: (string | null)[] }>(
    selects.join(' UNION ALL '),
  )
  const found = Map.groupBy(rows, ({ at }) => at)
  for (const [at, { one, object, pass }] of tried.entries()) {
    const shown = JSON.stringify(contentOf(one).text.toString('latin1'))
    const read = new Map((found.get(at) ?? []).map(({ n, v }) => [n, v]))
    expect(
      [...read.keys()].toSorted((a, b) => a - b),
      shown,
    ).toEqual([...pass.keys()])
    for (const [n, text] of pass) {
      const model = exactly(text) as Record<string, unknown>
      for (const [column, { from }] of columnsOf(object).entries()) {
        const name = from.map(hex).find((spelling) => Object.hasOwn(model, spelling))
        const json = read.get(n)?.[column] ?? null
        const where = `line ${n} of ${shown}`
        if (name === undefined || model[name] === null) expect(json, where).toBeNull()
        else expect(unmarked(json as string), where).toEqual(model[name])
      }
      const names = Object.keys(model).map(fold)
      expect(new Set(names).size).toBe(names.length)
    }
  }
}

/** The fields of an object as columns, spellings of one name together. */
function columnsOf(object: PassedObject): { as: string; from: string[] }[] {
  const groups = Map.groupBy(object.fields, ({ name }) => fold(name))
  return [...groups.values()].map((fields, at) => ({
    as: `c${at}`,
    from: fields.map(({ name }) => name),
  }))
}

/** A million files are not kept; DuckDB remembers files by path, so that no path is used again. */
function clear(): void {
  for (const name of readdirSync(bench.dir))
    if (name !== 'spill') rmSync(join(bench.dir, name), { recursive: true })
}

const byte = fc.oneof(fc.constantFrom(...Buffer.from('{"a":1}\n\n\r\\u,[]')), fc.nat({ max: 255 }))

fuzz(
  'JSON gate: any bytes are rows read or refused, none is lost',
  fc.array(byte, { minLength: 1, maxLength: 200 }),
  async (cases) => {
    const objects: { object: PassedObject; passed: number }[] = []
    // A space first: the content is text, whatever magic it begins with.
    const made = cases.map((content) => Buffer.from([0x20, ...content]))
    const results = await Promise.all(made.map((bytes) => bench.pass(bytes, { type: 'jsonl' })))
    for (const [index, bytes] of made.entries()) {
      const { result, refused } = results[index] as TriedObject
      if (result.refused !== undefined) throw new Error(result.refused.code)
      const lines = bytes.toString('latin1').split('\n')
      expect(result.rows_read).toBe(lines.filter((text) => !isBlank(text)).length)
      expect(refused.length).toBe(result.rows_refused)
      objects.push({ object: result, passed: result.rows_read - refused.length })
    }
    const counts = await bench.duckdb.all<{ at: number; n: bigint }>(
      objects
        .map(({ object }, at) => `SELECT ${at} AS at, count(*) AS n FROM ${readPassed(object, [])}`)
        .join(' UNION ALL '),
    )
    for (const { at, n } of counts)
      expect(Number(n), literal(String(cases[at]))).toBe(objects[at]?.passed)
    clear()
  },
  { batch: 50 },
)
