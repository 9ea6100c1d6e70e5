import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Benchmark, Context, Goal, Measure, Prepared, Sample } from './benchmark.ts'
import { measured } from './benchmark.ts'
import { type Spread, spread } from './statistics.ts'

/** A benchmark that was run: everything docs/benchmarks.md says of it. */
export interface Result {
  readonly benchmark: string
  readonly data: string
  readonly scale: number
  readonly threads: number
  readonly memory_limit: string
  /** ISO 8601, when the first round began. */
  readonly date: string
  readonly contenders: readonly ContenderResult[]
  readonly goals: readonly GoalResult[]
}

export interface ContenderResult {
  readonly name: string
  readonly version: string
  readonly command: string
  readonly seconds_of: string
  /** One per round, in their order. */
  readonly samples: readonly Sample[]
}

export interface GoalResult extends Goal {
  /** Of the ratios of each round, or of the contender's own values where there is no baseline. */
  readonly value: Spread
  readonly met: boolean
}

/** Runs every contender once in each round, in turn, so that what else the machine does meets all alike. */
export async function runRounds(
  benchmark: Benchmark,
  prepared: Prepared,
  options: { readonly context: Context; readonly rounds: number },
): Promise<Result> {
  const { context, rounds } = options
  const date = new Date().toISOString()
  const samples = new Map<string, Sample[]>(prepared.contenders.map((c) => [c.name, []]))
  if (samples.size < prepared.contenders.length)
    throw new Error(`two contenders of ${benchmark.name} have one name`)
  for (const path of prepared.warm) await readThrough(path)
  for (let round = 1; round <= rounds; round++) {
    for (const contender of prepared.contenders) {
      const work = join(context.data_dir, 'work')
      await mkdir(work, { recursive: true })
      const dir = await mkdtemp(join(work, `${benchmark.name}-`))
      try {
        await contender.prepare?.(dir)
        // What the one before left unwritten is not this one's to write.
        execFileSync('sync')
        const sample = await contender.run(dir)
        samples.get(contender.name)?.push(sample)
        context.note(
          `${benchmark.name} ${round}/${rounds} ${contender.name}: ${sample.seconds.toFixed(3)} s, process ${sample.process_seconds.toFixed(2)} s, ${Math.round((sample.peak_rss_bytes ?? 0) / 1e6)} MB`,
        )
      } finally {
        await rm(dir, { recursive: true, force: true })
      }
    }
  }
  const contenders = prepared.contenders.map(({ name, version, command, seconds_of }) => ({
    name,
    version,
    // The same on every machine: where the data lie is no part of what is run.
    command: command.replaceAll(join(context.data_dir, 'made'), '$DATA'),
    seconds_of,
    samples: samples.get(name) ?? [],
  }))
  return {
    benchmark: benchmark.name,
    data: prepared.data,
    scale: context.scale,
    threads: context.threads,
    memory_limit: context.memory_limit,
    date,
    contenders,
    goals: benchmark.goals.flatMap((goal) => judged(goal, contenders)),
  }
}

/** A goal whose baseline was left out of the run says nothing. */
function judged(goal: Goal, contenders: readonly ContenderResult[]): readonly GoalResult[] {
  const own = contenders.find((c) => c.name === goal.contender)
  if (own === undefined) throw new Error(`a goal is about ${goal.contender}, which did not run`)
  if (goal.baseline === undefined) {
    const values = own.samples.flatMap((sample) => measured(sample, goal.measure) ?? [])
    return values.length === 0 ? [] : [verdict(goal, spread(values))]
  }
  const other = contenders.find((c) => c.name === goal.baseline)
  if (other === undefined) return []
  const ratios = ratiosOf(own, other, goal.measure)
  return ratios.length === 0 ? [] : [verdict(goal, spread(ratios))]
}

const verdict = (goal: Goal, value: Spread): GoalResult => ({
  ...goal,
  value,
  met: value.median <= goal.at_most,
})

/** The ratio of a measure in each round: both ran within seconds of each other. */
export function ratiosOf(
  own: ContenderResult,
  other: ContenderResult,
  measure: Measure,
): readonly number[] {
  return own.samples.flatMap((sample, round) => {
    const theirs = other.samples[round]
    const a = measured(sample, measure)
    const b = theirs === undefined ? undefined : measured(theirs, measure)
    return a === undefined || b === undefined || b === 0 ? [] : [a / b]
  })
}

async function readThrough(path: string): Promise<void> {
  if ((await stat(path)).isDirectory()) {
    for (const name of await readdir(path)) await readThrough(join(path, name))
    return
  }
  for await (const _chunk of createReadStream(path, { highWaterMark: 1 << 20 }));
}
