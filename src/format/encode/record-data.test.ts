import { expect, it } from 'vitest'
import { dataOfRecords } from './record-data.ts'

const block = (lines: readonly string[]) => ({
  bytes: Uint8Array.from(Buffer.from(lines.map((line) => `${line}\n`).join(''))),
  records: lines.length,
})

it('is what stands in a record, byte for byte, wherever it stands', () => {
  const data = [
    '{}',
    '{"id":9007199254740993,"d":12345678901234567890.10,"e":1E400,"n":-0.0}',
    '{ "a" :\t[1 , {"data":{"b":2}}] , "é\\u00e9":"}\\"{" }',
  ]
  const unwrap = dataOfRecords({ name: 'users', namespace: 'crm' })
  const lines = data.flatMap((each) => [
    `{"type":"RECORD","record":{"stream":"users","namespace":"crm","data":${each},"emitted_at":1}}`,
    `{"record":{"emitted_at":1,"data":${each},"meta":{"changes":[]},"namespace":"crm","stream":"us\\u0065rs"} , "type":"RECORD"}`,
  ])
  // Twice: the second time the shapes of the lines are known.
  for (let turn = 0; turn < 2; turn++)
    expect(Buffer.from(unwrap(block(lines))).toString()).toBe(
      data.map((each) => `${each}\n${each}\n`).join(''),
    )
  expect(unwrap(block([]))).toHaveLength(0)
})

it.each([
  ['of another stream', '{"type":"RECORD","record":{"stream":"b","data":{},"emitted_at":1}}'],
  ['without data', '{"type":"RECORD","record":{"stream":"a","emitted_at":1}}'],
  ['cut off', '{"type":"RECORD","record":{"stream":"a","data":{"id":1'],
])('is not taken from a line that is %s', (_, line) => {
  expect(() => dataOfRecords({ name: 'a' })(block([line]))).toThrow('A line of stream "a"')
})
