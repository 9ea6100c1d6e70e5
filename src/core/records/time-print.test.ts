import { expect, test } from 'vitest'
import { dateText, timestampText, timeText } from './time-print.ts'
import { parseDate, parseTimestamp } from './time-text.ts'

test('every day of 800 years prints as it is read', () => {
  for (let day = -146_097; day < 146_097; day += 1) {
    expect(dateText(day)).toBe(new Date(day * 86_400_000).toISOString().slice(0, 10))
  }
})

test.each([
  [-719_162, '0001-01-01'],
  [-719_163, '0001-12-31 (BC)'],
  [-1_457_318, '2021-01-01 (BC)'],
  [100_000_000, '275760-09-13'],
])('day %d is %s', (day, text) => {
  expect(dateText(day)).toBe(text)
  if (!text.startsWith('2757')) expect(parseDate(text.replace(' (BC)', ' BC'))).toBe(day)
})

test.each([
  [0, '00:00:00'],
  [86_399_999_999, '23:59:59.999999'],
  [3_661_000_001, '01:01:01.000001'],
])('time %d is %s', (micros, text) => {
  expect(timeText(micros)).toBe(text)
})

test.each([
  [0, '1970-01-01 00:00:00+00'],
  [-1, '1969-12-31 23:59:59.999999+00'],
  [253_402_300_799_999_999n, '9999-12-31 23:59:59.999999+00'],
  [-125_941_863_974_322_000n, '2022-01-23 (BC) 12:53:45.678000+00'],
  [-86_400_000_000n, '1969-12-31 00:00:00+00'],
])('timestamp %d is %s', (micros, text) => {
  expect(timestampText(micros)).toBe(text)
  const read = text.includes('BC') ? text.replace(' (BC)', ' BC') : text
  expect(Number(parseTimestamp(read, { offset: 'apply', digits: 6 }))).toBe(Number(micros))
})
