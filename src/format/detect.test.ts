import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

describe('a feed of format auto', () => {
  it.each([
    ['{"a":1}\n', 'events/part-0', 'jsonl'],
    ['\ufeff \n{"a":1}\n', 'events/part-0', 'jsonl'],
    [gzipSync('{"a":1}\n'), 'events/part-0.gz', 'jsonl'],
    ['a,b\n1,2\n', 'events/part-0', 'csv'],
    ['{a},b\n1,2\n', 'events/part-0.csv', 'csv'],
    [gzipSync('a\n1\n'), 'events/part-0.CSV.GZ', 'csv'],
    ['[1]\n{"a":1}\n', 'events/part-0.jsonl', 'jsonl'],
  ])('reads %j under %s as %s', async (bytes, key, format) => {
    const { result } = await bench.pass(bytes, { type: 'auto' }, { key })
    expect(passed(result).format).toBe(format)
  })

  it('knows Parquet by its magic, whatever the key', async () => {
    const { result } = await bench.pass('PAR1 not really PAR1', { type: 'auto' }, { key: 'a.csv' })
    expect(result.refused).toMatchObject({ code: 'corrupt_object' })
    const other = await bench.pass('a,b\n', { type: 'auto' }, { key: 'a.parquet' })
    expect(other.result.refused).toMatchObject({ code: 'wrong_format' })
    const empty = await bench.pass('', { type: 'auto' })
    expect(empty.result.refused).toMatchObject({ code: 'empty_object' })
  })
})
