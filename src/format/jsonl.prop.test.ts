import { zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exactly, hex, unmarked, wellFormed } from '../../test/support/exact-json.ts'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

const countNames = (value: unknown): number =>
  typeof value !== 'object' || value === null
    ? 0
    : Object.values(value).reduce(
        (sum: number, member) => sum + countNames(member) + (Array.isArray(value) ? 0 : 1),
        0,
      )

/** What should become of a line, from JSON.parse alone; `undefined`: it passes. */
function expected(line: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return 'invalid_json'
  }
  if (!wellFormed(line)) return 'invalid_json'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not_an_object'
  // Names are lost by JSON.parse where they repeat; colons outside of strings are not.
  const colons = line.replace(/"(?:[^"\\]|\\.)*"/g, '').split(':').length - 1
  const model = exactly(line) as object
  const repeated = colons !== countNames(model)
  const names = Object.keys(model).map((name) =>
    Buffer.from(name.slice(1), 'hex').toString('utf16le'),
  )
  const folded = names.map((name) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()))
  const conflict = new Set(folded).size < names.length
  const unusable = names.some((name) => name === '' || name.includes('\0'))
  if (repeated || conflict || unusable) return 'name'
  return undefined
}

const NAME_CODES = ['duplicate_key', 'key_conflict', 'invalid_name']

const character = fc.constantFrom(
  ...'abAB01 _"\\/é😀\u0000\u0001\u001f\u007f\u2028'.split(''),
  '😀',
  '\\u0001',
)
const string = fc.array(character, { maxLength: 6 }).map((parts) => parts.join(''))
const number = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1e2',
    '1E-5',
    '0.1',
    '-1.50',
    '12345678901234567890',
    '1e400',
    '5e-324',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(fc.bigInt(), fc.nat(), fc.integer({ min: -40, max: 40 }))
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
const row = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'C', 'c', 'd e', 'é', 'É', '"', '\\'), value), {
    maxLength: 5,
  })
  .map(
    (members) => `{${members.map(([name, item]) => `${JSON.stringify(name)}:${item}`).join(',')}}`,
  )

/** Small damages as a partner's writer would do them. */
const damage = fc.oneof(
  fc.record({ at: fc.nat(), remove: fc.constantFrom(0, 1, 2), insert: fc.constantFrom('', '') }),
  fc.record({
    at: fc.nat(),
    remove: fc.constantFrom(0, 1),
    insert: fc.constantFrom(
      ...'{}[],:"\\ue0123.-+tfn \t\r\u0001é'.split(''),
      '\\ud800',
      'NaN',
      ',,',
    ),
  }),
)
const line = fc
  .tuple(fc.oneof(row, row, value), fc.array(damage, { maxLength: 2 }))
  .map(([text, damages]) =>
    damages.reduce((damaged, { at, remove, insert }) => {
      const place = at % (damaged.length + 1)
      return damaged.slice(0, place) + insert + damaged.slice(place + remove)
    }, text),
  )
  .filter((text) => text.isWellFormed())

describe('the JSON lines gate, against JSON.parse', () => {
  it('accepts a line if and only if it is one object, and DuckDB reads it without loss', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        async (lines, cut) => {
          const text = Buffer.from(lines.join('\n'))
          if (text.length === 0) return
          const parts = [text.subarray(0, cut % text.length), text.subarray(cut % text.length)]
          const bytes = Buffer.concat(parts.map((part) => zstdCompressSync(part)))
          const { result, refused } = await bench.pass(bytes, { type: 'jsonl' })
          if (parts.every((part) => part.length === 0)) return
          const object = passed(result)
          const codes = new Map(refused.map((one) => [one.row, one.code]))
          const rows = new Map(
            (await bench.read(object, columnsOf(object))).map((one) => [one._row, one]),
          )
          const blank = (one: string) => /^[ \t\r]*$/.test(one)
          expect(object.rows_read).toBe(lines.filter((one) => !blank(one)).length)
          expect(object.rows_refused).toBe(refused.length)
          for (const [at, one] of lines.entries()) {
            const number = at + 1
            if (blank(one)) {
              expect(codes.has(number) || rows.has(number), one).toBe(false)
              continue
            }
            const code = expected(one)
            if (code === 'name') expect(NAME_CODES, one).toContain(codes.get(number))
            else expect(codes.get(number), one).toBe(code)
            if (code !== undefined) {
              expect(rows.has(number), one).toBe(false)
              continue
            }
            const read = rows.get(number) as Record<string, unknown>
            const model = exactly(one) as Record<string, unknown>
            for (const { as, from } of columnsOf(object)) {
              const name = from.map(hex).find((spelling) => Object.hasOwn(model, spelling))
              const json = read[as] as string | null
              if (name === undefined || model[name] === null) expect(json, one).toBeNull()
              else expect(unmarked(json as string), one).toEqual(model[name])
            }
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('survives any bytes, and counts every line that is not blank', async () => {
    const byte = fc.oneof(
      fc.constantFrom(...Buffer.from('{"a":1}\n\n\r\\u,[]')),
      fc.nat({ max: 255 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(byte, { minLength: 1, maxLength: 300 }), async (content) => {
        // A space first: the content is text, whatever magic it begins with.
        const bytes = Buffer.from([0x20, ...content])
        const { result, refused } = await bench.pass(bytes, { type: 'jsonl' })
        const object = passed(result)
        const lines = bytes.toString('latin1').split('\n')
        expect(object.rows_read).toBe(lines.filter((text) => !/^[ \t\r]*$/.test(text)).length)
        const rows = await bench.read(object, [])
        expect(rows.length + refused.length).toBe(object.rows_read)
      }),
      { numRuns: 200 },
    )
  })
})

/** The fields of an object as columns, spellings of one name together. */
function columnsOf(object: ReturnType<typeof passed>): { as: string; from: string[] }[] {
  const groups = new Map<string, string[]>()
  for (const { name } of object.fields) {
    const folded = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    groups.set(folded, [...(groups.get(folded) ?? []), name])
  }
  return [...groups.values()].map((from, at) => ({ as: `c${at}`, from }))
}
