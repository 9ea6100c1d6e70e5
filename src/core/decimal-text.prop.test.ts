import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareDecimals, decimalText, scaled, scaleOf, unscaled } from './decimal-text.ts'

it.each([
  ['1', '1'],
  ['+1.50', '1.5'],
  ['-0.0', '0'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['007', '7'],
  ['1e3', '1000'],
  ['1.25e-4', '0.000125'],
  ['12.5E1', '125'],
  ['0x1f', '31'],
  ['.', undefined],
  ['', undefined],
  ['1e999', undefined],
  ['.inf', undefined],
  ['1_000', undefined],
])('%s is %s', (written, text) => {
  expect(decimalText(written)).toBe(text)
})

const parts = fc.record({
  count: fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
  scale: fc.integer({ min: 0, max: 20 }),
})

it('writes what it reads', () => {
  fc.assert(
    fc.property(parts, ({ count, scale }) => {
      const text = decimalText(unscaled(count, scale))
      expect(text).toBeDefined()
      expect(scaleOf(text ?? '')).toBeLessThanOrEqual(scale)
      expect(scaled(text ?? '', scale)).toBe(count)
    }),
  )
})

it('compares as numbers do', () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const exact = a.count * 10n ** BigInt(b.scale) - b.count * 10n ** BigInt(a.scale)
      const compared = compareDecimals(
        decimalText(unscaled(a.count, a.scale)) ?? '',
        decimalText(unscaled(b.count, b.scale)) ?? '',
      )
      expect(Math.sign(compared)).toBe(exact > 0n ? 1 : exact < 0n ? -1 : 0)
    }),
  )
})
