import { describe, expect, it } from 'vitest'
import { encodingWith, PARQUET } from '../../../../test/support/encoding.ts'
import type { Encoding, RecordBlock } from '../encode.ts'
import { RecordReader } from '../record-reader.ts'
import { parquetBlocks } from './block.ts'
import { LeafColumn } from './leaf-column.ts'
import { columnsOf, leavesOf } from './leaves.ts'
import { fastWays } from './plain-columns.ts'
import { shredders } from './shred.ts'

/** A stream with fields of these schemas. */
const encodingOf = (properties: Record<string, object>): Encoding =>
  encodingWith({
    id: 'runs',
    stream: {
      name: 'events',
      json_schema: { type: 'object', properties },
    },
    output: { ...PARQUET, codec: 'uncompressed' },
  })

const blockOf = (records: readonly object[]): RecordBlock => {
  const lines = records.map((data, at) =>
    JSON.stringify({ type: 'RECORD', record: { stream: 'events', data, emitted_at: 1e12 + at } }),
  )
  return { bytes: new Uint8Array(Buffer.from(`${lines.join('\n')}\n`)), records: records.length }
}

const ID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** What comes of the records, but for what is random: the fast way, and by converting each. */
async function bothWays(
  properties: Record<string, object>,
  blocks: readonly (readonly object[])[],
) {
  const encoding = encodingOf(properties)
  const encode = [parquetBlocks(encoding), parquetBlocks(encoding, { convert_all: true })]
  const texts = ['', '']
  let records = 0
  for (const block of blocks) {
    for (const [way, encoder] of encode.entries()) {
      const { segments } = await encoder(blockOf(block))
      for (const segment of segments) {
        if (way === 0) records += segment.records
        texts[way] += Buffer.from(segment.bytes).toString('latin1').replaceAll(ID, 'id')
      }
    }
  }
  return { fast: texts[0], exact: texts[1], records }
}

const text = { type: 'string' }
const number = { type: 'number' }

describe('runs of lines', () => {
  it('are as many as it takes: more rows and more long decimals than one run holds', async () => {
    const records = Array.from({ length: 12_000 }, (_, at) => ({ v: at / 7, w: -at / 3, t: 'x' }))
    const { fast, exact } = await bothWays({ v: number, w: number, t: text }, [records])
    expect(fast === exact).toBe(true)
  })

  it('end before a text that has no room, which is read by other means', async () => {
    const sizes = [0, 1, 15, 16, 17, 60_000, 65_000, 65_500, 65_530, 70_000, 200_000]
    const records = Array.from({ length: 60 }, (_, at) => {
      const size = sizes[(at * 7) % sizes.length] as number
      return { a: 'é"\\'.repeat(size / 3), b: String(at), c: 'y'.repeat(size) }
    })
    const { fast, exact } = await bothWays({ a: text, b: text, c: text }, [records])
    expect(fast === exact).toBe(true)
  })

  it('go on where lines of several shapes follow each other, and fields are missing or null', async () => {
    const block = (from: number) =>
      Array.from({ length: 500 }, (_, at) => ({
        id: from + at,
        ...(at % 3 === 0 ? {} : { a: at % 5 === 0 ? null : `a${at}` }),
        ...(at % 4 === 0 ? { b: at } : {}),
      }))
    const { fast, exact, records } = await bothWays(
      { id: { type: 'integer' }, a: text, b: number, c: text },
      [block(0), block(500), block(1000)],
    )
    expect(records).toBe(1500)
    expect(fast === exact).toBe(true)
  })

  it('hold as many columns as there are', async () => {
    const names = Array.from({ length: 250 }, (_, at) => `c${at}`)
    const records = Array.from({ length: 300 }, (_, row) =>
      Object.fromEntries(names.map((name, at) => [name, at % 2 === 0 ? `${row}-${at}` : row * at])),
    )
    const properties = Object.fromEntries(
      names.map((name, at) => [name, at % 2 === 0 ? text : { type: 'integer' }]),
    )
    const { fast, exact } = await bothWays(properties, [records])
    expect(fast === exact).toBe(true)
  })

  it('go on in the next block where the last one came to its end', () => {
    const encoding = encodingOf({ id: { type: 'integer' }, t: text })
    const columns = columnsOf(encoding)
    const leaves = leavesOf(columns).map((leaf) => new LeafColumn(leaf))
    const ways = fastWays(encoding, { columns, leaves, shreds: shredders(columns, leaves) })
    const reader = new RecordReader(encoding.stream)
    const by_other_means = [100, 100, 1, 100].map((records) => {
      reader.open(blockOf(Array.from({ length: records }, (_, id) => ({ id, t: 'x' }))))
      let count = 0
      while (reader.at < reader.bytes.length) {
        const taken = ways?.runs.take(reader, Infinity, 0) ?? 0
        if (taken === 0 && reader.next()) count++
      }
      expect(ways?.runs.take(reader, Infinity, 0)).toBe(0)
      return count
    })
    expect(by_other_means.slice(1)).toEqual([0, 0, 0])
    expect(by_other_means[0]).toBeLessThan(10)
  })
})
