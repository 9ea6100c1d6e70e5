import { describe, expect, test } from 'vitest'
import {
  inRange,
  instantAt,
  nextPartition,
  parsePartition,
  partitionAt,
  partitionFromParts,
  partitionsBetween,
  previousPartition,
} from './partition.ts'

const hours = (p: { start: Date; end: Date }) => (p.end.getTime() - p.start.getTime()) / 3_600_000

describe('names', () => {
  test.each([
    ['2015', 'year', '2015-01-01T00:00:00.000Z', '2016-01-01T00:00:00.000Z'],
    ['2015-12', 'month', '2015-12-01T00:00:00.000Z', '2016-01-01T00:00:00.000Z'],
    ['2023-01-01', 'day', '2023-01-01T00:00:00.000Z', '2023-01-02T00:00:00.000Z'],
    ['2015-10-17T09', 'hour', '2015-10-17T09:00:00.000Z', '2015-10-17T10:00:00.000Z'],
    ['2015-10-17T09:45', '15 minutes', '2015-10-17T09:45:00.000Z', '2015-10-17T10:00:00.000Z'],
  ])('%s is one %s', (name, grain, start, end) => {
    const partition = parsePartition(name)
    expect(partition).toEqual({ name, grain, start: new Date(start), end: new Date(end) })
    expect(partitionAt(new Date(partition.end.getTime() - 1), partition.grain)).toEqual(partition)
  })

  test.each([
    '2023-02-30',
    '2023-13',
    '2023-1-1',
    '2023-01-01T24',
    '2023-01-01T09:10',
    '',
    'x',
    '0999',
  ])('"%s" is none', (name) => {
    expect(() => parsePartition(name)).toThrow(
      expect.objectContaining({ code: 'partition_invalid' }),
    )
  })

  test('another grain than asked for is refused', () => {
    expect(() => parsePartition('2023-01', 'UTC', 'day')).toThrow(/one month, but .* one of day/)
  })

  test('an unknown zone is refused', () => {
    expect(() => partitionAt(new Date(0), 'day', 'Mars/Olympus')).toThrow(
      expect.objectContaining({ code: 'zone_invalid' }),
    )
  })
})

describe('zones', () => {
  test('a day in Seoul begins the evening before in UTC', () => {
    const day = partitionAt(new Date('2023-01-01T15:00:00Z'), 'day', 'Asia/Seoul')
    expect(day.name).toBe('2023-01-02')
    expect(day.start).toEqual(new Date('2023-01-01T15:00:00Z'))
  })

  test.each([
    ['2023-03-12', 23],
    ['2023-11-05', 25],
    ['2023-11-06', 24],
  ])('%s in New York has %i hours', (name, length) => {
    expect(hours(parsePartition(name, 'America/New_York'))).toBe(length)
  })

  test('an hour that comes twice is one partition of two hours', () => {
    const hour = parsePartition('2023-11-05T01', 'America/New_York')
    expect(hour.start).toEqual(new Date('2023-11-05T05:00:00Z'))
    expect(hours(hour)).toBe(2)
    const before = parsePartition('2023-11-05T00', 'America/New_York')
    expect(hours(before)).toBe(1)
    expect(nextPartition(before, 'America/New_York')).toEqual(hour)
    expect(partitionAt(new Date('2023-11-05T06:30:00Z'), 'hour', 'America/New_York')).toEqual(hour)
  })

  test('quarters of a repeated hour hold both passes', () => {
    const quarter = parsePartition('2023-11-05T01:15', 'America/New_York')
    expect(quarter.start).toEqual(new Date('2023-11-05T05:15:00Z'))
    expect(quarter.end).toEqual(new Date('2023-11-05T06:30:00Z'))
    expect(nextPartition(quarter, 'America/New_York').name).toBe('2023-11-05T01:30')
  })

  test('an hour that clocks skip is no partition', () => {
    expect(
      partitionFromParts({ year: 2023, month: 3, day: 12, hour: 2 }, 'America/New_York'),
    ).toBeUndefined()
    const before = parsePartition('2023-03-12T01', 'America/New_York')
    const after = nextPartition(before, 'America/New_York')
    expect(after.name).toBe('2023-03-12T03')
    expect(after.start).toEqual(before.end)
    expect(previousPartition(after, 'America/New_York')).toEqual(before)
  })

  test('a change of half an hour makes the hour 90 or 30 minutes long', () => {
    expect(hours(parsePartition('2023-04-02T01', 'Australia/Lord_Howe'))).toBe(1.5)
    expect(hours(parsePartition('2023-10-01T02', 'Australia/Lord_Howe'))).toBe(0.5)
  })

  test('a day that clocks skip is no partition, and a day may begin at one o’clock', () => {
    expect(() => parsePartition('2011-12-30', 'Pacific/Apia')).toThrow(/does not exist/)
    expect(nextPartition(parsePartition('2011-12-29', 'Pacific/Apia'), 'Pacific/Apia').name).toBe(
      '2011-12-31',
    )
    const day = parsePartition('2018-11-04', 'America/Sao_Paulo')
    expect(day.start).toEqual(new Date('2018-11-04T03:00:00Z'))
    expect(hours(day)).toBe(23)
  })

  test.each([
    'UTC',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Africa/Casablanca',
  ])('days, months and hours of a year in %s follow one another without gap or overlap', (zone) => {
    for (const [first, last] of [
      ['2023-01-01', '2023-12-31'],
      ['2023-01', '2023-12'],
      ['2023-01-01T00', '2023-12-31T23'],
    ] as const) {
      let end = parsePartition('2023', zone).start
      for (const p of partitionsBetween(
        parsePartition(first, zone),
        parsePartition(last, zone),
        zone,
      )) {
        expect(p.start).toEqual(end)
        end = p.end
      }
      expect(end).toEqual(parsePartition('2023', zone).end)
    }
  })

  test('the first instant of a wall time, also where clocks skip it', () => {
    const wall = { year: 2023, month: 3, day: 12, hour: 2, minute: 30 }
    expect(instantAt(wall, 'America/New_York')).toEqual(new Date('2023-03-12T07:00:00Z'))
    expect(instantAt(wall, 'Asia/Seoul')).toEqual(new Date('2023-03-11T17:30:00Z'))
  })
})

test('a range takes in the partitions of longer bounds', () => {
  const range = { from: '2023-01', to: '2023-02' }
  const names = ['2022-12-31T23', '2023-01-01T00', '2023-02-28T23', '2023-03-01T00']
  expect(names.filter((name) => inRange(name, range))).toEqual(['2023-01-01T00', '2023-02-28T23'])
})
