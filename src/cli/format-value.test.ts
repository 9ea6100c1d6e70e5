import { describe, expect, it } from 'vitest'
import {
  formatBytes,
  formatCount,
  formatMinute,
  formatPercent,
  formatPlural,
  formatSeconds,
  jsonValue,
  textValue,
} from './format-value.ts'

describe('for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1_234_567, '1.2 MB'],
    [9_960_000, '10 MB'],
    [999_499, '999 kB'],
    [999_950, '1.0 MB'],
    [236_000_000, '236 MB'],
    [2_500_000_000_000_000_000, '2500 PB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })

  it.each([
    [0, '0.0 s'],
    [0.44, '0.4 s'],
    [9.96, '10 s'],
    [59.7, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.9, '1 h 00 min'],
    [7620, '2 h 07 min'],
    [86_399, '1 d 00 h'],
    [274_000, '3 d 04 h'],
  ])('%f seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text)
  })

  it.each([
    [0, 10, '0 %'],
    [1, 100_000, '<0.1 %'],
    [99_999, 100_000, '>99.9 %'],
    [3, 1000, '0.3 %'],
    [12, 100, '12 %'],
    [1234, 10_000, '12 %'],
    [997, 1000, '99.7 %'],
    [5, 5, '100 %'],
    [0, 0, '0 %'],
  ])('%i of %i is %s', (part, whole, text) => {
    expect(formatPercent(part, whole)).toBe(text)
  })

  it('groups digits and counts nouns', () => {
    expect(formatCount(3_000_000)).toBe('3,000,000')
    expect(formatCount(12_345_678_901_234_567_890n)).toBe('12,345,678,901,234,567,890')
    expect([formatPlural(1, 'row'), formatPlural(0, 'row')]).toEqual(['1 row', '0 rows'])
    expect(formatMinute(new Date('2023-01-02T03:04:05.678Z'))).toBe('2023-01-02 03:04Z')
  })
})

describe('for programs', () => {
  it.each([
    [9_007_199_254_740_991n, 9_007_199_254_740_991],
    [9_007_199_254_740_992n, '9007199254740992'],
    [-9_007_199_254_740_992n, '-9007199254740992'],
    [Number.NaN, 'NaN'],
    [Number.NEGATIVE_INFINITY, '-Infinity'],
    [new Date('2023-01-01T00:01:02.333Z'), '2023-01-01T00:01:02.333Z'],
    [new Uint8Array([0, 255]), '00ff'],
    [new Map([['a', 1n]]), { a: 1 }],
    [
      [null, undefined, { deep: 2n ** 64n }],
      [null, undefined, { deep: '18446744073709551616' }],
    ],
    ['text', 'text'],
  ])('%s becomes %j', (value, json) => {
    expect(jsonValue(value)).toEqual(json)
  })

  it('writes values as text', () => {
    expect([null, 1n, true, { a: [1] }].map(textValue)).toEqual(['', '1', 'true', '{"a":[1]}'])
  })
})
