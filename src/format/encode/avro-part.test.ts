import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateRawSync, zstdDecompressSync } from 'node:zlib'
import avro from 'avsc'
import BZip2 from 'bzip2-wasm'
import lzma from 'lzma-native'
import { uncompressSync } from 'snappy'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodingWith } from '../../../test/support/encoding.ts'
import { recordBlock } from '../../../test/support/record-block.ts'
import type { AvroCodec } from '../../core/destination/output.ts'
import type { JsonSchema } from '../../core/destination/stream.ts'
import { avroBlocks } from './avro-block.ts'
import { openAvroPart } from './avro-part.ts'
import { avroSchemaOf } from './avro-record-of.ts'
import type { Encoding } from './encode.ts'

let dir: string
const bzip2 = new BZip2()
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-avro-'))
  await bzip2.init()
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    name: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    either: { type: ['integer', 'string'] },
    tags: { type: 'array', items: { type: 'string' } },
    where: { type: 'object', properties: { x: { type: 'number' } } },
  },
}

function encodingOf(codec: AvroCodec, rest: Partial<Encoding> = {}): Encoding {
  return encodingWith({
    id: 'sync-1/people',
    stream: {
      name: 'people',
      json_schema: SCHEMA,
    },
    output: { type: 'avro', codec },
    sync_id: 7,
    generation_id: 3,
    ...rest,
  })
}

/** Compares longs beyond 2^53 as they are. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

const expandXz = (data: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const stream = lzma.createDecompressor()
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => resolve(Buffer.concat(chunks)))
    stream.on('error', reject)
    stream.end(data)
  })

type Expand = (data: Buffer) => Buffer | Promise<Buffer>
const EXPANDERS: Record<string, Expand> = {
  null: (data) => data,
  deflate: (data) => inflateRawSync(data),
  snappy: (data) => uncompressSync(data.subarray(0, -4)) as Buffer,
  zstandard: (data) => zstdDecompressSync(data),
  xz: expandXz,
  bzip2: (data) => Buffer.from(bzip2.decompress(data, 4 << 20)),
}

/** Rows of a file by avsc, which is not ours. */
function readAvro(
  path: string,
): Promise<{ rows: Record<string, unknown>[]; codec: string; schema: unknown }> {
  return new Promise((resolve, reject) => {
    let codec = ''
    let schema: unknown
    const rows: Record<string, unknown>[] = []
    const codecs = Object.fromEntries(
      Object.entries(EXPANDERS).map(([name, expand]) => [
        name,
        (data: Buffer, done: (error: Error | null, out?: Buffer) => void) => {
          Promise.resolve()
            .then(() => expand(data))
            .then((out) => done(null, out), done)
        },
      ]),
    )
    const decoder = avro.createFileDecoder(path, {
      codecs,
      parseHook: (parsed: avro.Schema) =>
        avro.Type.forSchema(parsed, { wrapUnions: true, registry: { long: exactLong } }),
    })
    decoder.on('metadata', (type: avro.Type, name: string) => {
      schema = type.schema({ exportAttrs: true })
      codec = name
    })
    decoder.on('data', (row: Record<string, unknown>) => rows.push({ ...row }))
    decoder.on('end', () => resolve({ rows, codec, schema }))
    decoder.on('error', reject)
  })
}

const CODECS: readonly AvroCodec[] = [
  { codec: 'none' },
  { codec: 'deflate', level: 0 },
  { codec: 'deflate', level: 9 },
  { codec: 'bzip2' },
  { codec: 'xz', level: 0 },
  { codec: 'xz', level: 6 },
  { codec: 'zstandard', level: -5, checksum: false },
  { codec: 'zstandard', level: 3, checksum: true },
  { codec: 'zstandard', level: 19, checksum: false },
  { codec: 'snappy' },
]

const records = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    data: JSON.stringify({
      id: from + index,
      name: `naïve ${from + index}`,
      either: index % 2 ? 'a' : 1,
    }),
    emitted_at: 1_700_000_000_000 + index,
  }))

