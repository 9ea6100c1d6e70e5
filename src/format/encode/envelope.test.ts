import { expect, it } from 'vitest'
import { routeLines } from './envelope.ts'

const route = (line: string) => {
  const b = Buffer.from(line)
  return routeLines(b).route(0, b.length)
}
const record = (more: string) =>
  `{"type":"RECORD","record":{"stream":"users","data":{"id":1},"emitted_at":1700000000000}${more}}`

it('gives lines of one stream the same object, whatever their data and time', () => {
  const first = route(record(''))
  expect(first).toEqual({ type: 'RECORD', stream: 'users' })
  const other = record('').replace('"id":1', '"id":{"a":[1,2]},"b":"}}"').replace('170', '180')
  expect(route(other)).toBe(first)
})

it.each([
  ['{"type":"STATE","state":{"data":{"a":1}}}', { type: 'STATE' }],
  ['{"state":{"record":{"stream":"users"}},"type":"STATE"}', { type: 'STATE' }],
  ['{"type":"TRACE","record":{"stream":"users","data":{},"emitted_at":1}}', { type: 'TRACE' }],
  [record(',"type":"STATE"').replace('{"type":"RECORD",', '{'), { type: 'STATE' }],
])('never takes another message for a record: %s', (line, told) => {
  route(record(''))
  expect(route(line)).toEqual(told)
})

it('finds a namespace that stands between the data and an end as another line had it', () => {
  const line = (more: string) =>
    `{"type":"RECORD","record":{"emitted_at":1700000000000,"stream":"ends","data":{}${more}}}`
  expect(route(line(''))).toEqual({ type: 'RECORD', stream: 'ends' })
  const told = { type: 'RECORD', stream: 'ends', namespace: 'other' }
  expect(route(line(',"namespace":"other","meta":{"changes":[{}]}'))).toEqual(told)
  expect(route(line(',"namespace":"other","meta":{}'))).toEqual(told)
  expect(route(line(''))).toEqual({ type: 'RECORD', stream: 'ends' })
})

it.each(['', 'INFO starting', '[1]', '{"type":1}', '{"a":1}', '{"type":"REC', 'null'])(
  'tells that %j is no message',
  (line) => {
    expect(route(line)).toBeUndefined()
  },
)

it.each([
  '{"type":"RECORD","record":{"stream":"users","data":{"id":1',
  '{"record":{"stream":"users","data":{"id":nope}},"type":"RECORD"}',
  '{"type":"RECORD","type":"RECORD","record":{"stream":"users"}}',
  '{"type":"RECORD","record":7}',
])('tells a record that cannot be read as one, so that it is not passed over: %s', (line) => {
  expect(route(line)?.type).toBe('RECORD')
})

it('learns heads in which the time stands before the data', () => {
  const line = (time: number) =>
    `{"type":"RECORD","record":{"namespace":"n","stream":"early","emitted_at":${time},"data":{"x":${time}}}}`
  const first = route(line(1_700_000_000_000))
  expect(first).toEqual({ type: 'RECORD', stream: 'early', namespace: 'n' })
  expect(route(line(1_712_345_678_901))).toBe(first)
})
