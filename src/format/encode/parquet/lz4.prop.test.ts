import fc from 'fast-check'
import { decompressLz4Raw } from 'hyparquet-compressors'
import { describe, expect, it } from 'vitest'
import { packLz4 } from './lz4.ts'

// https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md

interface Sequence {
  readonly literals: number
  /** Undefined in the last one, which has only literals. */
  readonly match: { readonly length: number; readonly distance: number } | undefined
}

/** A block taken apart as the format's description has it; throws where the block ends too early. */
function sequencesOf(block: Uint8Array): Sequence[] {
  const found: Sequence[] = []
  let at = 0
  const byte = () => {
    const value = block[at++]
    if (value === undefined) throw new Error('the block ends within a sequence')
    return value
  }
  const length = (nibble: number) => {
    let sum = nibble
    if (nibble === 15) for (let more = 255; more === 255; sum += more) more = byte()
    return sum
  }
  for (;;) {
    const token = byte()
    const literals = length(token >> 4)
    at += literals
    if (at > block.length) throw new Error('the block ends within literals')
    if (at === block.length) return [...found, { literals, match: undefined }]
    const distance = byte() + byte() * 256
    found.push({ literals, match: { length: length(token & 15) + 4, distance } })
  }
}

/** Of few different bytes, with repetitions near and far, and runs that take several bytes of length. */
const text = fc.oneof(
  fc.uint8Array({ maxLength: 2000 }),
  fc.array(fc.constantFrom(97, 98), { maxLength: 2000 }).map((bytes) => Uint8Array.from(bytes)),
  fc
    .array(
      fc.record({
        piece: fc.uint8Array({ minLength: 1, maxLength: 40 }),
        times: fc.constantFrom(1, 2, 7, 100, 3000),
      }),
      { maxLength: 6 },
    )
    .chain((pieces) =>
      // The same piece comes back behind others.
      fc.constantFrom([...pieces, ...pieces], pieces),
    )
    .map((pieces) =>
      Buffer.concat(pieces.flatMap(({ piece, times }) => Array(times).fill(piece) as Uint8Array[])),
    ),
)

/** Noise that the next run makes again. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 12345
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    bytes[at] = state >>> 16
  }
  return bytes
}

const unpacked = (block: Uint8Array, length: number) => Buffer.from(decompressLz4Raw(block, length))

describe('an LZ4 block', () => {
  it('is what another reader makes the same bytes of', () => {
    fc.assert(
      fc.property(text, (data) => {
        expect(unpacked(packLz4(data), data.length).equals(data)).toBe(true)
      }),
    )
  })

  it('keeps the rules for the end of a block', () => {
    fc.assert(
      fc.property(text, (data) => {
        if (data.length === 0) return
        const sequences = sequencesOf(packLz4(data))
        let at = 0
        for (const { literals, match } of sequences) {
          at += literals
          if (match === undefined) continue
          // "The last match must start at least 12 bytes before the end of block."
          expect(at).toBeLessThanOrEqual(data.length - 12)
          expect(match.distance).toBeGreaterThan(0)
          expect(match.distance).toBeLessThanOrEqual(Math.min(at, 65_535))
          at += match.length
          // "The last 5 bytes of input are always literals."
          expect(at).toBeLessThanOrEqual(data.length - 5)
        }
        expect(at).toBe(data.length)
      }),
    )
  })

  it('is of a view alone, whatever lies beside it', () => {
    fc.assert(
      fc.property(text, fc.nat({ max: 20 }), (data, before) => {
        const memory = Buffer.concat([Buffer.alloc(before, 1), data, Buffer.alloc(9, 2)])
        const view = memory.subarray(before, before + data.length)
        expect(Buffer.from(packLz4(view)).equals(packLz4(data))).toBe(true)
      }),
    )
  })

  it('of noise grows by a byte in 255 at most, and one more', () => {
    for (const length of [1, 14, 15, 269, 270, 100_000]) {
      const packed = packLz4(noise(length))
      // No four bytes of it come twice within reach often enough to matter.
      expect(packed.length).toBeLessThanOrEqual(length + Math.ceil(length / 255) + 1)
      expect(unpacked(packed, length).equals(noise(length))).toBe(true)
    }
  })

  it('of one byte again and again is one match, over itself', () => {
    const [first, last, ...more] = sequencesOf(packLz4(new Uint8Array(100_000)))
    expect(first).toEqual({ literals: 1, match: { distance: 1, length: 100_000 - 1 - 5 } })
    expect(last).toEqual({ literals: 5, match: undefined })
    expect(more).toEqual([])
  })

  it('reaches back 65,535 bytes and no further', () => {
    const piece = Buffer.from('a piece that comes twice')
    const packed = (between: number) => {
      const data = Buffer.concat([piece, Buffer.alloc(between - piece.length), piece, noise(20)])
      const block = packLz4(data)
      expect(unpacked(block, data.length).equals(data)).toBe(true)
      return sequencesOf(block).some(({ match }) => match?.distance === between)
    }
    expect(packed(65_535)).toBe(true)
    expect(packed(65_536)).toBe(false)
  })

  it('of nothing is nothing', () => {
    expect(packLz4(new Uint8Array(0))).toHaveLength(0)
  })

  it('of up to 12 bytes is literals alone', () => {
    for (let length = 1; length <= 12; length++)
      expect(sequencesOf(packLz4(new Uint8Array(length)))).toEqual([
        { literals: length, match: undefined },
      ])
  })
})
