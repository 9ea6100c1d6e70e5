import { expect, it } from 'vitest'
import { instantOf } from './event-time.ts'

const NOON = Date.UTC(2024, 1, 29, 12)

it.each([
  ['2024-02-29T12:00:00Z', NOON],
  ['2024-02-29 12:00:00', NOON],
  ['2024-02-29T21:00:00.000+09:00', NOON],
  ['2024-02-29', NOON - 12 * 3_600_000],
  ['2024-02-30', undefined],
  ['1709208000', undefined],
  ['soon', undefined],
  ['', undefined],
])('reads the text %j', (text, instant) => {
  expect(instantOf(text, false)).toBe(instant)
})

it.each([
  ['1709208000', NOON],
  ['1709208000000', NOON],
  ['1709208000000000', NOON],
  ['1709208000000000000', NOON],
  ['1.709208e9', NOON],
  ['0', 0],
  ['-86400', -86_400_000],
  ['1e400', undefined],
  ['true', undefined],
])('reads the number %s', (text, instant) => {
  expect(instantOf(text, true)).toBe(instant)
})
