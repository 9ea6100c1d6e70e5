import type { NotExecuted } from '../contract/contract.ts'
import { type ContractProblem, type Path, pathText, type Source } from './source.ts'

/** What is found while a document is compiled: faults, things without effect, remarks. */
export interface Findings {
  readonly source: Source
  readonly problems: ContractProblem[]
  readonly not_executed: NotExecuted[]
  readonly notes: string[]
  /** The contract asks for something impossible or contradictory. */
  problem(path: Path, message: string): void
  /** Valid, kept, and without effect here. */
  ignored(path: Path, reason: string): void
}

export function newFindings(source: Source): Findings {
  const problems: ContractProblem[] = []
  const not_executed: NotExecuted[] = []
  return {
    source,
    problems,
    not_executed,
    notes: [],
    problem(path, message) {
      problems.push({ path: pathText(path), ...source.place(path), message })
    },
    ignored(path, reason) {
      not_executed.push({ path: pathText(path), line: source.place(path, 'key').line, reason })
    },
  }
}

/** Without the fields that are undefined, so that optional fields are absent and not undefined. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Defined<T>
}

export type Defined<T> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K]
} & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}
