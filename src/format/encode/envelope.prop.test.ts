import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonValue, objectOf, recordLine } from '../../../test/arbitrary-json.ts'
import { routeLines } from './envelope.ts'

const route = (line: string) => {
  const b = Buffer.from(`{"type":"before"}\n${line}\n{"type":"after"}\n`)
  const start = b.indexOf('\n') + 1
  return routeLines(b).route(start, start + Buffer.byteLength(line))
}

const data = objectOf(jsonValue)
const lines = fc.constantFrom('users', 'üsers', 'a"b', 'data":{', '').chain((stream) =>
  fc.constantFrom(undefined, 'public', 'a{b', 'users').chain((namespace) =>
    recordLine({ stream, data, ...(namespace === undefined ? {} : { namespace }) }).map(
      ({ line }) => ({
        line,
        told: { type: 'RECORD', stream, ...(namespace === undefined ? {} : { namespace }) },
      }),
    ),
  ),
)

it('tells the stream of records in any order and white space, those of known heads as well', () => {
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 5 }), (records) => {
      const first = records.map(({ line }) => route(line))
      expect(first).toEqual(records.map(({ told }) => told))
      for (const [at, { line }] of records.entries()) expect(route(line)).toBe(first[at])
    }),
    { numRuns: 500 },
  )
})

it('tells lines of two producers apart that differ in what follows the data', () => {
  const python = (data: string, namespace: string) =>
    `{"type":"RECORD","record":{"stream":"t","data":${data},"emitted_at":1700000000000${namespace}}}`
  fc.assert(
    fc.property(
      data,
      fc.constantFrom('', ',"namespace":"a"', ',"namespace":"b"', ',"namespace":null'),
      (value, tail) => {
        const name = /"(\w)"/.exec(tail)?.[1]
        expect(route(python(value, tail))).toEqual({
          type: 'RECORD',
          stream: 't',
          ...(name === undefined ? {} : { namespace: name }),
        })
      },
    ),
  )
})

/** A line with what the data, the time and its ends may hide. */
const alikes = fc
  .tuple(
    fc.constantFrom(
      '{"type":"RECORD","record":{"stream":"t","data":',
      '{"type":"RECORD","record":{"stream":"u","data":',
      '{"type":"RECORD","record":{"namespace":"n","stream":"t","data":',
      '{"type":"RECORD","record":{"stream":"t","emitted_at":1700000000000,"data":',
      '{"type":"STATE","state":',
    ),
    fc.oneof(
      data,
      fc.constantFrom('{}', '{"namespace":"x"}', '{"a":{"emitted_at":1}}', '{"b":"namespace"}'),
      fc.nat({ max: 400 }).map((length) => `{"text":"${'é'.repeat(length)}"}`),
    ),
    fc.constantFrom(
      ',"emitted_at":1700000000000}}',
      ',"emitted_at":1712345678901}}',
      ',"emitted_at":170000000000}}',
      ',"emitted_at":1700000000000,"namespace":"n"}}',
      ',"namespace":"n","emitted_at":1700000000000}}',
      ',"emitted_at":1700000000000,"more":{}}}',
      '}}',
      '}',
    ),
  )
  .map((parts) => parts.join(''))

it('puts records together of which it tells the same, in their order, and stops before any other line', () => {
  let gathered = 0
  let groups_of_many = 0
  fc.assert(
    fc.property(
      fc.array(fc.tuple(alikes, fc.integer({ min: 1, max: 6 })), { maxLength: 8 }),
      fc.boolean(),
      fc.nat({ max: 2000 }),
      fc.boolean(),
      (groups, ends, most, mixed) => {
        const repeated = groups.map(([line, times]) => Array<string>(times).fill(line))
        // As streams come that are read at the same time: one line of each in turn.
        const turns = Array.from({ length: 6 }, (_, at) =>
          repeated.flatMap((some) => some.slice(at, at + 1)),
        )
        const all = (mixed ? turns : repeated).flat()
        const bytes = Buffer.from(all.join('\n') + (ends ? '\n' : ''))
        const router = routeLines(bytes)
        const told = new Map<unknown, string>()
        const alone = new Map<unknown, string>()
        const add = (to: Map<unknown, string>, route: unknown, text: string) =>
          to.set(route, (to.get(route) ?? '') + text)
        for (let start = 0; ; ) {
          const from = start
          for (const { route, records, ...at } of router.gather(start, most)) {
            const text = Buffer.from(at.source.subarray(at.from, at.to)).toString()
            expect(text.split('\n').length - 1).toBe(records)
            add(told, route, text)
            gathered += records
          }
          for (start = from; start < router.end; ) {
            const end = bytes.indexOf('\n', start)
            add(alone, routeLines(bytes).route(start, end), bytes.toString('utf8', start, end + 1))
            start = end + 1
          }
          expect(start).toBe(router.end)
          if (told.size > 1) groups_of_many++
          const end = bytes.indexOf('\n', start)
          if (end < 0) break
          router.route(start, end)
          start = end + 1
        }
        expect(told).toEqual(alone)
      },
    ),
    { numRuns: 500 },
  )
  expect(gathered).toBeGreaterThan(500)
  expect(groups_of_many).toBeGreaterThan(20)
})
