import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonString, jsonValue, objectOf, recordLine } from '../../../test/arbitrary-json.ts'
import { parseExact } from '../../core/records/exact-json.ts'
import { EnvelopeScanner, memberName, textOfBytes } from './envelope-scanner.ts'

const scanner = new EnvelopeScanner()
const slice = (b: Buffer, start: number, end: number) =>
  start < 0 ? undefined : b.toString('utf8', start, end)

it('finds the parts of a record in any order and white space, inside of other lines', () => {
  const line = recordLine({ stream: 'üsers', namespace: 'a"b', data: objectOf(jsonValue) })
  fc.assert(
    fc.property(line, ({ line, data, emitted_at, changes }) => {
      const before = Buffer.from('{"x":1}\n')
      const b = Buffer.concat([before, Buffer.from(`${line}\n{"x":2}\n`)])
      const end = before.length + Buffer.byteLength(line)
      expect(scanner.scan(b, before.length, end)).toBe(true)
      expect(slice(b, scanner.type_start, scanner.type_end)).toBe('"RECORD"')
      expect(slice(b, scanner.stream_start, scanner.stream_end)).toBe('"üsers"')
      expect(slice(b, scanner.namespace_start, scanner.namespace_end)).toBe('"a\\"b"')
      expect(slice(b, scanner.data_start, scanner.data_end)).toBe(data)
      expect(slice(b, scanner.emitted_start, scanner.emitted_end)).toBe(String(emitted_at))
      expect(slice(b, scanner.changes_start, scanner.changes_end)).toBe(changes)
      const members = Array.from({ length: scanner.fields }, (_, field) => [
        textOfBytes(
          memberName(b.toString('latin1', scanner.name_start[field], scanner.name_end[field])),
        ),
        parseExact(
          slice(b, scanner.value_start[field] ?? -1, scanner.value_end[field] ?? -1) ?? '',
        ),
      ])
      // The built-in parser can mix up escaped names.
      expect(new Map(members as [string, unknown][])).toEqual(
        new Map(Object.entries(parseExact(data) ?? {})),
      )
    }),
    { numRuns: 1000 },
  )
})

it('takes what the built-in parser takes, and nothing else', () => {
  const inside = fc.oneof(jsonValue, jsonString)
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    insert: fc.constantFrom(
      '',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'null',
      ' ',
      '\u0001',
      '\\u12',
      'é',
    ),
  })
  let taken = 0
  fc.assert(
    fc.property(inside, fc.array(edit, { maxLength: 2 }), (value, edits) => {
      let text = `{"x":${value}}`
      for (const { at, remove, insert } of edits) {
        const place = at % (text.length + 1)
        text = `${text.slice(0, place)}${insert}${text.slice(place + remove)}`
      }
      fc.pre(text.isWellFormed() && !text.includes('\n'))
      let valid = true
      try {
        const parsed: unknown = JSON.parse(text)
        valid = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      } catch {
        valid = false
      }
      const b = Buffer.from(`${text}\n`)
      const strict = scanner.scan(b, 0, b.length - 1)
      if (strict) taken++
      expect([strict, text]).toEqual([valid, text])
    }),
    { numRuns: 5000 },
  )
  expect(taken).toBeGreaterThan(1000)
})
