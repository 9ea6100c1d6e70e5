import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { OBJECT_CODES } from '../../src/core/rejects.ts'
import { probeParquet } from '../../src/format/parquet.ts'
import { readPassed } from '../../src/format/read-passed.ts'
import { type GateBench, openGateBench } from '../try-gate.ts'
import { damaged, makeSamples, parquet } from './damaged-parquet.ts'
import { fuzz, watchForHangs } from './fuzz.ts'

watchForHangs()

let bench: GateBench
const samples: Buffer[] = []
beforeAll(async () => {
  bench = await openGateBench()
  samples.push(...(await makeSamples(bench.dir, bench.duckdb)))
})
afterAll(() => bench[Symbol.asyncDispose]())

const codes = Object.keys(OBJECT_CODES)

fuzz(
  'Parquet: a damaged file is read, or refused by name; nothing crashes or hangs',
  parquet,
  async (cases) => {
    await Promise.all(
      cases.map(async (one) => {
        const { result, object } = await bench.pass(damaged(one, samples), { type: 'parquet' })
        if (result.refused !== undefined) {
          expect(codes).toContain(result.refused.code)
          expect(result.refused.message).not.toContain(bench.dir)
          return
        }
        const broken = await probeParquet(object, bench.duckdb)
        if (broken !== undefined) {
          expect(codes).toContain(broken.code)
          expect(broken.message).not.toContain(bench.dir)
          return
        }
        // What can be read through has the rows its footer says, whichever way it is read.
        const names = result.fields.map(({ name }) => name)
        const [row] = await bench.duckdb.all<{ n: bigint; numbered: bigint }>(
          `SELECT count(*) AS n, count(DISTINCT _row) AS numbered FROM ${readPassed(result, names)}`,
        )
        expect(Number(row?.n)).toBe(result.rows_read)
        expect(Number(row?.numbered)).toBe(result.rows_read)
      }),
    )
    for (const name of readdirSync(bench.dir))
      if (/^(staged|passed)-/.test(name)) rmSync(join(bench.dir, name))
  },
  { batch: 25 },
)
