import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonValue, objectOf, recordLine } from '../../../test/arbitrary-json.ts'
import { routeLines } from './envelope.ts'

const route = (line: string) => {
  const b = Buffer.from(`{"type":"before"}\n${line}\n{"type":"after"}\n`)
  const start = b.indexOf('\n') + 1
  return routeLines(b)(start, start + Buffer.byteLength(line))
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
