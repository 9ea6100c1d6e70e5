import { describe, expect, it } from 'vitest'
import type { LoadAttempt } from './app-port.ts'
import { loadReport } from './load-report.ts'

const attempt: LoadAttempt = {
  load_id: '7',
  feed: 'events',
  partition: '2023-01-01',
  generation: 1,
  reason: 'first',
  state: 'refused',
  started_at: new Date('2023-01-02T00:00:00Z'),
  ended_at: new Date('2023-01-02T00:00:01Z'),
  seconds: 1,
  rows_read: 10_000,
  rows_published: 0,
  duplicates: 3,
  rejected: 997,
  bytes: 123_456,
  code: 'over_budget',
  message: '99.7 % of rows were rejected; 1 % is tolerated',
  object_outcomes: [
    { key: 'a.parquet', version: 'v1', bytes: 100, state: 'loaded' },
    {
      key: 'b.parquet',
      version: 'v2',
      bytes: 5,
      state: 'refused',
      code: 'corrupt_object',
      message: 'no footer',
    },
  ],
  reject_summary: [{ code: 'missing_key', column: 'identifiers', count: 997 }],
  notes: [{ code: 'repaired', message: 'a comma before }', count: 2 }],
}

describe('loadReport', () => {
  it('names objects refused as a whole, and keeps the words of a load', () => {
    const report = loadReport(attempt)
    expect(report.objects).toEqual([
      {
        object: 'b.parquet',
        version: 'v2',
        bytes: 5,
        code: 'corrupt_object',
        message: 'no footer',
      },
    ])
    expect(Object.keys(report)).toEqual([
      'load_id',
      'feed',
      'partition',
      'generation',
      'reason',
      'state',
      'code',
      'message',
      'rows_read',
      'rows_published',
      'duplicates',
      'rejected',
      'withheld',
      'bytes',
      'seconds',
      'started_at',
      'ended_at',
      'objects',
      'rejects',
      'notes',
    ])
  })

  it('counts the valid rows that a refusal withheld', () => {
    expect(loadReport(attempt).withheld).toBe(9000)
    for (const state of ['published', 'failed', 'running'] as const) {
      expect(loadReport({ ...attempt, state }).withheld).toBe(0)
    }
  })
})
