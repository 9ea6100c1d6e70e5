import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench } from '../../test/try-gate.ts'
import { literal } from '../duckdb/duckdb.ts'
import { probeApart } from './probe-apart.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

async function parquet(select: string): Promise<Buffer> {
  const path = join(bench.dir, 'source.parquet')
  await bench.duckdb.run(
    `COPY (${select}) TO ${literal(path)} (FORMAT parquet, CODEC uncompressed)`,
  )
  return readFileSync(path)
}

const probe = (bytes: Buffer | string) => {
  const object = bench.stage(bytes, 'dt=01/a.parquet')
  return probeApart(object, { memory_limit: '256MB', spill_dir: join(bench.dir, 'spill') })
}

describe('a Parquet file read in a process of its own', () => {
  it('passes where it can be read; so does what is no Parquet', async () => {
    expect(await probe(await parquet("SELECT i, 's' || i s FROM range(100) r(i)"))).toBeUndefined()
    expect(await probe('{"a":1}')).toBeUndefined()
  })

  it('is refused where its reader says why', async () => {
    const bytes = await parquet('SELECT i FROM range(100) r(i)')
    bytes.fill(0xff, 4, 40)
    expect(await probe(bytes)).toMatchObject({ code: 'corrupt_object' })
  })

  it('is refused where it ends its reader', async () => {
    // DuckDB writes the hours of such a time over memory that is not its own.
    const bytes = await parquet("SELECT TIME '00:00:01' t FROM range(3)")
    const second = Buffer.from([0x40, 0x42, 0x0f, 0, 0, 0, 0, 0])
    for (let at = bytes.indexOf(second); at >= 0; at = bytes.indexOf(second, at))
      bytes.writeBigInt64LE(1n << 62n, at)
    expect(await probe(bytes)).toEqual({
      code: 'corrupt_object',
      message: expect.stringMatching(/ends the process that reads it \(SIG\w+\)/),
    })
  })
})
