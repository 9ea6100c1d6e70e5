import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench } from '../../test/try-gate.ts'
import { Format } from '../core/settings.ts'
import { rawRows } from './raw-rows.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

async function raws(
  bytes: Uint8Array | string,
  format: 'jsonl' | 'csv',
  rows: readonly number[],
): Promise<unknown[]> {
  const settings = Format.parse({ type: format })
  const found: unknown[] = []
  for await (const { row, raw } of rawRows(bench.stage(bytes), { format, settings, rows })) {
    found.push([row, raw])
  }
  return found
}

describe('rawRows', () => {
  it('gives lines as delivered, however the object is compressed', async () => {
    const text = '{"a":1}\n\n{ "a" : 2 }\r\n{"a":"é"}'
    for (const bytes of [Buffer.from(text), gzipSync(text)]) {
      expect(await raws(bytes, 'jsonl', [1, 3, 4])).toEqual([
        [1, '{"a":1}'],
        [3, '{ "a" : 2 }'],
        [4, '{"a":"é"}'],
      ])
    }
    expect(await raws(text, 'jsonl', [])).toEqual([])
    expect(await raws(text, 'jsonl', [3])).toEqual([[3, '{ "a" : 2 }']])
  })

  it('gives whole CSV records, wherever the file is cut into chunks', async () => {
    const text = 'a,b\n1,"x\ny ""z"""\r\n2,3\n4,"5\n6"'
    for (let cut = 1; cut < text.length; cut++) {
      const bytes = Buffer.concat([
        zstdCompressSync(text.slice(0, cut)),
        zstdCompressSync(text.slice(cut)),
      ])
      expect(await raws(bytes, 'csv', [2, 4, 5])).toEqual([
        [2, '1,"x\ny ""z"""'],
        [4, '2,3'],
        [5, '4,"5\n6"'],
      ])
    }
  })

  it('knows line breaks as the gate does, wherever the file is cut into chunks', async () => {
    for (const [text, rows] of [
      [
        'a,b\r1,2\r\r3,4',
        [
          [2, '1,2'],
          [4, '3,4'],
        ],
      ],
      [
        'a,b\r\n1,2\r\n\r\n3,4\r\n',
        [
          [2, '1,2'],
          [4, '3,4'],
        ],
      ],
    ] as const)
      for (let cut = 1; cut < text.length; cut++) {
        const parts = [text.slice(0, cut), text.slice(cut)].map((part) => zstdCompressSync(part))
        expect(await raws(Buffer.concat(parts), 'csv', [2, 4]), `${cut}`).toEqual(rows)
      }
  })

  it('passes over a line of many pieces', async () => {
    const text = `{"a":"${'x'.repeat(3_000_000)}"}\n{"a":1}`
    expect(await raws(text, 'jsonl', [2])).toEqual([[2, '{"a":1}']])
  })

  it('finds rows in a large object', async () => {
    const lines = Array.from({ length: 100_000 }, (_, n) => `{"n":${n},"pad":"${'x'.repeat(40)}"}`)
    const wanted = [1, 50_000, 99_999, 100_000]
    const found = await raws(lines.join('\n'), 'jsonl', wanted)
    expect(found).toEqual(wanted.map((row) => [row, lines[row - 1]]))
  })
})
