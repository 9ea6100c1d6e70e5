import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Contract } from '../../core/contract/contract.ts'
import { parseContract } from '../../core/odcs/odcs.ts'
import { typeText } from '../../core/type-text.ts'
import { type Duckdb, literal, openDuckdb } from '../../duckdb/duckdb.ts'
import { importContract } from './import-contract.ts'

let dir: string
let duckdb: Duckdb
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'import-contract-'))
  duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(dir, 'spill'), threads: 1 })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

let files = 0
async function file(content: string | Buffer, suffix = ''): Promise<string> {
  files += 1
  const path = join(dir, `sample ${files}${suffix}`)
  await writeFile(path, content)
  return path
}
const columns = (contract: Contract) =>
  contract.columns.map(
    ({ name, type, required, enum: values }) =>
      `${name} ${typeText(type)}${required ? '!' : ''}${values ? ` of ${values.join(',')}` : ''}`,
  )
const uuid = (number: number) => `8fb8e088-9245-4fce-bb87-${String(number).padStart(12, '0')}`

describe('importContract', () => {
  it('reads JSON lines, by the kinds of their values', async () => {
    const lines = Array.from({ length: 200 }, (_, index) =>
      JSON.stringify({
        id: uuid(index),
        ts: '2023-01-01T00:01:02.333Z',
        day: '2023-01-01',
        n: index,
        x: index % 2 ? 1.5 : 2,
        ok: index % 2 === 0,
        kind: ['view', 'buy'][index % 2],
        props: { a: 'x', b: 'y' },
        mixed: { a: 1 },
        list: [1, 2],
        user: index % 2 ? 'u1' : 129823,
        'a.b"c': 'z',
        ...(index === 7 ? { late: 'x' } : {}),
        empty: null,
      }),
    )
    const path = await file(gzipSync(lines.join('\n')), '.gz')
    const { contract, format, rows, text, notes } = await importContract([path], {
      duckdb,
      name: 'events',
    })
    expect([format, rows, contract.name]).toEqual(['jsonl', 200, 'events'])
    expect(columns(contract)).toEqual([
      'id uuid!',
      'ts timestamp!',
      'day date!',
      'n integer!',
      'x number!',
      'ok boolean!',
      'kind string! of buy,view',
      'props map of string!',
      'mixed json object!',
      'list json!',
      'user string!',
      'a.b"c string!',
      'late string',
      'empty string',
    ])
    expect(contract).toMatchObject({ key: ['id'], time_column: 'ts' })
    expect(contract.columns.find(({ name }) => name === 'user')?.accept_integers).toBe(true)
    expect(notes).toContain('empty holds no value in the samples; string is a guess.')
    expect(text.startsWith('# Drafted from sample files')).toBe(true)
    expect(parseContract(text).contract).toEqual(contract)
  })

  it('reads CSV, by what the texts look like', async () => {
    const csv = `USER_ID,code,TIMESTAMP,amount,flag,EVENT_PROPERTIES,note
129823,007,2022-10-26 07:08:34,1.50,true,"{""paymentid"": 123}",
156777,042,2022-11-01 20:01:14,2,false,"{""accountid"": 77}",x
`
    const path = await file(zstdCompressSync(Buffer.from(csv)), '.zst')
    const { contract, format } = await importContract([path], { duckdb })
    expect(format).toBe('csv')
    expect(contract.id).toBe('sample_'.concat(String(files)))
    expect(columns(contract)).toEqual([
      'USER_ID integer!',
      'code string!',
      'TIMESTAMP timestamp!',
      'amount number!',
      'flag boolean!',
      'EVENT_PROPERTIES json object!',
      'note string',
    ])
  })

  it('reads Parquet, by its types', async () => {
    const path = join(dir, 'typed.parquet')
    await duckdb.run(`COPY (SELECT i::TINYINT AS t, i::UBIGINT AS u, i::DECIMAL(24,6) AS d, i::FLOAT AS f,
        i % 2 = 0 AS b, uuid() AS id, uuid()::VARCHAR AS id_text, DATE '2023-01-01' AS day, TIME '10:00' AS at,
        TIMESTAMPTZ '2023-01-01 00:00:00Z' AS ts, MAP {'k': i::VARCHAR} AS m, [i::INTEGER] AS l,
        {'x': i::BIGINT, 'y "z"': [{'w': DATE '2023-01-01'}]} AS o, '{"a":1}'::JSON AS j, 'x'::BLOB AS raw,
        CASE WHEN i > 3 THEN 'late' END AS n
      FROM range(10) t(i)) TO ${literal(path)} (FORMAT parquet)`)
    const { contract, format, notes } = await importContract([path], { duckdb })
    expect(format).toBe('parquet')
    expect(columns(contract)).toEqual([
      't integer (8 bits)!',
      'u unsigned integer (64 bits)!',
      'd decimal(24, 6)!',
      'f number!',
      'b boolean!',
      'id uuid!',
      'id_text uuid!',
      'day date!',
      'at time!',
      'ts timestamp!',
      'm map of string!',
      'l list of integer (32 bits)!',
      'o object (x integer, y "z" list of object (w date))!',
      'j json!',
      'raw string!',
      'n string',
    ])
    expect(notes).toContain('raw is of the type BLOB, which has no word in the standard.')
  })

  it('leaves out what cannot be a column', async () => {
    const path = await file('{"a":1,"A":2,"_row":3,"":4}\n')
    const { contract, notes } = await importContract([path], { duckdb })
    expect(contract.columns).toHaveLength(1)
    expect(notes.filter((note) => note.includes('left out'))).toHaveLength(3)
  })

  it('takes several files of one format as one', async () => {
    const one = await file('{"a":1}\n')
    const two = await file('{"a":1.5,"b":true}\n')
    const { contract, rows } = await importContract([one, two], { duckdb })
    expect(rows).toBe(2)
    expect(columns(contract)).toEqual(['a number!', 'b boolean'])
  })

  it.each<[string, string | Buffer, RegExp]>([
    ['nothing', '', /is empty/],
    ['broken gzip', Buffer.from([0x1f, 0x8b, 8, 0, 1, 2]), /cannot be unpacked|is empty/],
    ['broken JSON lines', '{"a":1}\n{"a":\n', /cannot be read as jsonl/],
    ['a truncated Parquet file', Buffer.from('PAR1xxxx'), /cannot be read as parquet/],
    ['only what cannot be named', '{"":1}\n', /no column/],
  ])('refuses %s', async (_, content, message) => {
    await expect(importContract([await file(content)], { duckdb })).rejects.toMatchObject({
      code: 'import_failed',
      message: expect.stringMatching(message),
    })
  })

  it('refuses files of two formats, and files that are not there', async () => {
    const [json, csv] = [await file('{"a":1}\n'), await file('a,b\n1,2\n')]
    await expect(importContract([json, csv], { duckdb })).rejects.toMatchObject({
      message: expect.stringContaining('files of one format'),
    })
    await expect(importContract([join(dir, 'absent')], { duckdb })).rejects.toMatchObject({
      code: 'import_failed',
    })
    await expect(importContract([], { duckdb })).rejects.toMatchObject({ code: 'import_failed' })
  })

  it('drafts what parses again, whatever the names and values are', async () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.constant(null),
    )
    const row = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 6, unit: 'grapheme' }),
      fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.string(), scalar)),
      { minKeys: 1, maxKeys: 4, noNullPrototype: true },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 4 }), async (made) => {
        const path = await file(`${made.map((each) => JSON.stringify(each)).join('\n')}\n`)
        try {
          const { text, contract } = await importContract([path], { duckdb })
          expect(parseContract(text).contract).toEqual(contract)
        } catch (error) {
          expect(error).toMatchObject({ code: 'import_failed' })
        }
      }),
      { numRuns: 40 },
    )
  })
})
