import { describe, expect, test } from 'vitest'
import { parsePartition } from './partition.ts'
import { absentPartitions, deadlineOf, expectedGrain, timelinessOf } from './timeliness.ts'

const by_one = { hour: 13, minute: 0, zone: 'Asia/Seoul', days_after: 1 }

describe('deadlineOf', () => {
  test('13:00 in Seoul on the day after', () => {
    const day = parsePartition('2023-01-01')
    expect(deadlineOf(day, { available_by: by_one }, 'UTC')).toEqual(
      new Date('2023-01-02T04:00:00Z'),
    )
  })

  test('the day is the feed’s, the hour the deadline’s', () => {
    const day = parsePartition('2023-01-31', 'Asia/Seoul')
    expect(deadlineOf(day, { available_by: by_one }, 'Asia/Seoul')).toEqual(
      new Date('2023-02-01T04:00:00Z'),
    )
    const hour = parsePartition('2023-01-31T23')
    expect(deadlineOf(hour, { available_by: by_one }, 'UTC')).toEqual(
      new Date('2023-02-01T04:00:00Z'),
    )
    const month = parsePartition('2023-01')
    expect(deadlineOf(month, { available_by: by_one }, 'UTC')).toEqual(
      new Date('2023-02-01T04:00:00Z'),
    )
  })

  test('a time of day moves with the clocks, and one that is skipped is the end of the gap', () => {
    const levels = {
      available_by: { hour: 2, minute: 30, zone: 'America/New_York', days_after: 1 },
    }
    const deadline = (name: string) => deadlineOf(parsePartition(name), levels, 'UTC')
    expect(deadline('2023-03-10')).toEqual(new Date('2023-03-11T07:30:00Z'))
    expect(deadline('2023-03-11')).toEqual(new Date('2023-03-12T07:00:00Z'))
    expect(deadline('2023-03-12')).toEqual(new Date('2023-03-13T06:30:00Z'))
  })

  test('a latency counts from the end; of two the earlier holds; of none there is none', () => {
    const hour = parsePartition('2015-10-17T09')
    expect(deadlineOf(hour, { latency_ms: 900_000 }, 'UTC')).toEqual(
      new Date('2015-10-17T10:15:00Z'),
    )
    expect(deadlineOf(hour, { latency_ms: 900_000, available_by: by_one }, 'UTC')).toEqual(
      new Date('2015-10-17T10:15:00Z'),
    )
    expect(deadlineOf(hour, {}, 'UTC')).toBeUndefined()
  })
})

test.each([
  ['10:00', '12:00', 'on_time'],
  ['11:00', '12:00', 'on_time'],
  ['11:01', '12:00', 'late'],
  [undefined, '11:00', 'due'],
  [undefined, '11:01', 'missing'],
])('complete at %s, seen at %s, deadline 11:00: %s', (complete, now, expected) => {
  const at = (time: string) => new Date(`2023-01-02T${time}:00Z`)
  const first_completed_at = complete === undefined ? undefined : at(complete)
  expect(timelinessOf({ deadline: at('11:00'), first_completed_at, now: at(now) })).toBe(expected)
  expect(timelinessOf({ deadline: undefined, first_completed_at, now: at(now) })).toBeUndefined()
})

test('partitions that are over and not there', () => {
  const expected = {
    grain: 'day',
    zone: 'UTC',
    from: new Date('2023-01-01'),
    now: new Date('2023-01-04T05:00:00Z'),
  } as const
  const names = (grain: 'day' | 'hour', present: string[]) =>
    absentPartitions({ ...expected, grain }, present).map(({ name }) => name)
  expect(names('day', ['2023-01-02'])).toEqual(['2023-01-01', '2023-01-03'])
  // Hourly partitions delivered by the day: one hour stands for its day.
  expect(names('day', ['2023-01-02T07', '2023-01-03T00'])).toEqual(['2023-01-01'])
  expect(names('hour', []).length).toBe(3 * 24 + 5)
})

test('deliveries are never expected in less than a partition', () => {
  expect(expectedGrain({ frequency: 'hour' }, 'day')).toBe('day')
  expect(expectedGrain({ frequency: 'day' }, 'hour')).toBe('day')
  expect(expectedGrain({}, 'hour')).toBe('hour')
})
