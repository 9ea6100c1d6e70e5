import { type ContractProblem, readContract } from '../odcs/odcs.ts'
import type { Contract, NotExecuted } from './contract.ts'

/** What there is to say about a contract document. */
export interface LintReport {
  /** False where the document cannot be used. */
  readonly valid: boolean
  readonly problems: readonly ContractProblem[]
  readonly not_executed: readonly NotExecuted[]
  /** Remarks of the document's own, then advice: what a good contract would also say. */
  readonly notes: readonly string[]
}

/** Checks a contract document. Never throws for what is in it. */
export function lintContract(text: string): LintReport {
  const { contract, problems } = readContract(text)
  if (!contract) return { valid: false, problems, not_executed: [], notes: [] }
  return {
    valid: true,
    problems: [],
    not_executed: contract.not_executed,
    notes: [...contract.notes, ...advice(contract)],
  }
}

function advice(contract: Contract): string[] {
  const notes: string[] = []
  if (contract.time_column === undefined) {
    notes.push(
      'No column is `partitioned`, so nothing checks that a row lies in the partition it came in.',
    )
  } else if (!contract.columns.find(({ name }) => name === contract.time_column)?.required) {
    notes.push(
      `${contract.time_column} is not required, though it decides which partition a row belongs to.`,
    )
  }
  if (contract.key.length === 0 && contract.publish !== 'append') {
    notes.push('There is no primary key, so rows that come twice are kept twice.')
  }
  if (contract.service_levels.frequency === undefined) {
    notes.push('There is no `frequency`, so a partition that never comes is not missed.')
  }
  const bare = contract.columns.filter(({ description }) => description === undefined)
  if (bare.length > 0) {
    notes.push(`Without a description: ${bare.map(({ name }) => name).join(', ')}.`)
  }
  return notes
}
