import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { literal, openDuckdb } from '../../duckdb/duckdb.ts'
import { rowBytesOf } from './parquet-row-bytes.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-row-bytes-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

async function rowBytes(spool: string): Promise<number> {
  const path = join(dir, 'spool')
  await writeFile(path, spool)
  const file = await open(path, 'r')
  try {
    return await rowBytesOf(file)
  } finally {
    await file.close()
  }
}
const converted = (...rows: object[]) => rows.map((x) => `${JSON.stringify({ x })}\n`).join('')
const plain = (...rows: object[]) =>
  rows.map((data) => `{"record":${JSON.stringify({ stream: 's', data })}}\n`).join('')

// Plain encoding: https://parquet.apache.org/docs/file-format/data-pages/encodings/
describe('the bytes of a row', () => {
  it.each([
    ['a number is 8 bytes', { c0: 7 }, 8],
    ['a text is its bytes and a length of 4', { c0: 'seven' }, 9],
    ['booleans are a bit each, and a row is a byte at least', { c0: true, c1: false }, 1],
    ['of lists and groups what is in them counts', { c0: [1, 2], c1: { c0: 'x' } }, 21],
    ['what is null takes no room', { c0: null, c1: 1.5 }, 9],
  ])('%s', async (_, row, bytes) => {
    expect(await rowBytes(converted(row))).toBe(bytes)
  })

  it('are those of the average row, rounded up', async () => {
    expect(await rowBytes(converted({ c0: 1 }, { c0: 1, c1: 2 }))).toBe(12)
    expect(await rowBytes(converted({ c0: 1 }, { c0: 'a' }))).toBe(7)
  })

  it('count the columns that plain lines do not have: an id of 36 characters and a time', async () => {
    expect(await rowBytes(plain({ id: 1 }))).toBe(8 + 36 + 4 + 8)
  })

  it('are known of lines with what JSON does not have', async () => {
    const line = '{"x":{"c0":NaN,"c1":[-Infinity,Infinity],"c2":"not NaN, [NaN]"}}\n'
    expect(await rowBytes(line)).toBeGreaterThanOrEqual(24 + 4 + 10)
    expect(await rowBytes('{"x":{"c0":[NaN,NaN,NaN,-Infinity]}}\n')).toBe(32)
  })

  it('are told from the first half megabyte, of whole lines', async () => {
    const short = converted(...Array.from({ length: 60_000 }, () => ({ c0: 1 })))
    expect(short.length).toBeGreaterThan(512 * 1024)
    expect(await rowBytes(short + converted({ c0: 'x'.repeat(100_000) }))).toBe(8)
  })

  it('are at least what was read of a line longer than that, and 1 of nothing', async () => {
    expect(await rowBytes(converted({ c0: 'x'.repeat(600_000) }))).toBe(512 * 1024)
    expect(await rowBytes('')).toBe(1)
  })

  it('are about what DuckDB writes of such rows without compression', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => ({
      c0: i * 3,
      c1: i / 7,
      c2: `row ${i} of the test`,
      c3: i % 3 === 0,
    }))
    const spool = join(dir, 'rows.json')
    const path = join(dir, 'rows.parquet')
    const text = converted(...rows)
    await writeFile(spool, text)
    await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(dir, 'spill') })
    await duckdb.run(
      `COPY (SELECT x.* FROM read_json(${literal(spool)}, columns = {x: 'STRUCT(c0 BIGINT, c1 DOUBLE, c2 VARCHAR, c3 BOOLEAN)'}))
       TO ${literal(path)} (FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1)`,
    )
    const [written] = await duckdb.all<{ bytes: bigint }>(
      `SELECT sum(total_uncompressed_size)::BIGINT AS bytes FROM parquet_metadata(${literal(path)})`,
    )
    const actual = Number(written?.bytes) / rows.length
    const told = await rowBytes(text)
    expect(told / actual).toBeGreaterThan(0.95)
    expect(told / actual).toBeLessThan(1.05)
  })
})
