import { expect, it } from 'vitest'
import { isTimeText, strptimePattern, timePattern } from './time-pattern.ts'

it.each([
  ['yyyy-MM-dd', '%Y-%m-%d'],
  ["yyyy-MM-dd'T'HH:mm:ss.SSSXXX", '%Y-%m-%dT%H:%M:%S.%g%z'],
  ["dd/MM/uuuu HH'h'mm", '%d/%m/%Y %Hh%M'],
  ["''yyyy' 100%'", "'%Y 100%%"],
  ['HH:mm:ss.SSSSSS', '%H:%M:%S.%f'],
])('%s is %s', (pattern, strptime) => {
  expect(strptimePattern(pattern)).toBe(strptime)
})

it.each([
  ['EEE', 'the letters EEE of the pattern are not read'],
  ['yyyy MMM', 'the letters MMM of the pattern are not read'],
  ["yyyy 'x", 'the pattern has a quote without its end'],
])('%s is not read', (pattern, why) => {
  expect(timePattern(pattern)).toBe(why)
  expect(strptimePattern(pattern)).toBeUndefined()
})

it.each([
  ['2024-02-29', 'date', true],
  ['2023-02-29', 'date', false],
  ['2023-2-9', 'date', false],
  ['2023-01-01T10:00', 'date', false],
  ['2023-01-01', 'timestamp', true],
  ['2023-01-01 23:59:59.123456789+0900', 'timestamp', true],
  ['2023-01-01T24:00:00Z', 'timestamp', false],
  ['23:59', 'time', true],
  ['24:00', 'time', false],
  ['2023-01-01', 'time', false],
] as const)('%s as a %s: %s', (text, kind, is) => {
  expect(isTimeText(text, kind)).toBe(is)
})
