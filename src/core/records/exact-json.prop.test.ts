import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compactText, jsonText, parseExact, parseRecord } from './exact-json.ts'

const number = fc.stringMatching(/^-?(0|[1-9]\d{0,19})(\.\d{1,18})?([eE][-+]?\d{1,3})?$/)
const text: fc.Arbitrary<string> = fc.letrec<{ value: string; members: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    number,
    fc.string({ unit: 'grapheme' }).map((value) => JSON.stringify(value)),
    fc.constantFrom('null', 'true', 'false'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(',')}]`),
    tie('members').map((members) => `{${members}}`),
  ),
  // Keys that are whole numbers would change their places.
  members: fc
    .uniqueArray(
      fc.tuple(
        fc.string().filter((key) => !/^\d+$/.test(key)),
        tie('value'),
      ),
      {
        selector: ([key]) => key,
        maxLength: 4,
      },
    )
    .map((entries) => entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')),
})).value

test('what is read is written again as it was, by either way of reading', () => {
  fc.assert(
    fc.property(text, (written) => {
      expect(jsonText(parseExact(written))).toBe(written)
      expect(jsonText(parseRecord(written))).toBe(written)
      expect(compactText(written)).toBe(written)
    }),
    { numRuns: 2000 },
  )
})

test('it refuses just what the built-in parser refuses', () => {
  const refuses = (parse: (text: string) => unknown, input: string) => {
    try {
      parse(input)
      return false
    } catch {
      return true
    }
  }
  const near = fc
    .tuple(
      text,
      fc.nat(),
      fc.constantFrom('', ' ', '"', '\\', ',', '0', '.', 'e', '-', '{', ']', '\n'),
    )
    .map(([written, at, put]) => {
      const place = at % (written.length + 1)
      return written.slice(0, place) + put + written.slice(place + (at % 2))
    })
  fc.assert(
    fc.property(near, (input) => {
      expect(refuses(parseExact, input)).toBe(refuses(JSON.parse, input))
    }),
    { numRuns: 5000 },
  )
})

test('white space between tokens goes, within strings it stays', () => {
  fc.assert(
    fc.property(fc.json(), (written) => {
      const spread = JSON.stringify(JSON.parse(written), null, 2)
      expect(compactText(spread)).toBe(JSON.stringify(JSON.parse(written)))
    }),
  )
})
