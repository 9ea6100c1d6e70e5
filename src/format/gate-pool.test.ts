import { getEventListeners } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GateBench, openGateBench, passed } from '../../test/try-gate.ts'
import type { FormatSettings } from '../core/settings.ts'
import { Format } from '../core/settings.ts'
import type { GateOptions, RefusedRow } from './format.ts'
import { openGatePool } from './gate-pool.ts'

let bench: GateBench
beforeAll(async () => {
  bench = await openGateBench()
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

let count = 0
const optionsFor = (
  settings: object,
  refuse: (row: RefusedRow) => void = () => undefined,
): GateOptions => ({
  settings: Format.parse(settings),
  dir: bench.dir,
  prefix: `pool-${count++}`,
  refuse,
  flat: false,
  nested_fields: [],
})

describe('the gate pool', () => {
  it('passes objects of every format as the gates do, rows in order', async () => {
    await using pool = openGatePool({ threads: 2 })
    const lines = Array.from({ length: 5000 }, (_, n) => (n % 3 === 1 ? 'bad' : `{"n":${n}}`))
    const texts = [lines.join('\n'), gzipSync(lines.join('\n')), 'n\n1\n2,3\n']
    const objects = [...texts, ...texts].map((bytes) => bench.stage(bytes))
    const results = await Promise.all(
      objects.map(async (object) => {
        const rows: number[] = []
        const options = optionsFor({ type: 'auto' }, ({ row }) => rows.push(row))
        const result = passed(await pool.pass(object, options, bench.duckdb))
        expect(rows).toEqual([...rows].sort((one, other) => one - other))
        expect(rows).toHaveLength(result.rows_refused)
        return [result.format, result.rows_read, result.rows_refused]
      }),
    )
    const expected = [
      ['jsonl', 5000, 1667],
      ['jsonl', 5000, 1667],
      ['csv', 2, 1],
    ]
    expect(results).toEqual([...expected, ...expected])
  })

  it('refuses objects and reports errors as values and errors of their own', async () => {
    await using pool = openGatePool({ threads: 1 })
    const cut = bench.stage(gzipSync('{"a":1}\n'.repeat(100)).subarray(0, 30))
    expect(await pool.pass(cut, optionsFor({ type: 'jsonl' }), bench.duckdb)).toMatchObject({
      refused: { code: 'corrupt_object' },
    })
    const parquet = bench.stage('PAR1')
    expect(await pool.pass(parquet, optionsFor({ type: 'auto' }), bench.duckdb)).toMatchObject({
      refused: { code: 'corrupt_object' },
    })
    const text = bench.stage('{}')
    // A configuration with this is refused when it is read; a caller without one can still ask for it.
    const plain = optionsFor({ type: 'jsonl' })
    const odd = { ...plain, settings: { ...plain.settings, encoding: 'nope' } as FormatSettings }
    await expect(pool.pass(text, odd, bench.duckdb)).rejects.toMatchObject({
      name: 'ExchangeError',
      code: 'config_invalid',
    })
    const failing = optionsFor({ type: 'jsonl' }, () => {
      throw new Error('disk full')
    })
    await expect(pool.pass(bench.stage('bad'), failing, bench.duckdb)).rejects.toThrow('disk full')
    // The pool goes on after each of these.
    expect(
      passed(await pool.pass(text, optionsFor({ type: 'jsonl' }), bench.duckdb)).rows_read,
    ).toBe(1)
  })

  it('hands over hundreds of thousands of refused rows, and ends on abort', async () => {
    await using pool = openGatePool({ threads: 1 })
    const object = bench.stage('bad\n'.repeat(200_000))
    let refused = 0
    const counting = optionsFor({ type: 'jsonl' }, () => refused++)
    await pool.pass(object, counting, bench.duckdb)
    expect(refused).toBe(200_000)
    const controller = new AbortController()
    const aborting = {
      ...optionsFor({ type: 'jsonl' }, () => controller.abort(new Error('stopped'))),
      signal: controller.signal,
    }
    await expect(pool.pass(object, aborting, bench.duckdb)).rejects.toThrow('stopped')
    await expect(pool.pass(object, aborting, bench.duckdb)).rejects.toThrow('stopped')
  })

  it('fails the object of a thread that dies, and takes others after that', async () => {
    await using pool = openGatePool({ threads: 1 })
    const threads: Worker[] = []
    const seen = (thread: Worker) => threads.push(thread)
    process.on('worker', seen)
    const object = bench.stage('bad\n'.repeat(200_000))
    const plain = optionsFor({ type: 'jsonl' }, () => void threads.pop()?.terminate())
    await expect(pool.pass(object, plain, bench.duckdb)).rejects.toThrow(
      'a thread of the gate pool ended with code 1',
    )
    process.off('worker', seen)
    const other = bench.stage('{}')
    const next = await pool.pass(other, optionsFor({ type: 'jsonl' }), bench.duckdb)
    expect(passed(next).rows_read).toBe(1)
  })

  it('leaves nothing behind on a signal that lives longer', async () => {
    await using pool = openGatePool({ threads: 1 })
    const { signal } = new AbortController()
    const object = bench.stage('{}')
    const options = { ...optionsFor({ type: 'jsonl' }), signal }
    await pool.pass(object, options, bench.duckdb)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('rejects what is waiting when it is closed', async () => {
    const pool = openGatePool({ threads: 1 })
    const object = bench.stage('{"a":1}\n'.repeat(300_000))
    const waiting = [1, 2].map(() => pool.pass(object, optionsFor({ type: 'jsonl' }), bench.duckdb))
    const settled = Promise.allSettled(waiting)
    await new Promise((resolve) => setTimeout(resolve, 20))
    await pool[Symbol.asyncDispose]()
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })
})
