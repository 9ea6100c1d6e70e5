import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'
import { literal } from '../duckdb/duckdb.ts'
import { probeParquet } from './parquet.ts'

let bench: GateBench
let sample: Buffer
beforeAll(async () => {
  bench = await openGateBench()
  sample = await parquet(
    "i::BIGINT i, 's' || i s, map {'k': i::VARCHAR} m, [i] l, TIMESTAMP '2024-01-01' t, " +
      'i::DECIMAL(24, 6) d, i::DOUBLE f, i > 5 b, uuid() u FROM range(20000) r(i)',
  )
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

let files = 0
async function parquet(select: string, options = ''): Promise<Buffer> {
  const path = join(bench.dir, `source-${files++}.parquet`)
  await bench.duckdb.run(`COPY (SELECT ${select}) TO ${literal(path)} (FORMAT parquet${options})`)
  return readFileSync(path)
}

const settings = { type: 'parquet' }

describe('the Parquet gate', () => {
  it('tells rows and typed fields from the footer, and numbers rows from 1', async () => {
    const { result, object } = await bench.pass(sample, settings)
    expect(result).toMatchObject({ path: object.path, rows_read: 20_000, rows_refused: 0 })
    expect(passed(result).fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'i BIGINT',
      's VARCHAR',
      'm MAP(VARCHAR, VARCHAR)',
      'l BIGINT[]',
      't TIMESTAMP',
      'd DECIMAL(24,6)',
      'f DOUBLE',
      'b BOOLEAN',
      'u UUID',
    ])
    expect(passed(result).fields[2]).toMatchObject({ nested: 20_000, strings: 0 })
    const rows = await bench.read(passed(result), ['i'])
    expect(rows.every((row) => row._row === Number(row.i) + 1)).toBe(true)
    expect(await probeParquet(object, bench.duckdb)).toBeUndefined()
  })

  it('reads a file that has a column named like the reader’s row number', async () => {
    const bytes = await parquet('i file_row_number, i + 7 _row FROM range(150000) r(i)')
    const { result } = await bench.pass(bytes, settings)
    const columns = [
      { as: 'x', from: ['file_row_number'] },
      { as: 'y', from: ['_row'] },
    ]
    const rows = await bench.read(passed(result), columns)
    expect(rows).toHaveLength(150_000)
    expect(rows.every((row) => row._row === Number(row.x) + 1)).toBe(true)
    expect(rows[0]).toEqual({ _row: 1, x: 0n, y: 7n })
  })

  it('refuses two columns that DuckDB cannot tell apart', async () => {
    const bytes = await parquet('1 zqa, 2 zqb')
    const twice = Buffer.from(bytes.toString('latin1').replaceAll('zqb', 'ZQA'), 'latin1')
    const { result } = await bench.pass(twice, settings)
    expect(result.refused?.code).toBe('unreadable')
  })

  it.each([
    ['no bytes', () => Buffer.alloc(0), 'empty_object', 'no bytes'],
    ['JSON', () => Buffer.from('{"a":1}\n'), 'wrong_format', 'JSON'],
    ['gzip', () => gzipSync('{"a":1}'), 'wrong_format', 'gzip'],
    ['CSV', () => Buffer.from('a,b\n1,2\n'), 'wrong_format', 'text'],
    ['the magic alone', () => Buffer.from('PAR1'), 'corrupt_object', 'cut off'],
    ['a cut file', () => sample.subarray(0, sample.length - 100), 'corrupt_object', 'cut off'],
    [
      'an encrypted file',
      () => Buffer.concat([Buffer.from('PARE'), sample.subarray(4)]),
      'unreadable',
      'encrypted',
    ],
    [
      'an encrypted footer',
      () => Buffer.concat([sample.subarray(0, -4), Buffer.from('PARE')]),
      'unreadable',
      'encrypted',
    ],
    [
      'a footer longer than the file',
      () => {
        const bytes = Buffer.from(sample)
        bytes.writeUInt32LE(0x7fffffff, bytes.length - 8)
        return bytes
      },
      'corrupt_object',
      'cannot be read',
    ],
  ])('refuses %s', async (_, bytes, code, told) => {
    const { result } = await bench.pass(bytes(), settings, { key: 'dt=1/part.parquet' })
    expect(result.refused).toMatchObject({ code, message: expect.stringContaining(told) })
    expect(result.refused?.message).not.toContain(bench.dir)
  })

  it('finds damaged pages when they are read through', async () => {
    const bytes = Buffer.from(sample)
    bytes.fill(0x55, 1000, 3000)
    const { result, object } = await bench.pass(bytes, settings)
    expect(result.refused).toBeUndefined()
    expect(await probeParquet(object, bench.duckdb)).toMatchObject({ code: 'corrupt_object' })
  })

  it('refuses a page that claims more than there is memory, however little else is used', async () => {
    const bytes = await parquet("i, 's' || i AS s, [i, i + 1] AS l FROM range(20) r(i)")
    bytes.fill(0xee, 7, 12)
    const { result, object } = await bench.pass(bytes, settings)
    expect(result.refused).toBeUndefined()
    expect(await probeParquet(object, bench.duckdb)).toMatchObject({
      code: 'corrupt_object',
      message: expect.stringContaining('a page claims'),
    })
  })

  it('refuses a footer whose rows are not those of its row groups', async () => {
    const bytes = await parquet('i FROM range(77) r(i)')
    const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
    const told: string[] = []
    // 77 as Thrift writes it, wherever it stands in the footer.
    for (let at = footer; at < bytes.length - 8; at++) {
      if (bytes[at] !== 0x9a || bytes[at + 1] !== 0x01) continue
      const damaged = Buffer.from(bytes)
      damaged[at] = 0x98
      const { result } = await bench.pass(damaged, settings)
      if (result.refused?.code === 'corrupt_object') told.push(result.refused.message)
    }
    expect(told).toContain('The footer of the Parquet file says 76 rows, its row groups have 77.')
  })

  it.each([
    ['t', "TIME '00:00:01' t"],
    ['t', "[TIME '00:00:01'] t"],
    ['t', "{'a': 1, 'b': {'c': TIME '00:00:01'}} t"],
    ['t', "MAP {'k': TIME '00:00:01'} t"],
  ])(
    'refuses a time that is none of a day, wherever it stands: %s of %s',
    async (column, value) => {
      const second = Buffer.from([0x40, 0x42, 0x0f, 0, 0, 0, 0, 0])
      const bytes = await parquet(`${value} FROM range(3)`, ', CODEC uncompressed')
      expect((await bench.pass(bytes, settings)).result.refused).toBeUndefined()
      let at = bytes.indexOf(second)
      expect(at).toBeGreaterThan(0)
      for (; at >= 0; at = bytes.indexOf(second, at)) bytes.writeBigInt64LE(1n << 38n, at)
      const { result } = await bench.pass(bytes, settings)
      expect(result.refused).toMatchObject({
        code: 'corrupt_object',
        message: expect.stringContaining(`The column ${column} (`),
      })
    },
  )

  it('survives changed bytes anywhere', async () => {
    const small = await parquet("i, 's' || i s, [i] l FROM range(50) r(i)")
    const change = fc.tuple(fc.nat({ max: small.length - 1 }), fc.nat({ max: 255 }))
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const bytes = Buffer.from(small)
        for (const [at, byte] of changes) bytes[at] = byte
        const { result, object } = await bench.pass(bytes, settings)
        if (result.refused === undefined) await probeParquet(object, bench.duckdb)
      }),
      { numRuns: 200 },
    )
  })
})
