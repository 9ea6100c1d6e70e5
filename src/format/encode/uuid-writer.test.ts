import { expect, it } from 'vitest'
import { UUID_LENGTH, UuidWriter } from './uuid-writer.ts'

function uuids(version: 4 | 7, count: number, now = Date.now()): string[] {
  const writer = new UuidWriter(version)
  const out = Buffer.alloc(UUID_LENGTH + 2, '.')
  return Array.from({ length: count }, () => {
    writer.write(out, 1, now)
    expect([out[0], out[UUID_LENGTH + 1]]).toEqual([0x2e, 0x2e])
    return out.toString('latin1', 1, UUID_LENGTH + 1)
  })
}

it.each([4, 7] as const)('writes UUIDs of version %i, no two alike', (version) => {
  // More than one draw of random bytes holds.
  const written = uuids(version, 5000)
  expect(new Set(written).size).toBe(5000)
  const form = new RegExp(
    `^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
  )
  for (const uuid of written) expect(uuid).toMatch(form)
})

it('begins those of version 7 with the time, so that they sort by it', () => {
  const now = Date.UTC(2024, 1, 29, 12)
  const [uuid = ''] = uuids(7, 1, now)
  expect(Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)).toBe(now)
  const [later = ''] = uuids(7, 1, now + 1)
  expect(later > uuid).toBe(true)
})
