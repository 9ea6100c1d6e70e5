import { expect, test } from 'vitest'
import { eventValue, fieldValue, partitionSource } from './partition-value.ts'

test.each([
  ['KR', 'KR'],
  [null, '__HIVE_DEFAULT_PARTITION__'],
  ['', '__HIVE_DEFAULT_PARTITION__'],
  ['a/b c', 'a%2Fb%20c'],
  ['..', '%2E.'],
  ['__HIVE_DEFAULT_PARTITION__', '%5F_HIVE_DEFAULT_PARTITION__'],
  ['\ud800', '%EF%BF%BD'],
  ['Ä', '%C3%84'],
])('field %j → %s', (value, written) => {
  expect(fieldValue(value)).toBe(written)
})

test.each([
  ['yyyy-MM-dd', '2024-02-03'],
  ['yyyy/MM/dd', '2024/02/03'],
  ["yyyy-MM-dd'T'HH:mm", '2024-02-03T04%3A05'],
  ["'_'yyyy'_'MM/'.'dd", '%5F2024_02/%2E03'],
  ['yy', '24'],
])('event %s → %s, and knows it again', (pattern, written) => {
  const at = Date.UTC(2024, 1, 3, 4, 5, 6)
  const write = eventValue(pattern)
  expect([write(at), write(null)]).toEqual([written, '__HIVE_DEFAULT_PARTITION__'])
  const source = new RegExp(`^${partitionSource({ kind: 'event', pattern })}$`)
  expect([write(at), write(null), 'x', ''].map((text) => source.test(text))).toEqual([
    true,
    true,
    false,
    false,
  ])
})
