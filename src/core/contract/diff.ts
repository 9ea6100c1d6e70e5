import type { Contract, Scope } from './contract.ts'
import { type ContractChange, diffColumns, type Side } from './diff-columns.ts'
import { diffQuality, diffServiceLevels } from './diff-levels.ts'

export type { ContractChange } from './diff-columns.ts'

/**
 * What changed from one contract to the next, and whom each change breaks: a `deliverer`, where a
 * delivery that was valid may now be refused; a `reader`, where a query may fail, or read other
 * values or fewer promises than before. Descriptions and examples are not compared.
 */
export function diffContracts(old: Contract, next: Contract): ContractChange[] {
  const changes: ContractChange[] = []
  const add = (code: string, path: string, message: string, breaks: readonly Side[] = []) => {
    changes.push({ code, path, message, breaks, breaking: breaks.length > 0 })
  }
  for (const field of ['id', 'name', 'version'] as const) {
    if (old[field] !== next[field]) {
      add(
        `${field}_changed`,
        field,
        `The contract’s ${field} was ${old[field]} and is ${next[field]}.`,
      )
    }
  }
  changes.push(
    ...diffColumns(old.columns, next.columns, {
      path: '',
      closed: next.new_columns === 'reject',
    }),
  )
  if (old.key.join('\0') !== next.key.join('\0')) {
    add('key_changed', 'key', `The key was ${listed(old.key)} and is ${listed(next.key)}.`, [
      'deliverer',
      'reader',
    ])
  }
  if (old.time_column !== next.time_column) {
    add(
      'time_column_changed',
      'time_column',
      `Rows belonged to partitions by ${old.time_column ?? 'nothing'} and do by ${next.time_column ?? 'nothing'}.`,
      ['deliverer', 'reader'],
    )
  }
  if (old.version_column !== next.version_column) {
    add(
      'version_column_changed',
      'version_column',
      `The column that decides between versions was ${old.version_column ?? 'none'} and is ${next.version_column ?? 'none'}.`,
      ['reader'],
    )
  }
  if (old.publish !== next.publish) {
    add(
      'publish_changed',
      'publish',
      `Deliveries were published by ${old.publish ?? 'the default'} and are by ${next.publish ?? 'the default'}.`,
      ['reader'],
    )
  }
  if (scopeText(old.deduplicate) !== scopeText(next.deduplicate)) {
    add(
      'deduplicate_changed',
      'deduplicate',
      `Duplicates were looked for in ${scopeText(old.deduplicate)} and are in ${scopeText(next.deduplicate)}.`,
      ['reader'],
    )
  }
  if (old.flat !== next.flat) {
    add(
      'flat_changed',
      'flat',
      next.flat ? 'Undeclared fields may no longer be nested.' : 'Undeclared fields may be nested.',
      next.flat ? ['deliverer'] : [],
    )
  }
  if (old.ignore_case !== next.ignore_case) {
    add(
      'ignore_case_changed',
      'ignore_case',
      next.ignore_case
        ? 'Names match in any case.'
        : 'Names must be written in the contract’s case.',
      next.ignore_case ? [] : ['deliverer'],
    )
  }
  if (old.new_columns !== next.new_columns) {
    const breaks: Side[] = []
    if (next.new_columns === 'reject') breaks.push('deliverer')
    // What used to come as a column no longer does.
    if (old.new_columns === 'evolve' || old.new_columns === 'rescue') breaks.push('reader')
    add(
      'new_columns_changed',
      'new_columns',
      `Undeclared fields were handled by ${old.new_columns} and are by ${next.new_columns}.`,
      breaks,
    )
  }
  changes.push(...diffQuality(old.quality, next.quality))
  changes.push(...diffServiceLevels(old.service_levels, next.service_levels))
  for (const measure of old.measures) {
    const now = next.measures.find(({ name }) => name === measure.name)
    const path = `measures.${measure.name}`
    if (!now) add('measure_removed', path, `The measure ${measure.name} is gone.`, ['reader'])
    else if (now.expression !== measure.expression) {
      add(
        'measure_changed',
        path,
        `The measure ${measure.name} was ${measure.expression} and is ${now.expression}.`,
        ['reader'],
      )
    }
  }
  for (const measure of next.measures) {
    if (!old.measures.some(({ name }) => name === measure.name)) {
      add('measure_added', `measures.${measure.name}`, `The measure ${measure.name} is new.`)
    }
  }
  for (const field of ['file_bytes', 'file_rows'] as const) {
    if (old.advice?.[field] !== next.advice?.[field]) {
      add(
        'advice_changed',
        `advice.${field}`,
        `The advised ${field} was ${old.advice?.[field] ?? 'none'} and is ${next.advice?.[field] ?? 'none'}.`,
      )
    }
  }
  return changes
}

const listed = (names: readonly string[]): string =>
  names.length === 0 ? 'none' : names.join(', ')

const scopeText = (scope: Scope): string =>
  scope.scope === 'days' ? `${scope.days} days` : `the ${scope.scope}`
