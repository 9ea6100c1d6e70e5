import { describe, expect, test } from 'vitest'
import { dateSource, formatDate, parseDatePattern, tellsMilliseconds } from './date-pattern.ts'

const at = Date.UTC(2020, 0, 2, 3, 4, 5, 678)
const evening = Date.UTC(2021, 10, 30, 15, 0, 9, 7)

describe('a pattern writes times as SimpleDateFormat does, in UTC', () => {
  test.each([
    ['yyyy_MM_dd', '2020_01_02', '2021_11_30'],
    ['yyyy_MM', '2020_01', '2021_11'],
    ['yy-M-d H:m:s.S', '20-1-2 3:4:5.678', '21-11-30 15:0:9.7'],
    ["yyyy-MM-dd'T'HH:mm:ss.SSS", '2020-01-02T03:04:05.678', '2021-11-30T15:00:09.007'],
    ['hh a', '03 AM', '03 PM'],
    ['E EEEE MMM MMMM', 'Thu Thursday Jan January', 'Tue Tuesday Nov November'],
    ["'it''s' yyyy''", "it's 2020'", "it's 2021'"],
    ['SSSSSS', '000678', '000007'],
    ['yyyyyy', '002020', '002021'],
    ['y', '2020', '2021'],
  ])('%s', (pattern, first, second) => {
    const pieces = parseDatePattern(pattern)
    expect([formatDate(pieces, at), formatDate(pieces, evening)]).toEqual([first, second])
    const source = new RegExp(`^${dateSource(pieces)}$`)
    expect([first, second, `${first}x`].map((text) => source.test(text))).toEqual([
      true,
      true,
      false,
    ])
  })

  test('midnight and noon are 12 on a clock of 12 hours', () => {
    const pieces = parseDatePattern('ha')
    expect([0, 12, 13].map((hour) => formatDate(pieces, hour * 3_600_000))).toEqual([
      '12AM',
      '12PM',
      '1PM',
    ])
  })

  test('years before the first count from it, without a sign', () => {
    expect(formatDate(parseDatePattern('yyyy'), Date.UTC(-44, 2, 15))).toBe('0045')
  })
})

test.each([
  ['YYYY', 'the letter Y'],
  ['yyyyTHH', 'the letter T'],
  ["yyyy'T", 'an open quote'],
  ["yyyy'", 'an open quote'],
])('%s is refused', (pattern, why) => {
  expect(() => parseDatePattern(pattern)).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(why) }),
  )
})

test('letters may be fewer', () => {
  expect(() => parseDatePattern('ss', 'yMd')).toThrow('which is none of y M d')
})

test.each([
  ['yyyyMMddHHmmssSSS', true],
  ['yyyyMMddhhmmssSSSa', true],
  ['yyyyMMddhhmmssSSS', false],
  ['HHmmssSSS', false],
  ['yyyyMMddHHmmss', false],
])('tellsMilliseconds: %s %s', (pattern, tells) => {
  expect(tellsMilliseconds(parseDatePattern(pattern))).toBe(tells)
})
