import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FieldTable, INTEGER, NULL, NUMBER } from './field-table.ts'
import { LineScanner } from './json-scanner.ts'
import { LineShapes } from './line-shapes.ts'

const newScanner = (fields: FieldTable) => new LineScanner({ max_depth: 64, repair: [] }, fields)

/** Texts that stand where a value may stand: values of all kinds, near misses, and what is none. */
const token = fc.oneof(
  fc.integer().map(String),
  fc.bigInt().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.string({ unit: 'binary', maxLength: 12 }).map((s) => JSON.stringify(s)),
  fc.string({
    unit: fc.constantFrom('"', '\\', 'a', '\u0001', '\u007f', 'é', '{', ','),
    maxLength: 5,
  }),
  fc.constantFrom(
    'true',
    'false',
    'null',
    '-0',
    '0',
    '-0.0',
    '00',
    '01',
    '1.',
    '.5',
    '1e3',
    '1E-2',
    '""',
  ),
  fc.constantFrom(
    '"\\u0001x"',
    '"a\\nb"',
    '123456789012345',
    '1234567890123456',
    '0.1234567',
    '0.12345678',
    '{}',
    '[1]',
  ),
)

describe('a line that is matched by a shape', () => {
  it('is one that the scanner proves clean, with values of the kinds it is counted as', () => {
    let matches = 0
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom('a', 'b', 'é', 'x.y', '(', '$&'), {
          minLength: 1,
          maxLength: 3,
        }),
        fc.constantFrom(['', '', ''], [' ', ' ', '\r'], ['', ' ', ' ']),
        fc.array(fc.array(token, { minLength: 3, maxLength: 3 }), { minLength: 2, maxLength: 12 }),
        (names, [before, after, tail], rows) => {
          const lines = rows.map((values) =>
            Buffer.from(
              `{${names.map((name, at) => `${before}${JSON.stringify(name)}:${after}${values[at]}`).join(',')}}${tail}\n`,
            ),
          )
          const fields = new FieldTable({ flat: false, nested_fields: [] })
          const scanner = newScanner(fields)
          const shapes = new LineShapes()
          for (const line of lines) {
            const matched = shapes.match(line.toString('latin1'), 0, 1000)
            const end = scanner.scan(line, 0)
            if (matched === 0) {
              if (end >= 0 && scanner.marks === 0) shapes.learn(scanner, line, 0, end)
              continue
            }
            matches++
            expect(matched).toBe(line.length)
            expect(end).toBe(line.length - 1)
            expect(scanner.marks).toBe(0)
            const counted = new Map<number, number>()
            shapes.eachValue((field, kind) => counted.set(field, kind))
            expect(counted.size).toBe(scanner.values)
            for (let value = 0; value < scanner.values; value++) {
              const kind = scanner.kind[value] as number
              const as = counted.get(scanner.field[value] as number)
              expect(kind === as || kind === NULL || (kind === INTEGER && as === NUMBER)).toBe(true)
              const length = (scanner.end[value] as number) - (scanner.start[value] as number)
              if (kind === INTEGER) expect(length).toBeLessThanOrEqual(15)
            }
          }
        },
      ),
      { numRuns: 1000 },
    )
    expect(matches).toBeGreaterThan(200)
  })
})
