import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import { attemptsText } from './attempts-text.ts'
import type { AttemptReport } from './load-report.ts'
import { textWidth } from './text-width.ts'

const published: AttemptReport = {
  feed: 'events',
  partition: '2023-01-01',
  state: 'published',
  rows_read: 1000,
  rows_published: 1000,
  duplicates: 0,
  rejected: 0,
  withheld: 0,
  bytes: 123_456,
  seconds: 1,
  objects: [],
  rejects: [],
  notes: [],
}

const refused: AttemptReport = {
  ...published,
  partition: '2023-01-02',
  state: 'refused',
  code: 'over_budget',
  message: '3,317 of 10,000 rows were rejected (33.17 %), max_rejected_percent is 1',
  rows_read: 10_003,
  rows_published: 0,
  duplicates: 3,
  rejected: 3317,
  withheld: 6683,
  objects: [
    { object: 'b.parquet', version: 'v2', bytes: 5, code: 'corrupt_object', message: 'no footer' },
  ],
  rejects: [{ code: 'missing_key', column: 'identifiers', count: 3317 }],
  notes: [{ code: 'repaired', message: 'a comma before }', count: 2 }],
}

/** A backfill: so many days of a feed. */
const days = (count: number, change: (day: number) => Partial<AttemptReport> = () => ({})) =>
  Array.from({ length: count }, (_, day) => ({
    ...published,
    feed: 'flights',
    partition: new Date(Date.UTC(2001, 0, 1 + day)).toISOString().slice(0, 10),
    ...change(day),
  }))

describe('attemptsText', () => {
  it('says why a partition was loaded again, and nothing where all are first deliveries', () => {
    const again = { ...published, reason: 'added_object' } as AttemptReport
    const first = { ...published, partition: '2023-01-02', reason: 'first' } as AttemptReport
    expect(attemptsText([again, first], memoryTerminal())).toContain('published  added object')
    expect(attemptsText([first], memoryTerminal())).not.toContain('reason')
  })
  it('shows counts, then what was wrong, then a sum that adds up', () => {
    expect(attemptsText([published, refused], memoryTerminal())).toBe(
      [
        'feed    partition   state      rows read  published  duplicates  rejected  withheld    size   time',
        'events  2023-01-01  published      1,000      1,000           0         0         0  123 kB  1.0 s',
        'events  2023-01-02  refused       10,003          0           3     3,317     6,683  123 kB  1.0 s',
        '',
        'events 2023-01-02',
        '  over_budget  3,317 of 10,000 rows were rejected (33.17 %), max_rejected_percent is 1',
        '  corrupt_object  b.parquet: no footer',
        '  missing_key in identifiers: 3,317 rows (33 %)',
        '  repaired  a comma before } (2 times)',
        '',
        '11,003 rows read = 1,000 published + 3 duplicates + 3,317 rejected + 6,683 withheld, 247 kB',
        '',
      ].join('\n'),
    )
  })

  it('says nothing of withheld rows where there are none', () => {
    expect(attemptsText([published], memoryTerminal())).not.toContain('withheld')
  })

  it('wraps on a terminal, and cuts no number', () => {
    const text = attemptsText([published, refused], memoryTerminal({ width: 80 }))
    for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(80)
    expect(text).not.toContain('…')
    expect(text).toContain(
      'events  2023-01-02  refused       10,003          0     3,317     6,683',
    )
    expect(text).toContain(
      [
        '  over_budget  3,317 of 10,000 rows were rejected (33.17 %),',
        '               max_rejected_percent is 1',
      ].join('\n'),
    )
    expect(text).toContain('+ 6,683\nwithheld, 247 kB\n')
  })

  it('is nothing without attempts', () => {
    expect(attemptsText([], memoryTerminal())).toBe('')
  })

  it('lists a dozen clean loads, and folds more of one feed into a line', () => {
    expect(attemptsText(days(12), memoryTerminal()).split('\n')).toHaveLength(16)
    expect(attemptsText([published, ...days(182)], memoryTerminal({ width: 80 }))).toBe(
      [
        'feed     partition                state          rows read  published  rejected',
        'events   2023-01-01               published          1,000      1,000         0',
        'flights  2001-01-01 … 2001-07-01  182 published    182,000    182,000         0',
        '',
        '183,000 rows read = 183,000 published + 0 duplicates + 0 rejected, 23 MB',
        '',
      ].join('\n'),
    )
  })

  it('lists what was refused or lost rows of many, and folds the rest with its reasons', () => {
    const text = attemptsText(
      days(100, (day) => {
        if (day === 50) return { ...refused, feed: 'flights', partition: '2001-02-20' }
        const notes = [{ code: 'new_columns', message: 'deal_id', count: 1 }]
        if (day % 4 !== 0) return { notes }
        return {
          rejected: 1,
          rows_published: 999,
          rejects: [{ code: 'out_of_range', column: 'delay', count: 1 }],
        }
      }),
      memoryTerminal(),
    )
    const [table = '', details = '', sum] = text.split('\n\n')
    const lines = table.split('\n')
    expect(lines).toHaveLength(1 + 1 + 20 + 1)
    expect(lines[1]).toMatch(
      /^flights {2}2001-01-02 … 2001-04-10 {2}79 published +79,000 +78,995 +0 +5 +0 /,
    )
    expect(lines[2]).toMatch(/^flights {2}2001-01-01 /)
    expect(lines.filter((line) => line.includes('refused'))).toHaveLength(1)
    expect(details).toContain(
      [
        'flights 2001-01-02 … 2001-04-10',
        '  out_of_range in delay: 5 rows (in 5 partitions)',
        '  new_columns  deal_id (in 74 partitions)',
        '  and 5 more with rejects: bucketline rejects flights',
        'flights 2001-01-01',
        '  out_of_range in delay: 1 row (0.1 %)',
      ].join('\n'),
    )
    expect(sum).toContain('109,003 rows read = 98,975 published + 3 duplicates + 3,342 rejected')
  })
})
