import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'
import { readPassed, readTogether } from './read-passed.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** Enough for several of the buffers that DuckDB's threads take from a file. */
const COUNT = 400_000
const pad = 'p'.repeat(60)

interface Check {
  rows: bigint
  wrong: bigint
}

describe('row numbers, with two threads', () => {
  it.each([
    ['none', (text: string) => Buffer.from(text)],
    ['gzip', gzipSync],
  ] as const)('are those of the lines of a clean file (%s)', async (_, compress) => {
    const lines = Array.from({ length: COUNT }, (_, n) => `{"n":${n + 1},"pad":"${pad}"}`)
    const { result } = await bench.pass(compress(lines.join('\n')), { type: 'jsonl' })
    expect(passed(result).holes).toBe(false)
    const [check] = await bench.duckdb.all<Check>(
      `SELECT count(*) AS rows, count(*) FILTER (_row != n::BIGINT) AS wrong FROM ${readPassed(passed(result), ['n'])}`,
    )
    expect(check).toEqual({ rows: BigInt(COUNT), wrong: 0n })
  })

  it('are those of the lines of a rewritten file', async () => {
    const lines = Array.from({ length: COUNT }, (_, n) =>
      n % 1000 === 7 ? 'bad' : `{"n":${n + 1},"pad":"${pad}"}`,
    )
    const { result } = await bench.pass(lines.join('\n'), { type: 'jsonl' })
    const [check] = await bench.duckdb.all<Check>(
      `SELECT count(*) AS rows, count(*) FILTER (_row != n::BIGINT) AS wrong FROM ${readPassed(passed(result), ['n'])}`,
    )
    expect(check).toEqual({ rows: BigInt(COUNT - COUNT / 1000), wrong: 0n })
  })

  it('reads a field in its own type where no value is of another kind', async () => {
    const { result } = await bench.pass(
      '{"n":1,"s":"a\\u00e9","f":0.1}\n{"n":-2,"s":null,"f":3}\nbad\n',
      {
        type: 'jsonl',
      },
    )
    const columns = [
      { as: 'n', from: ['n'], type: 'BIGINT' },
      { as: 's', from: ['s'], type: 'VARCHAR' },
      { as: 'f', from: ['f'], type: 'DOUBLE' },
    ] as const
    expect(
      await bench.duckdb.all(`SELECT * FROM ${readPassed(passed(result), columns)} ORDER BY _row`),
    ).toEqual([
      { _row: 1n, n: 1n, s: 'aé', f: 0.1 },
      { _row: 2n, n: -2n, s: null, f: 3 },
    ])
  })

  it('are those of the lines of each of many objects read together', async () => {
    const objects = await Promise.all(
      Array.from({ length: 30 }, async (_, f) => {
        const lines = Array.from({ length: 50 }, (_, n) =>
          f % 3 === 1 && n === 7 ? 'bad' : f % 3 === 2 && n === 9 ? '' : `{"n":${f * 100 + n + 1}}`,
        )
        const text = `${lines.join('\n')}\n`
        const { result } = await bench.pass(f % 2 === 0 ? gzipSync(text) : text, { type: 'jsonl' })
        return passed(result)
      }),
    )
    const rows = readTogether(objects, [{ as: 'n', from: ['n'], type: 'BIGINT' }])
    const [check] = await bench.duckdb.all<Check>(
      `SELECT count(*) AS rows, count(*) FILTER (n IS DISTINCT FROM _file * 100 + _row) AS wrong FROM ${rows}`,
    )
    expect(check).toEqual({ rows: 1480n, wrong: 0n })
  })

  it('are those of the records of a CSV file, line breaks in fields or not', async () => {
    for (const inside of ['-', '\n']) {
      const step = inside === '\n' ? 2 : 1
      const records = Array.from({ length: COUNT }, (_, n) => `${2 + n * step},"${pad}${inside}"`)
      const { result } = await bench.pass(`n,pad\n${records.join('\n')}`, { type: 'csv' })
      const [check] = await bench.duckdb.all<Check>(
        `SELECT count(*) AS rows, count(*) FILTER (_row != n::BIGINT OR length(pad) != 61) AS wrong FROM ${readPassed(passed(result), ['n', 'pad'])}`,
      )
      expect(check).toEqual({ rows: BigInt(COUNT), wrong: 0n })
    }
  })

  it('reads lines as long as rows may be', async () => {
    const long = `{"a":"${'x'.repeat(12_000_000)}"}`
    const { result } = await bench.pass(`${long}\n{"a":1}\n`, { type: 'jsonl' })
    expect(await bench.duckdb.all(`SELECT _row FROM ${readPassed(passed(result), ['a'])}`)).toEqual(
      [{ _row: 1n }, { _row: 2n }],
    )
    const record = `a,b\n1,"${'x'.repeat(6_000_000)}${'""'.repeat(3_000_000)}"\n2,3\n`
    const csv = await bench.pass(record, { type: 'csv' })
    expect(
      await bench.duckdb.all(
        `SELECT _row, length(b) AS l FROM ${readPassed(passed(csv.result), ['b'])}`,
      ),
    ).toEqual([
      { _row: 2n, l: 9_000_000n },
      { _row: 3n, l: 1n },
    ])
  })

  it('gives columns in the types asked for, also beside a name in two spellings', async () => {
    const text = '{"ID":1,"s":"x\\n","n":1.5,"b":true}\n{"id":2,"s":"","n":2,"b":null}\n'
    const { result } = await bench.pass(text, { type: 'jsonl' })
    const columns = [
      { as: 'i', from: ['ID', 'id'], type: 'BIGINT' },
      { as: 's', from: ['s'], type: 'VARCHAR' },
      { as: 'n', from: ['n'], type: 'DOUBLE' },
      { as: 'b', from: ['b'], type: 'BOOLEAN' },
    ] as const
    expect(await bench.read(passed(result), columns)).toEqual([
      { _row: 1, i: 1n, s: 'x\n', n: 1.5, b: true },
      { _row: 2, i: 2n, s: '', n: 2, b: null },
    ])
  })

  it('numbers rows beside a field that is itself named _row', async () => {
    const { result } = await bench.pass('{"_row":5}\n{"_row":6,"a":1}\n', { type: 'jsonl' })
    expect(await bench.read(passed(result), [{ as: 'own', from: ['_row'] }, 'a'])).toEqual([
      { _row: 1, own: '5', a: null },
      { _row: 2, own: '6', a: '1' },
    ])
    const csv = await bench.pass('_row,"f""0"\n5,6\n', { type: 'csv' })
    expect(await bench.read(passed(csv.result), [{ as: 'own', from: ['_row'] }, 'f"0'])).toEqual([
      { _row: 2, own: '5', 'f"0': '6' },
    ])
  })
})
