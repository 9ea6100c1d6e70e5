import { expect, test } from 'vitest'
import { newLoadId } from './load-id.ts'

test('load ids are UUIDs of version 7 that differ and sort as they were made', () => {
  const ids = [1_000, 1_000, 1_000, 1_001, 2_000_000_000_000].map((ms) => newLoadId(new Date(ms)))
  const same_instant = Array.from({ length: 1000 }, () => newLoadId(new Date(2_000_000_000_001)))
  const all = [...ids, ...same_instant]
  expect([...all].sort()).toEqual(all)
  expect(new Set(all).size).toBe(all.length)
  for (const id of all) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
  // The first 48 bits are the time.
  expect(
    Number.parseInt(newLoadId(new Date(1234567890123)).replaceAll('-', '').slice(0, 12), 16),
  ).toBe(1234567890123)
})
