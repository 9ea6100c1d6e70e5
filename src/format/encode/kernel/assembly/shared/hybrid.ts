/** Values of a bit-packed run come in groups of so many. */
const GROUP: u32 = 8

/** Bits that the numbers up to `most` need. */
export function widthFor(most: u32): u32 {
  return 32 - clz(most)
}

/** Bytes that so many numbers take at most. */
export function mostBytes(count: u32, width: u32): u32 {
  return ((count + GROUP - 1) / GROUP + 1) * (width + 10)
}

/**
 * Writes the numbers from `from` to `to` of `numbers`, of `width` bits, at most 32, as runs of one number and runs packed
 * bit by bit (parquet-format, Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"); returns where they end.
 */
export function writeHybrid<T>(out: usize, numbers: usize, from: u32, to: u32, width: u32): usize {
  let place = out
  let at = from
  let unwritten = from
  while (at < to) {
    const number = number_<T>(numbers, at)
    let end = at + 1
    while (end < to && number_<T>(numbers, end) === number) end++
    // Packed runs hold whole groups, but for the last one: they take what they lack from this run.
    const lacking = (GROUP - ((at - unwritten) % GROUP)) % GROUP
    if (end - at >= GROUP + lacking) {
      place = packed<T>(place, numbers, unwritten, at + lacking, width)
      place = writeRun(place, number, end - at - lacking, width)
      unwritten = end
    }
    at = end
  }
  return packed<T>(place, numbers, unwritten, to, width)
}

/** Writes one number `times` times; returns where it ends. */
export function writeRun(out: usize, number: u32, times: u32, width: u32): usize {
  let place = varint(out, times << 1)
  for (let bits: u32 = 0; bits < width; bits += 8) store<u8>(place++, number >>> bits)
  return place
}

function number_<T>(numbers: usize, index: u32): u32 {
  return load<T>(numbers + <usize>index * sizeof<T>())
}

function packed<T>(out: usize, numbers: usize, from: u32, to: u32, width: u32): usize {
  if (from === to) return out
  const groups = (to - from + GROUP - 1) / GROUP
  let place = varint(out, (groups << 1) | 1)
  const end = place + groups * width
  let held: u64 = 0
  let bits: u32 = 0
  for (let index = from; index < to; index++) {
    held |= (<u64>number_<T>(numbers, index)) << bits
    bits += width
    if (bits < 32) continue
    store<u32>(place, <u32>held)
    place += 4
    held >>= 32
    bits -= 32
  }
  for (; place < end; held >>= 8) store<u8>(place++, <u8>held)
  return end
}

function varint(out: usize, value: u32): usize {
  let place = out
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) store<u8>(place++, (rest & 0x7f) | 0x80)
  store<u8>(place++, rest)
  return place
}
