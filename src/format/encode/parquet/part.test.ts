import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  asyncBufferFromFile,
  parquetMetadata,
  parquetMetadataAsync,
  parquetReadObjects,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodingWith, PARQUET } from '../../../../test/support/encoding.ts'
import { recordBlock } from '../../../../test/support/record-block.ts'
import type { ParquetOutput } from '../../../core/destination/output.ts'
import type { JsonSchema } from '../../../core/destination/stream.ts'
import { type Duckdb, literal, openDuckdb } from '../../../duckdb/duckdb.ts'
import type { Encoding } from '../encode.ts'
import type { EnvelopedRecord } from '../record-blocks.ts'
import { parquetBlocks } from './block.ts'
import { encodeColumns } from './chunk.ts'
import { footerOf, MAGIC } from './footer.ts'
import { columnsOf, leavesOf } from './leaves.ts'
import { openParquetPart } from './part.ts'

let dir: string
let duckdb: Duckdb
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-parquet-'))
  duckdb = await openDuckdb({ memory_limit: '512MB', spill_dir: join(dir, 'spill') })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

const PAGES: ParquetOutput = { ...PARQUET, page_bytes: 8 << 10 }

const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    ID: { type: 'string' },
    price: { type: 'number' },
    ok: { type: 'boolean' },
    at: { type: 'string', format: 'date-time' },
    day: { type: 'string', format: 'date' },
    time: { type: 'string', format: 'time' },
    either: { type: ['integer', 'string'] },
    tags: { type: 'array', items: { type: 'string' } },
    where: {
      type: 'object',
      properties: {
        x: { type: 'number' },
        deep: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
      },
    },
  },
}

function encodingOf(output: ParquetOutput, rest: Partial<Encoding> = {}): Encoding {
  return encodingWith({
    id: 'sync-1/things',
    stream: {
      name: 'things',
      json_schema: SCHEMA,
    },
    output,
    sync_id: 7,
    generation_id: 3,
    ...rest,
  })
}

let files = 0
async function write(encoding: Encoding, ...segments: (readonly EnvelopedRecord[])[]) {
  const part = await openParquetPart(encoding, join(dir, `${files++}.parquet`), { encodeColumns })
  const encode = parquetBlocks(encoding)
  for (const records of segments) {
    const { segments: encoded } = await encode(recordBlock('things', records))
    for (const segment of encoded) await part.append(segment)
  }
  return part
}

const dataOf = (...data: string[]): EnvelopedRecord[] =>
  data.map((text) => ({ data: text, emitted_at: 1_700_000_000_123 }))

const plainly = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one) =>
      typeof one === 'bigint'
        ? `${one}n`
        : Object.is(one, -0)
          ? '-0'
          : typeof one === 'number' && !Number.isFinite(one)
            ? String(one)
            : one,
    ),
  )

async function readBoth(path: string) {
  const file = await asyncBufferFromFile(path)
  const rows = await parquetReadObjects({ file, compressors })
  const metadata = await parquetMetadataAsync(file)
  return { rows: plainly(rows) as Record<string, unknown>[], metadata }
}

