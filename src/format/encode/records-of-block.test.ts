import { describe, expect, it } from 'vitest'
import type { Encoding } from './encode.ts'
import { binaryBlocks, blockRecords } from './records-of-block.ts'

const encoding = (partition_by: Encoding['partition_by'] = []): Encoding => ({
  id: 'test',
  stream: { name: 's', json_schema: {}, write_mode: 'append', cursor_field: [], primary_key: [] },
  output: { type: 'avro', codec: { codec: 'none' } },
  output_schema: 'v2',
  on_bad_value: 'null',
  keep_additional_properties: true,
  sync_id: 0,
  generation_id: 0,
  partition_by,
})
const block = (...records: readonly string[]) => ({
  bytes: new Uint8Array(
    Buffer.from(
      records.map((text) => `{"type":"RECORD","record":{"stream":"s",${text}}}\n`).join(''),
    ),
  ),
  records: records.length,
})

describe('the records of a block', () => {
  it('are their data as text, their time and what changed', () => {
    const recordsOf = blockRecords(encoding())
    const changes = '[{"field":"é","change":"NULLED","reason":"x"}]'
    const lines = [
      '"data":{"a":"é😀"},"emitted_at":1',
      `"data":{"a":9007199254740993},"emitted_at":1.7e12,"meta":{"changes":${changes}}`,
    ]
    // The second time by shapes, the third time in ASCII.
    for (let time = 0; time < 2; time++) {
      expect(recordsOf(block(...lines))).toEqual([
        {
          partition: [],
          records: [
            { data: '{"a":"é😀"}', emitted_at: 1 },
            { data: '{"a":9007199254740993}', emitted_at: 1.7e12, changes },
          ],
        },
      ])
    }
    expect(recordsOf(block('"data":{},"emitted_at":2'))[0]?.records).toEqual([
      { data: '{}', emitted_at: 2 },
    ])
  })

  it('stand together by partition', () => {
    const recordsOf = blockRecords(encoding([{ kind: 'field', field: 'c' }]))
    const lines = ['x', 'y', 'x'].map((c, at) => `"data":{"c":"${c}"},"emitted_at":${at}`)
    const told = recordsOf(block(...lines)).map(({ partition, records }) => [
      partition,
      records.map(({ emitted_at }) => emitted_at),
    ])
    expect(told).toEqual([
      [['x'], [0, 2]],
      [['y'], [1]],
    ])
  })
})

it('keeps the first 20 examples of bad values of all partitions, and counts all', async () => {
  const bad = { field: 'a', code: 'wrong_type', message: 'm', raw: '1', kept_as: 'null' } as const
  const encode = binaryBlocks(encoding([{ kind: 'field', field: 'c' }]), {
    encode: (records) => ({
      bytes: new Uint8Array(records.length),
      bad_values: 15,
      examples: Array.from({ length: 15 }, () => bad),
    }),
  })
  const lines = ['x', 'y', 'x'].map((c, at) => `"data":{"c":"${c}"},"emitted_at":${at}`)
  const { segments, bad_values, examples } = await encode(block(...lines))
  expect(segments.map(({ records, bytes }) => [records, bytes.length])).toEqual([
    [2, 2],
    [1, 1],
  ])
  expect(bad_values).toBe(30)
  expect(examples).toHaveLength(20)
})
