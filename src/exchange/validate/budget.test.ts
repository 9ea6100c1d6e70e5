import { describe, expect, it } from 'vitest'
import { brokenBudget } from './budget.ts'

const objects = [
  { key: 'a.gz', rows_read: 100, rejected: 0 },
  { key: 'b.gz', rows_read: 10, rejected: 5 },
]

describe('brokenBudget', () => {
  it('tolerates exactly the budget and refuses one row more', () => {
    expect(brokenBudget({ rows: 5 }, objects, 110, 5)).toBeUndefined()
    expect(brokenBudget({ rows: 4 }, objects, 110, 5)?.rule).toBe('rows')
    expect(brokenBudget({ percent: 1 }, [], 500, 5)).toBeUndefined()
    expect(brokenBudget({ percent: 1 }, [], 499, 5)?.rule).toBe('percent')
  })
  it('judges each object by itself and names the one that broke it', () => {
    const broken = brokenBudget({ percent: 10, percent_per_object: 40 }, objects, 110, 5)
    expect(broken?.rule).toBe('percent_per_object')
    expect(broken?.message).toContain('b.gz')
  })
  it('writes large numbers in groups', () => {
    expect(brokenBudget({ percent: 1 }, [], 10_000, 3317)?.message).toBe(
      '3,317 of 10,000 rows were rejected (33.17 %), max_rejected_percent is 1',
    )
    expect(brokenBudget({ rows: 1000 }, [], 10_000, 3317)?.message).toBe(
      '3,317 rows were rejected, max_rejected_rows is 1,000',
    )
    const large = [{ key: 'a.gz', rows_read: 20_000, rejected: 4000 }]
    expect(brokenBudget({ rows_per_object: 1500 }, large, 20_000, 4000)?.message).toBe(
      '4,000 rows of a.gz were rejected, max_rejected_rows_per_object is 1,500',
    )
    expect(brokenBudget({ percent_per_object: 0.5 }, large, 20_000, 4000)?.message).toBe(
      '4,000 of 20,000 rows of a.gz were rejected (20.00 %), max_rejected_percent_per_object is 0.5',
    )
  })
  it('lets a clean load pass a budget of nothing', () => {
    expect(brokenBudget({ percent: 0, rows: 0 }, [], 0, 0)).toBeUndefined()
  })
})
