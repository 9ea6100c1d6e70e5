import { describe, expect, it } from 'vitest'
import { encodingWith } from '../../../test/support/encoding.ts'
import type { Encoding, RecordBlock } from './encode.ts'
import { type EnvelopedRecord, recordBlocks } from './record-blocks.ts'

const encoding = (partition_by: Encoding['partition_by'] = []): Encoding =>
  encodingWith({
    output: { type: 'avro', codec: { codec: 'none' } },
    output_schema: 'v2',
    keep_additional_properties: true,
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

/** Records as they are handed to a format that has no fast way. */
function recordsFor(settings: Encoding) {
  const groups: EnvelopedRecord[][] = []
  const encode = recordBlocks(settings, () => {
    let records: EnvelopedRecord[] = []
    return {
      plain: undefined,
      add: (record) => {
        records.push(record)
      },
      added: () => {},
      end() {
        groups.push(records)
        records = []
        return new Uint8Array()
      },
    }
  })
  return async (lines: RecordBlock) => {
    groups.length = 0
    const { segments } = await encode(lines)
    return segments.map(({ partition }, at) => ({ partition, records: groups[at] ?? [] }))
  }
}

describe('the records of a block', () => {
  it('are their data as text, their time and what changed', async () => {
    const recordsOf = recordsFor(encoding())
    const changes = '[{"field":"é","change":"NULLED","reason":"x"}]'
    const lines = [
      '"data":{"a":"é😀"},"emitted_at":1',
      `"data":{"a":9007199254740993},"emitted_at":1.7e12,"meta":{"changes":${changes}}`,
    ]
    // The second time by shapes, the third time in ASCII.
    for (let time = 0; time < 2; time++) {
      expect(await recordsOf(block(...lines))).toEqual([
        {
          partition: [],
          records: [
            { data: '{"a":"é😀"}', emitted_at: 1 },
            { data: '{"a":9007199254740993}', emitted_at: 1.7e12, changes },
          ],
        },
      ])
    }
    expect((await recordsOf(block('"data":{},"emitted_at":2')))[0]?.records).toEqual([
      { data: '{}', emitted_at: 2 },
    ])
  })

  it('stand together by partition', async () => {
    const recordsOf = recordsFor(encoding([{ kind: 'field', field: 'c' }]))
    const lines = ['x', 'y', 'x'].map((c, at) => `"data":{"c":"${c}"},"emitted_at":${at}`)
    const told = (await recordsOf(block(...lines))).map(({ partition, records }) => [
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
  const settings = encoding([{ kind: 'field', field: 'c' }])
  const json_schema = { type: 'object', properties: { n: { type: 'integer' } } }
  const encode = recordBlocks(
    { ...settings, stream: { ...settings.stream, json_schema } },
    (maker) => ({
      plain: undefined,
      add: (record) => void maker.make(record),
      added: () => {},
      end: () => new Uint8Array(),
    }),
  )
  const lines = Array.from(
    { length: 30 },
    (_, at) => `"data":{"c":"${at % 2}","n":"x"},"emitted_at":${at}`,
  )
  const { segments, bad_values, examples } = await encode(block(...lines))
  expect(segments.map(({ partition, records }) => [partition, records])).toEqual([
    [['0'], 15],
    [['1'], 15],
  ])
  expect(bad_values).toBe(30)
  expect(examples).toHaveLength(20)
})
