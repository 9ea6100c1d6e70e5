import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Benchmark, Contender } from './benchmark.ts'
import { hackleDay } from './benchmarks/hackle-day.ts'
import { metamarketsHour } from './benchmarks/metamarkets-hour.ts'
import { BENCHMARKS } from './benchmarks.ts'
import { measure } from './measure.ts'
import { pageText } from './page.ts'
import { runRounds } from './rounds.ts'
import { SLOW, smallContext } from './small-context.ts'
import { quantile, spread } from './statistics.ts'

let context: Awaited<ReturnType<typeof smallContext>>
beforeAll(async () => {
  context = await smallContext()
})
afterAll(() => context[Symbol.asyncDispose]())

const contender = (name: string, seconds: readonly number[], order: string[]): Contender => {
  const left = [...seconds]
  return {
    name,
    version: '1',
    command: `$run ${join(context.data_dir, 'made')}/x`,
    seconds_of: 'nothing',
    run: async () => {
      order.push(name)
      const value = left.shift() ?? Number.NaN
      return { process_seconds: value, seconds: value, cpu_seconds: 0, peak_rss_bytes: 2e9 }
    },
  }
}

const benchmark: Benchmark = {
  name: 'made-up',
  title: 'Made up, of course',
  what: 'Nothing.',
  goals: [
    { contender: 'a', baseline: 'b', measure: 'seconds', at_most: 0.7, dominates: 'Waiting.' },
    { contender: 'a', baseline: 'absent', measure: 'seconds', at_most: 1, dominates: 'Waiting.' },
    { contender: 'a', measure: 'peak_rss_bytes', at_most: 1e9, dominates: 'Hoarding.' },
  ],
  prepare: () => Promise.reject(new Error('not asked for')),
}

async function madeUp(order: string[] = []) {
  const contenders = [contender('a', [1, 2, 9], order), contender('b', [2, 5, 10], order)]
  const prepared = { data: 'no data', warm: [], contenders }
  return runRounds(benchmark, prepared, { context, rounds: 3 })
}

describe('the runner', () => {
  it('lets contenders take turns, and judges by the median of the ratios of each round', async () => {
    const order: string[] = []
    const { goals } = await madeUp(order)
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
    // 1/2, 2/5, 9/10: the ratio of the medians would be 2/5.
    expect(goals.map((g) => [g.baseline, g.value.median, g.met])).toEqual([
      ['b', 0.5, true],
      [undefined, 2e9, false],
    ])
  })

  it('refuses two contenders of one name', async () => {
    const contenders = [contender('a', [1], []), contender('a', [1], [])]
    const run = runRounds(benchmark, { data: '', warm: [], contenders }, { context, rounds: 1 })
    await expect(run).rejects.toThrow('two contenders')
  })

  it('tells on the page what was missed, by how much, and what dominates', async () => {
    const result = { ...(await madeUp()), machine: '2 cores', commit: 'abc' }
    const page = pageText([
      { benchmark, result },
      { benchmark: hackleDay, result: undefined },
    ])
    expect(page).toContain('at most 0.70 × that of b | 0.50 × | met')
    expect(page).toContain('**Missed** by 100 %: a, peak memory, at most 1.00 GB; measured 2.00 GB')
    expect(page).toContain('Hoarding.')
    expect(page).toContain('(#made-up-of-course)')
    expect(page).toContain('Not run yet.')
    expect(page).not.toContain(context.data_dir)
  })

  it('takes quantiles between values', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 })
    expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5)
  })
})

describe('measuring a process', () => {
  it('sees the memory a process had at its greatest, not at its end', async () => {
    const script = `let held = Buffer.alloc(3e8, 1); setTimeout(() => { held = undefined; gc(); setTimeout(() => {}, 100) }, 150)`
    const run = await measure(process.execPath, ['--expose-gc', '-e', script], { cwd: tmpdir() })
    expect(run.peak_rss_bytes).toBeGreaterThan(3e8)
    expect(run.peak_rss_bytes).toBeLessThan(6e8)
    expect(run.process_seconds).toBeGreaterThan(0.25)
  })

  it('fails with what the process said', async () => {
    const run = measure(process.execPath, ['-e', 'console.error("so it is"); process.exit(3)'], {
      cwd: tmpdir(),
    })
    await expect(run).rejects.toThrow(/ended with 3:\nso it is/)
  })
})

describe('benchmarks, very small', () => {
  it('have names of their own', () => {
    expect(new Set(BENCHMARKS.map((b) => b.name)).size).toBe(BENCHMARKS.length)
  })

  it.each([
    [hackleDay, ['Bucketline', 'DuckDB']],
    [metamarketsHour, ['Bucketline', 'Bucketline, 1 % bad lines', 'DuckDB']],
  ])(
    '$name runs',
    async (each, names) => {
      const prepared = await each.prepare(context)
      const result = await runRounds(each, prepared, { context, rounds: 1 })
      expect(result.contenders.map((c) => c.name)).toEqual(names)
      for (const { samples } of result.contenders) {
        expect(samples).toHaveLength(1)
        expect(samples[0]?.seconds).toBeGreaterThan(0)
        expect(samples[0]?.process_seconds).toBeGreaterThan(samples[0]?.seconds ?? 0)
      }
    },
    SLOW,
  )
})
