import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32Combine } from './crc32-combine.ts'

const bytes = fc.uint8Array({ maxLength: 5000 })

it('gives the CRC of two texts one after the other', () => {
  fc.assert(
    fc.property(bytes, bytes, (first, second) => {
      const whole = crc32(Buffer.concat([first, second]))
      expect(crc32Combine(crc32(first), crc32(second), second.length)).toBe(whole)
    }),
  )
})

it('holds for lengths beyond 32 bits, by adding zeros in steps', () => {
  const zeros = Buffer.alloc(1 << 20)
  const step = crc32(zeros)
  // 2^33 bytes, doubled from 2^20.
  let crc = step
  let length = zeros.length
  while (length < 2 ** 33) {
    crc = crc32Combine(crc, crc, length)
    length *= 2
  }
  let slow = 0
  for (let done = 0; done < 64; done++) slow = crc32(zeros, slow)
  let fast = 0
  for (let done = 0; done < 64; done++) fast = crc32Combine(fast, step, zeros.length)
  expect(fast).toBe(slow)
  expect(crc32Combine(0x12345678, crc, length)).toBe(
    crc32Combine(
      crc32Combine(0x12345678, crc32Combine(step, 0, 0), 1 << 20),
      crcOfRest(step),
      length - (1 << 20),
    ),
  )
})

/** CRC of 2^33 - 2^20 zeros, by halves. */
function crcOfRest(step: number): number {
  let crc = 0
  let rest = 2 ** 33 - 2 ** 20
  let block = step
  let size = 1 << 20
  while (rest > 0) {
    if ((rest / size) % 2 === 1) {
      crc = crc32Combine(crc, block, size)
      rest -= size
    }
    block = crc32Combine(block, block, size)
    size *= 2
  }
  return crc
}
