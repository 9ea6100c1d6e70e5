import { expect, it } from 'vitest'
import { UUID_LENGTH, UuidWriter } from './uuid-writer.ts'

function uuids(version: 4 | 7, count: number, now = Date.now()): string[] {
  const writer = new UuidWriter(version)
  return Array.from({ length: count }, () => next(writer, now))
}

function next(writer: UuidWriter, now: number): string {
  const out = new Uint8Array(UUID_LENGTH + 2)
  writer.write(out, 1, now)
  expect([out[0], out[UUID_LENGTH + 1]]).toEqual([0, 0])
  return Buffer.from(out.subarray(1, UUID_LENGTH + 1)).toString('latin1')
}

it.each([4, 7] as const)('writes UUIDs of version %i, in order and each one once', (version) => {
  const written = uuids(version, 70_000)
  const form = new RegExp(
    `^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
  )
  expect(new Set(written).size).toBe(written.length)
  for (const uuid of written) expect(uuid).toMatch(form)
  expect(written.toSorted()).toEqual(written)
})

it('writers share nothing, and neither do two moments of one', () => {
  const now = Date.now()
  const writer = new UuidWriter(4)
  const firsts = [
    next(writer, now),
    next(writer, now + 1),
    ...uuids(4, 1, now),
    ...uuids(4, 1, now),
  ]
  expect(new Set(firsts.map((uuid) => uuid.slice(0, 24))).size).toBe(4)
})

it('writes the time first in version 7', () => {
  const now = 1_700_000_000_123
  const [uuid = ''] = uuids(7, 1, now)
  expect(Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)).toBe(now)
  const [later = ''] = uuids(7, 1, now + 1)
  expect(later > uuid).toBe(true)
})
