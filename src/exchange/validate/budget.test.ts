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
  it('lets a clean load pass a budget of nothing', () => {
    expect(brokenBudget({ percent: 0, rows: 0 }, [], 0, 0)).toBeUndefined()
  })
})