describe.each([
  ['usual', PARQUET],
  ['small', PAGES],
] as const)('openParquetPart with pages of %s size', (_, output) => {
  it('gives every type its value and its meaning', async () => {
    const part = await write(
      encodingOf(output),
      dataOf(
        '{"id":9223372036854775807,"ID":"a\\u0000é😀","price":-0.0,"ok":true,"at":"2021-01-01T01:01:01.546+01:00","day":"2021-10-10","time":"12:23:01.541","either":5,"tags":["x",null,""],"where":{"x":1.5,"deep":[[1,null],[],null]},"more":{"k":1}}',
        '{"id":-9007199254740993,"either":"five","at":"no time","tags":[],"where":{}}',
        '{"price":"NaN","where":null}',
      ),
    )
    const { path, records } = await part.finish()
    expect(records).toBe(3)
    const { rows, metadata } = await readBoth(path)
    expect(rows[0]).toMatchObject({
      id: '9223372036854775807n',
      ID: 'a\u0000é😀',
      price: '-0',
      ok: true,
      at: { member0: '2021-01-01T00:01:01.546Z', member1: null },
      day: { member0: '2021-10-10T00:00:00.000Z', member1: null },
      either: { member0: '5n', member1: null },
      tags: ['x', null, ''],
      where: { x: 1.5, deep: [['1n', null], [], null] },
      _airbyte_additional_properties: { more: '{"k":1}' },
      _airbyte_emitted_at: '2023-11-14T22:13:20.123Z',
    })
    expect(rows[1]).toMatchObject({
      id: '-9007199254740993n',
      either: { member0: null, member1: 'five' },
      at: { member0: null, member1: 'no time' },
      tags: [],
      price: null,
    })
    expect(rows[2]).toMatchObject({ price: 'NaN' })
    expect([rows[2]?.where ?? null, rows[2]?.tags ?? null, rows[2]?.id ?? null]).toEqual([
      null,
      null,
      null,
    ])
    const logical = (name: string) =>
      metadata.schema.find((element) => element.name === name)?.logical_type
    expect(logical('_airbyte_emitted_at')).toEqual({
      type: 'TIMESTAMP',
      isAdjustedToUTC: true,
      unit: 'MILLIS',
    })
    const types = await duckdb.all(
      `DESCRIBE SELECT * EXCLUDE (id), "at".member0 AS a, "day".member0 AS d, "time".member0 AS t FROM read_parquet(${literal(path)})`,
    )
    const typeOf = Object.fromEntries(types.map((row) => [row.column_name, row.column_type]))
    expect(typeOf).toMatchObject({
      _airbyte_emitted_at: 'TIMESTAMP WITH TIME ZONE',
      price: 'DOUBLE',
      a: 'TIMESTAMP WITH TIME ZONE',
      d: 'DATE',
      either: 'STRUCT(member0 BIGINT, member1 VARCHAR)',
      tags: 'VARCHAR[]',
      _airbyte_additional_properties: 'MAP(VARCHAR, VARCHAR)',
    })
    expect(String(typeOf.t)).toMatch(/^TIME/)
    const [row] = await duckdb.all(
      `SELECT epoch_us("at".member0) AS at, epoch_us(_airbyte_emitted_at) AS emitted, "time".member0::VARCHAR AS t, "where".deep[1] AS deep FROM read_parquet(${literal(path)}) LIMIT 1`,
    )
    expect(plainly(row)).toMatchObject({
      at: '1609459261546000n',
      emitted: '1700000000123000n',
      deep: ['1n', null],
    })
    expect(String(row?.t)).toMatch(/^12:23:01.541/)
  })

  it('writes unions of v2 with their type', async () => {
    const part = await write(
      encodingOf(output, { output_schema: 'v2' }),
      dataOf('{"either":20}', '{"either":"x","at":"foo"}'),
    )
    const { rows } = await readBoth((await part.finish()).path)
    expect(rows.map((row) => row.either)).toEqual([
      { type: 'integer', integer: '20n', string: null },
      { type: 'string', integer: null, string: 'x' },
    ])
    expect(rows[1]?._airbyte_meta).toEqual({
      sync_id: '7n',
      changes: [{ field: 'at', change: 'NULLED', reason: 'DESTINATION_SERIALIZATION_ERROR' }],
    })
  })

  it.each(['uncompressed', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd'] as const)(
    'packs with %s',
    async (codec) => {
      const data = Array.from(
        { length: 5000 },
        (_, index) => `{"id":${index},"ID":"value ${index % 97} ${'ab'.repeat(index % 50)}"}`,
      )
      const part = await write(encodingOf({ ...output, codec }), dataOf(...data))
      const { path } = await part.finish()
      const { rows, metadata } = await readBoth(path)
      expect(rows.map((row) => row.ID)).toEqual(data.map((text) => JSON.parse(text).ID))
      const wanted = codec === 'lz4' ? 'LZ4_RAW' : codec.toUpperCase()
      expect(metadata.row_groups[0]?.columns.map((column) => column.meta_data?.codec)).toContain(
        wanted,
      )
      const [count] = await duckdb
        .all(
          `SELECT count(ID)::INT AS n, sum(id_1)::INT AS s FROM read_parquet(${literal(path)}) AS t`,
        )
        .catch(() => duckdb.all(`SELECT count(*)::INT AS n FROM read_parquet(${literal(path)})`))
      expect(count?.n).toBe(5000)
    },
  )

  it('is cut back to a mark, and leaves nothing beside the file', async () => {
    const encoding = encodingOf(output)
    const part = await write(encoding, dataOf('{"id":1}'))
    const mark = part.mark()
    const encode = parquetBlocks(encoding)
    const [segment] = (await encode(recordBlock('things', dataOf('{"id":2}')))).segments
    if (segment === undefined) throw new Error('nothing was encoded')
    await part.append(segment)
    await part.cut(mark)
    await part.append(segment)
    const { path } = await part.finish()
    const { rows } = await readBoth(path)
    expect(rows.map((row) => row.id)).toEqual(['1n', '2n'])
    expect((await readdir(dir)).filter((name) => name.endsWith('.rows'))).toEqual([])
  })

  it('writes a file of no rows', async () => {
    const { path, records } = await (await write(encodingOf(output))).finish()
    expect(records).toBe(0)
    const { metadata } = await readBoth(path)
    expect(metadata.num_rows).toBe(0n)
    expect(metadata.schema.map((element) => element.name)).toContain('_airbyte_ab_id')
  })

  it('honours the size of row groups and the dictionary', async () => {
    const data = Array.from(
      { length: 40_000 },
      (_, index) => `{"id":${index},"ID":"name ${index % 10}","price":${index / 7}}`,
    )
    const segments = Array.from({ length: 8 }, (_, index) =>
      dataOf(...data.slice(index * 5000, index * 5000 + 5000)),
    )
    const bytes = 1 << 20
    const groupsOf = async (more: Partial<ParquetOutput>) => {
      const part = await write(
        encodingOf({ ...output, codec: 'uncompressed', ...more }),
        ...segments,
      )
      return (await readBoth((await part.finish()).path)).metadata.row_groups
    }
    const encodingsOf = (groups: Awaited<ReturnType<typeof groupsOf>>, name: string) =>
      groups[0]?.columns.find((column) => column.meta_data?.path_in_schema[0] === name)?.meta_data
        ?.encodings
    const groups = await groupsOf({ row_group_bytes: bytes })
    // 40 of the id, 8 of the time, 8 of id and price, some ten of the name, in each of 40,000 rows.
    expect(groups.length).toBeGreaterThanOrEqual(2)
    expect(groups.length).toBeLessThanOrEqual(5)
    expect(encodingsOf(groups, 'ID')?.some((one) => /DICTIONARY/.test(one))).toBe(true)
    const none = await groupsOf({ dictionary: false })
    expect(none.length).toBe(1)
    expect(encodingsOf(none, 'ID')).toEqual(['PLAIN', 'RLE'])
    const small = await groupsOf({ dictionary_page_bytes: 16 })
    expect(encodingsOf(small, 'ID')?.some((one) => /DICTIONARY/.test(one))).toBe(false)
  })
})

describe('pages', () => {
  it('have the size asked for', async () => {
    const data = Array.from({ length: 20_000 }, (_, index) => `{"id":${index * 7919}}`)
    const part = await write(encodingOf({ ...PAGES, dictionary: false }), dataOf(...data))
    const { metadata } = await readBoth((await part.finish()).path)
    const column = metadata.row_groups[0]?.columns.find(
      (one) => one.meta_data?.path_in_schema[0] === 'id',
    )
    // 160,000 bytes of integers in pages of 8 KB.
    const pages =
      column?.meta_data?.encoding_stats?.find((one) => one.page_type !== 'DICTIONARY_PAGE')
        ?.count ?? 0
    expect(pages).toBeGreaterThanOrEqual(19)
    expect(pages).toBeLessThanOrEqual(22)
  })

  it('hold bytes', async () => {
    const schema = {
      type: 'object',
      properties: { raw: { $ref: 'WellKnownTypes.json#/definitions/BinaryData' } },
    }
    const encoding = encodingOf(PARQUET)
    const part = await write(
      { ...encoding, stream: { ...encoding.stream, json_schema: schema } },
      dataOf('{"raw":"/wCA"}'),
    )
    const { path } = await part.finish()
    const [row] = await duckdb.all(`SELECT hex(raw) AS h FROM read_parquet(${literal(path)})`)
    expect(row?.h).toBe('FF0080')
  })
})

describe('row ids', () => {
  it.each([
    ['v1', '4'],
    ['v2', '7'],
  ] as const)(
    'of %s are drawn for each row group and counted up in it',
    async (schema, version) => {
      const output = { ...PAGES, row_group_bytes: 1 << 20 }
      const rows = 9_000
      const block = dataOf(...Array.from({ length: rows }, (_, id) => `{"id":${id}}`))
      const part = await write(encodingOf(output, { output_schema: schema }), block, block, block)
      const read = await readBoth((await part.finish()).path)
      const ids = read.rows.map((row) => String(row._airbyte_ab_id ?? row._airbyte_raw_id))
      const form = new RegExp(
        `^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
      )
      for (const id of ids) expect(id).toMatch(form)
      expect(new Set(ids).size).toBe(3 * rows)
      const groups = read.metadata.row_groups.map(({ num_rows }) => Number(num_rows))
      expect(groups.length).toBeGreaterThan(1)
      let from = 0
      for (const count of groups) {
        const counted = ids.slice(from, from + count).map((id) => BigInt(`0x${id.slice(24)}`))
        const [first = 0n] = counted
        expect(counted).toEqual(counted.map((_, at) => first + BigInt(at)))
        expect(new Set(ids.slice(from, from + count).map((id) => id.slice(0, 24))).size).toBe(1)
        from += count
      }
    },
  )
})

describe('a part', () => {
  const row = (id: number) => `{"id":${id},"ID":"${'x'.repeat(50)}","tags":["a","b"]}`
  const idsIn = async (path: string) =>
    (await readBoth(path)).rows.map((read) => Number.parseInt(String(read.id), 10))

  async function segmentsOf(encoding: Encoding, count: number) {
    const encode = parquetBlocks(encoding)
    const segments = []
    for (let id = 0; id < count; id++) {
      segments.push(...(await encode(recordBlock('things', dataOf(row(id))))).segments)
    }
    return segments
  }

  it('is cut within, between and behind row groups that are written, and goes on', async () => {
    // Four rows fill a row group.
    const encoding = encodingOf({ ...PARQUET, row_group_bytes: 2048 })
    const segments = await segmentsOf(encoding, 40)
    for (let at = 0; at <= 20; at++) {
      const part = await openParquetPart(encoding, join(dir, `${files++}.parquet`), {
        encodeColumns,
      })
      for (const segment of segments.slice(0, at)) await part.append(segment)
      const mark = part.mark()
      for (const segment of segments.slice(at, 20)) await part.append(segment)
      await part.cut(mark)
      for (const segment of segments.slice(20)) await part.append(segment)
      const { path, records } = await part.finish()
      expect(records).toBe(at + 20)
      const wanted = Array.from({ length: at + 20 }, (_, id) => (id < at ? id : id - at + 20))
      expect(await idsIn(path)).toEqual(wanted)
      expect((await readBoth(path)).metadata.row_groups.length).toBeGreaterThan(4)
    }
  })

  it('fails with what failed in a thread, and leaves nothing', async () => {
    const encoding = encodingOf({ ...PARQUET, row_group_bytes: 2048 })
    const segments = await segmentsOf(encoding, 20)
    let calls = 0
    const part = await openParquetPart(encoding, join(dir, 'failing.parquet'), {
      encodeColumns(job) {
        if (++calls === 3) return Promise.reject(new Error('the thread died'))
        return encodeColumns(job)
      },
    })
    for (const segment of segments) await part.append(segment)
    await expect(part.finish()).rejects.toThrow('the thread died')
    await part.discard()
    expect((await readdir(dir)).filter((name) => name.startsWith('failing'))).toEqual([])
  })

  it('holds little in memory for rows that come few at a time', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const properties = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`c${at}`, { type: 'integer' }]),
    )
    const encoding = encodingOf(PARQUET)
    const wide = { ...encoding, stream: { ...encoding.stream, json_schema: { properties } } }
    const [segment] = (await parquetBlocks(wide)(recordBlock('things', dataOf('{"c7":7}'))))
      .segments
    if (segment === undefined) throw new Error('nothing was encoded')
    const part = await openParquetPart(wide, join(dir, `${files++}.parquet`), { encodeColumns })
    collect()
    const before = process.memoryUsage().heapUsed
    for (let at = 0; at < 3000; at++) await part.append(segment)
    collect()
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(10 << 20)
    await part.discard()
  })
})

describe('footerOf', () => {
  it('tells of more row groups than their numbers have bits for, beyond 4 GB', () => {
    const encoding = encodingOf(PARQUET)
    const columns = columnsOf(encoding)
    const leaves = leavesOf(columns)
    const size = 2 ** 33 + 5
    const groups = Array.from({ length: 2 ** 15 + 2 }, (_, index) => ({
      rows: 2 ** 31 + index,
      at: 4 + index * size,
      bytes: size,
      chunks: leaves.slice(0, 1).map(() => ({
        at: 4 + index * size,
        packed_bytes: size,
        unpacked_bytes: size * 2,
        levels: 2 ** 31 + index,
        nulls: 2 ** 31,
        range: undefined,
        dictionary_bytes: 2 ** 32,
        data_pages: 9,
      })),
    }))
    const footer = footerOf(columns, leaves, groups, PARQUET)
    const { buffer, byteOffset, length } = Buffer.concat([Buffer.from(MAGIC), footer])
    const read = parquetMetadata(buffer.slice(byteOffset, byteOffset + length))
    expect(read.row_groups.length).toBe(groups.length)
    expect(read.row_groups.map((group) => group.ordinal).slice(-3)).toEqual([
      2 ** 15 - 1,
      undefined,
      undefined,
    ])
    const last = read.row_groups.at(-1)
    const at = BigInt(4 + (2 ** 15 + 1) * size)
    expect(last?.num_rows).toBe(BigInt(2 ** 31 + 2 ** 15 + 1))
    expect(last?.columns[0]?.meta_data).toMatchObject({
      num_values: BigInt(2 ** 31 + 2 ** 15 + 1),
      total_compressed_size: BigInt(size),
      total_uncompressed_size: BigInt(size * 2),
      dictionary_page_offset: at,
      data_page_offset: at + 2n ** 32n,
    })
    expect(read.num_rows).toBe(BigInt(groups.reduce((sum, { rows }) => sum + rows, 0)))
  })
})