describe('openAvroPart', () => {
  it.each(CODECS)('writes what avsc reads: $codec $level $checksum', async (codec) => {
    const encoding = encodingOf(codec)
    const encode = await avroBlocks(encoding)
    const part = await openAvroPart(encoding, join(dir, `${codec.codec}.avro`))
    const all = records(9000)
    for (const some of [all.slice(0, 8000), all.slice(8000)]) {
      const { segments } = await encode(recordBlock('people', some))
      for (const segment of segments) await part.append(segment)
    }
    const finished = await part.finish()
    const { rows, codec: name } = await readAvro(finished.path)
    expect(name).toBe(codec.codec === 'none' ? 'null' : codec.codec)
    expect(rows.length).toBe(9000)
    expect(finished.records).toBe(9000)
    expect(rows[8999]).toMatchObject({
      id: { long: 8999n },
      name: { string: 'naïve 8999' },
      either: { string: 'a' },
      at: null,
    })
    expect(rows.map((row) => Number(row._airbyte_emitted_at)).slice(0, 2)).toEqual([
      1_700_000_000_000, 1_700_000_000_001,
    ])
  })

  it('keeps every digit of a long, and the branch a converter chose', async () => {
    const encoding = encodingOf({ codec: 'none' })
    const part = await openAvroPart(encoding, join(dir, 'digits.avro'))
    const longs = [
      '9223372036854775807',
      '-9223372036854775808',
      '9007199254740993',
      '-1',
      '4503599627370497',
      '2147483648',
    ]
    const encode = await avroBlocks(encoding)
    const block = recordBlock(
      'people',
      longs.map((text) => ({
        data: `{"id":${text},"either":"${'x'.repeat(70)}é"}`,
        emitted_at: 1,
      })),
    )
    for (const segment of (await encode(block)).segments) await part.append(segment)
    const { rows } = await readAvro((await part.finish()).path)
    expect(rows.map((row) => (row.id as { long: bigint }).long)).toEqual(longs.map(BigInt))
    expect(rows[0]?.either).toEqual({ string: `${'x'.repeat(70)}é` })
    expect(String(rows[0]?._airbyte_ab_id)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/)
  })

  it('is cut back to a mark', async () => {
    const encoding = encodingOf({ codec: 'deflate', level: 6 })
    const encode = await avroBlocks(encoding)
    const part = await openAvroPart(encoding, join(dir, 'cut.avro'))
    const append = async (count: number, from: number) => {
      const { segments } = await encode(recordBlock('people', records(count, from)))
      for (const segment of segments) await part.append(segment)
    }
    await append(10, 0)
    const mark = part.mark()
    await append(10, 100)
    await part.cut(mark)
    expect(part.records).toBe(10)
    await append(5, 1000)
    const { rows } = await readAvro((await part.finish()).path)
    expect(rows.map((row) => Number((row.id as { long: bigint }).long))).toEqual([
      ...Array.from({ length: 10 }, (_, index) => index),
      1000,
      1001,
      1002,
      1003,
      1004,
    ])
  })

  it('counts bad values and, under v2, notes them beside what the source changed', async () => {
    const encoding = encodingOf({ codec: 'none' }, { output_schema: 'v2' })
    const part = await openAvroPart(encoding, join(dir, 'v2.avro'))
    const encode = await avroBlocks(encoding)
    const encoded = await encode(
      recordBlock('people', [
        {
          data: '{"id":"no","where":{"x":1.5}}',
          emitted_at: 5,
          changes:
            '[{"field":"name","change":"TRUNCATED","reason":"SOURCE_FIELD_SIZE_LIMITATION"}]',
        },
      ]),
    )
    expect(encoded.bad_values).toBe(1)
    expect(encoded.examples[0]).toMatchObject({ field: 'id', code: 'wrong_type', raw: '"no"' })
    for (const segment of encoded.segments) await part.append(segment)
    const { rows, schema } = await readAvro((await part.finish()).path)
    expect(JSON.parse(JSON.stringify(schema)).fields.length).toBe(
      avroSchemaOf(encoding).fields.length,
    )
    expect(
      JSON.parse(
        JSON.stringify(rows[0]?._airbyte_meta, (_, v) => (typeof v === 'bigint' ? Number(v) : v)),
      ),
    ).toEqual({
      sync_id: 7,
      changes: [
        { field: 'name', change: 'TRUNCATED', reason: 'SOURCE_FIELD_SIZE_LIMITATION' },
        { field: 'id', change: 'NULLED', reason: 'DESTINATION_SERIALIZATION_ERROR' },
      ],
    })
    expect(rows[0]?._airbyte_generation_id).toBe(3n)
    expect(String(rows[0]?._airbyte_raw_id)[14]).toBe('7')
  })
})
