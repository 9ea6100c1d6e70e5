import type { ErrorBudget } from '../../core/feed.ts'
import type { LoadObject } from '../../ledger/ledger.ts'

/** The rule of the error budget that a load broke. */
export interface BrokenBudget {
  readonly rule: keyof ErrorBudget
  readonly message: string
}

/** The first broken rule of a feed's error budget, the partition's before the objects'; undefined within budget. */
export function brokenBudget(
  budget: ErrorBudget,
  objects: readonly Pick<LoadObject, 'key' | 'rows_read' | 'rejected'>[],
  rows: number,
  rejected: number,
): BrokenBudget | undefined {
  if (budget.rows !== undefined && rejected > budget.rows)
    return {
      rule: 'rows',
      message: `${count(rejected)} rows were rejected, max_rejected_rows is ${count(budget.rows)}`,
    }
  if (budget.percent !== undefined && exceeds(rejected, rows, budget.percent))
    return {
      rule: 'percent',
      message: `${count(rejected)} of ${count(rows)} rows were rejected (${share(rejected, rows)}), max_rejected_percent is ${budget.percent}`,
    }
  for (const object of objects) {
    const { key } = object
    if (budget.rows_per_object !== undefined && object.rejected > budget.rows_per_object)
      return {
        rule: 'rows_per_object',
        message: `${count(object.rejected)} rows of ${key} were rejected, max_rejected_rows_per_object is ${count(budget.rows_per_object)}`,
      }
    if (
      budget.percent_per_object !== undefined &&
      exceeds(object.rejected, object.rows_read, budget.percent_per_object)
    )
      return {
        rule: 'percent_per_object',
        message: `${count(object.rejected)} of ${count(object.rows_read)} rows of ${key} were rejected (${share(object.rejected, object.rows_read)}), max_rejected_percent_per_object is ${budget.percent_per_object}`,
      }
  }
  return undefined
}

const grouped = new Intl.NumberFormat('en-US')
const count = (value: number) => grouped.format(value)

const exceeds = (rejected: number, rows: number, percent: number) =>
  rejected > 0 && rejected * 100 > percent * rows

const share = (part: number, whole: number) => `${((part / whole) * 100).toFixed(2)} %`
