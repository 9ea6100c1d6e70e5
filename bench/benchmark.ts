import type { ServerName } from '../test/servers/kinds.ts'
import type { PythonList } from './python-environment.ts'

/** What a benchmark is: plain data that the runner reads. One file per benchmark in `benchmarks/`. */

export interface Benchmark {
  /** Kebab-case; the word on the command line and the name of its file. */
  readonly name: string
  readonly title: string
  /** What is measured and why, in sentences; shown in docs/benchmarks.md. */
  readonly what: string
  readonly goals: readonly Goal[]
  /** Where the suite's number of rounds would take hours. */
  readonly rounds?: number
  /** Makes the data, or finds it made, and says who runs on it. Not timed. */
  prepare(context: Context): Promise<Prepared>
}

/** How a run was asked for. */
export interface Context {
  /** Share of the benchmark's full number of rows; 1 is what the goals are about. */
  readonly scale: number
  /** Folder of made data, of the Python environment and of what contenders write. */
  readonly data_dir: string
  readonly threads: number
  /** DuckDB's own spelling, for every contender that takes one. */
  readonly memory_limit: string
  /** Path of a Python with the packages of a list of `python/`; undefined leaves such contenders out. */
  readonly python: ((list?: PythonList) => Promise<string>) | undefined
  /** Local S3 server of the benchmarks that write to one. */
  readonly server: ServerName
  /** Make again what Bucketline itself loaded before: needed after a change of what it writes. */
  readonly fresh: boolean
  readonly note: (text: string) => void
}

export interface Prepared {
  /** The data in figures: rows, files, bytes. */
  readonly data: string
  /** Files and folders read once before the first round, so that every contender finds them in the page cache. */
  readonly warm: readonly string[]
  /** In the order of a round; the first is the one that goals are about. */
  readonly contenders: readonly Contender[]
  /** Ends what was started for the rounds. */
  close?(): Promise<void>
}

export interface Contender {
  readonly name: string
  readonly version: string
  /** What is run, as a reader of the page would repeat it. */
  readonly command: string
  /** What `seconds` covers, such as `the statement alone`. */
  readonly seconds_of: string
  /** What is put into the empty folder first; not timed. */
  prepare?(dir: string): Promise<void>
  /** One run in a folder of its own, which is removed afterwards. Throws where the result is not the expected one. */
  run(dir: string): Promise<Sample>
}

/** One run of one contender. */
export interface Sample {
  /** From starting the process to its end. */
  readonly process_seconds: number
  /** What the process itself timed: a load, a statement. */
  readonly seconds: number
  /** User and system time of the process and its children. */
  readonly cpu_seconds: number | undefined
  /** Greatest resident set of the process and its children together. */
  readonly peak_rss_bytes: number | undefined
  /** Further times by name, in seconds. */
  readonly figures?: Readonly<Record<string, number>>
}

/** `process_seconds`, `seconds`, `peak_rss_bytes` or the name of a figure. */
export type Measure = string

/** A ratio of medians to a baseline, or without one a bound on the contender's own median. */
export interface Goal {
  readonly contender: string
  readonly baseline?: string
  readonly measure: Measure
  readonly at_most: number
  /** Written by hand: where the time goes, shown when the goal is missed. */
  readonly dominates: string
}

/** The value of a measure in a sample; undefined where the run did not give it. */
export function measured(sample: Sample, measure: Measure): number | undefined {
  if (measure === 'process_seconds') return sample.process_seconds
  if (measure === 'seconds') return sample.seconds
  if (measure === 'peak_rss_bytes') return sample.peak_rss_bytes
  if (measure === 'cpu_seconds') return sample.cpu_seconds
  return sample.figures?.[measure]
}
