import type { ByteBuffer } from '../byte-buffer.ts'

/** Values of a bit-packed run come in groups of so many. */
const GROUP = 8
/** Wider numbers would not fit into the accumulator beside the bits that are left of a byte. */
export const WIDEST = 24

/** Bits that the numbers up to `most` need. */
export const widthFor = (most: number): number => 32 - Math.clz32(most)

/**
 * Writes numbers of `width` bits as runs of one number and runs packed bit by bit (parquet-format, Encodings.md,
 * "Run Length Encoding / Bit-Packing Hybrid"), from `from` to `to`.
 */
export function writeHybrid(
  out: ByteBuffer,
  numbers: Uint8Array | Uint32Array,
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
): void {
  let at = from
  let packed = from
  while (at < to) {
    const number = numbers[at]
    let end = at + 1
    while (end < to && numbers[end] === number) end++
    // Packed runs hold whole groups, but for the last one: they take what they lack from this run.
    const lacking = (GROUP - ((at - packed) % GROUP)) % GROUP
    if (end - at - lacking >= GROUP) {
      writePacked(out, numbers, { from: packed, to: at + lacking, width })
      writeRun(out, number as number, end - at - lacking, width)
      packed = end
    }
    at = end
  }
  writePacked(out, numbers, { from: packed, to, width })
}

/** Writes one number `times` times. */
export function writeRun(out: ByteBuffer, number: number, times: number, width: number): void {
  if (times === 0) return
  out.room(9)
  writeVarint(out, times * 2)
  for (let bits = 0; bits < width; bits += 8) out.bytes[out.at++] = number >>> bits
}

function writePacked(
  out: ByteBuffer,
  numbers: Uint8Array | Uint32Array,
  { from, to, width }: { readonly from: number; readonly to: number; readonly width: number },
): void {
  if (from === to) return
  const groups = Math.ceil((to - from) / GROUP)
  out.room(5 + groups * width)
  writeVarint(out, groups * 2 + 1)
  const { bytes } = out
  let { at } = out
  const end = at + groups * width
  let held = 0
  let bits = 0
  for (let index = from; index < to; index++) {
    held |= (numbers[index] as number) << bits
    bits += width
    while (bits >= 8) {
      bytes[at++] = held
      held >>>= 8
      bits -= 8
    }
  }
  if (bits > 0) bytes[at++] = held
  bytes.fill(0, at, end)
  out.at = end
}

function writeVarint(out: ByteBuffer, value: number): void {
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) out.bytes[out.at++] = (rest & 0x7f) | 0x80
  out.bytes[out.at++] = rest
}
