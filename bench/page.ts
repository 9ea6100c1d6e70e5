import type { Benchmark, Measure, Sample } from './benchmark.ts'
import { measured } from './benchmark.ts'
import { type ContenderResult, type GoalResult, type Result, ratiosOf } from './rounds.ts'
import { type Spread, spread } from './statistics.ts'
import { bytesText, secondsText } from './texts.ts'

/** A result with where it comes from. */
export interface StoredResult extends Result {
  readonly machine: string
  readonly commit: string
}

/** docs/benchmarks.md, whole. Benchmarks without a result are named as not run. */
export function pageText(
  all: readonly { readonly benchmark: Benchmark; readonly result: StoredResult | undefined }[],
): string {
  return `# Benchmarks

<!-- Written by \`npm run bench -- --write-docs\`; what it says stands in bench/. -->

Every figure is of one run in which all contenders took turns on one machine, each in a process and an empty folder of its own, on the same files, read once before so that all find them in the page cache. What counts are the ratios: the seconds differ from machine to machine and from hour to hour. Times are medians, with the least and the greatest of all rounds; ratios are the median of the ratios of each round.

\`process\` is a whole process from start to end; the column before it is what the contender itself timed: for Bucketline the load as \`bucketline load --json\` tells it, for others the statement. \`peak memory\` is the greatest resident set of the process and its children together.

\`\`\`sh
npm run bench                          # everything, several hours with the data made first
npm run bench -- hackle-day            # one of them
npm run bench -- --scale 0.01          # all of them, small: to see that they run
npm run bench -- --write-docs          # everything, then this page
\`\`\`

Bucketline runs with its embedded ledger, which is there and empty where nothing else is said, as on every day but the first.

The send benchmarks write to an S3 server on the same machine, MinIO where nothing else is said, which is built from its Go module when it is first needed.

The data are made by the benchmarks themselves, the same on every machine, and kept in \`~/.cache/bucketline/bench\`. Peers that are Python packages are installed there too, in the versions of [bench/python/requirements.txt](../bench/python/requirements.txt).

## Goals

${goalsTable(all)}
${all.map(({ benchmark, result }) => section(benchmark, result)).join('\n')}`
}

/** One benchmark's table and goals, for the terminal and the page alike. */
export function resultText(benchmark: Benchmark, result: StoredResult): string {
  return section(benchmark, result)
}

function goalsTable(
  all: readonly { readonly benchmark: Benchmark; readonly result: StoredResult | undefined }[],
): string {
  const rows = all.flatMap(({ benchmark, result }) =>
    result === undefined
      ? [[`[${benchmark.title}](#${anchor(benchmark.title)})`, 'not run yet', '', '']]
      : result.goals.map((goal) => [
          `[${benchmark.title}](#${anchor(benchmark.title)})`,
          goalText(goal),
          valueText(goal, goal.value.median),
          goal.met
            ? 'met'
            : `missed by ${Math.round((goal.value.median / goal.at_most - 1) * 100)} %`,
        ]),
  )
  return table(['', 'goal', 'measured', ''], rows)
}

function section(benchmark: Benchmark, result: StoredResult | undefined): string {
  const head = `## ${benchmark.title}\n\n${benchmark.what}\n`
  if (result === undefined) return `${head}\nNot run yet.\n`
  const [first] = result.contenders
  const figures = [...new Set(result.contenders.flatMap((c) => figureNames(c.samples)))]
  const rows = result.contenders.map((c) => [
    c.version === '' ? c.name : `${c.name} (${c.version})`,
    ...['seconds', ...figures].map((m) => spreadText(c, m)),
    spreadText(c, 'process_seconds'),
    spreadText(c, 'cpu_seconds'),
    peakText(c),
    first === undefined || c === first ? '' : `${ratioText(first, c)}`,
  ])
  const missed = result.goals.filter((g) => !g.met)
  return `${head}
${result.data}; ${result.contenders[0]?.samples.length ?? 0} rounds, ${result.threads} threads, memory limit ${result.memory_limit}. ${result.date.slice(0, 10)}, commit ${result.commit || 'unknown'}, ${result.machine}. Run again with \`npm run bench -- ${benchmark.name}\`.

${table(['', 'alone', ...figures.map((f) => f.replaceAll('_', ' ')), 'process', 'CPU', 'peak memory', `${first?.name ?? ''} to it`], rows)}
${result.contenders.map((c) => `- ${c.name}: ${c.seconds_of}; \`${inOneLine(c.command)}\``).join('\n')}

${[...result.goals.filter((g) => g.met), ...missed].map(verdictText).join('\n')}
`
}

const verdictText = (goal: GoalResult): string =>
  goal.met
    ? `- Met: ${goalText(goal)}; measured ${valueText(goal, goal.value.median)} (${valueText(goal, goal.value.min)} to ${valueText(goal, goal.value.max)}).`
    : `- **Missed** by ${Math.round((goal.value.median / goal.at_most - 1) * 100)} %: ${goalText(goal)}; measured ${valueText(goal, goal.value.median)} (${valueText(goal, goal.value.min)} to ${valueText(goal, goal.value.max)}). ${goal.dominates}`

const MEASURES: Readonly<Record<string, string>> = {
  seconds: 'time alone',
  process_seconds: 'process time',
  peak_rss_bytes: 'peak memory',
}

function goalText(goal: GoalResult): string {
  const what = MEASURES[goal.measure] ?? goal.measure.replaceAll('_', ' ')
  return `${goal.contender}, ${what}, at most ${valueText(goal, goal.at_most)}${goal.baseline === undefined ? '' : ` that of ${goal.baseline}`}`
}

const valueText = (goal: GoalResult, value: number): string =>
  goal.baseline !== undefined
    ? `${value.toFixed(2)} ×`
    : goal.measure === 'peak_rss_bytes'
      ? bytesText(value)
      : secondsText(value)

const figureNames = (samples: readonly Sample[]) =>
  samples.flatMap((s) => Object.keys(s.figures ?? {}))

function spreadText(contender: ContenderResult, measure: Measure): string {
  const values = contender.samples.flatMap((sample) => measured(sample, measure) ?? [])
  if (values.length === 0) return ''
  const of: Spread = spread(values)
  return `${secondsText(of.median)} (${secondsText(of.min)}–${secondsText(of.max)})`
}

function peakText(contender: ContenderResult): string {
  const values = contender.samples.flatMap((sample) => sample.peak_rss_bytes ?? [])
  return values.length === 0 ? '' : bytesText(Math.max(...values))
}

function ratioText(first: ContenderResult, other: ContenderResult): string {
  const of = spread(ratiosOf(first, other, 'seconds'))
  const whole = spread(ratiosOf(first, other, 'process_seconds'))
  return `${of.median.toFixed(2)} × (process ${whole.median.toFixed(2)} ×)`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()

/** As Markdown viewers make anchors of headings. */
const anchor = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-')
