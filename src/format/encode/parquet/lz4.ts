const LEAST_MATCH = 4
/** A block ends with literals: no match begins in its last 12 bytes or reaches into its last 5. */
const LAST_START = 12
const LAST_LITERALS = 5
const FARTHEST = 65535
const HASH_BITS = 14

/** Packs bytes as one LZ4 block (LZ4 Block Format), which Parquet calls LZ4_RAW. */
export function packLz4(data: Uint8Array): Uint8Array {
  // A page of nothing but nulls: readers ask for no bytes and take none.
  if (data.length === 0) return data
  const out = new Uint8Array(data.length + Math.ceil(data.length / 255) + 16)
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  const seen = new Int32Array(1 << HASH_BITS).fill(-1)
  let at = 0
  let from = 0

  const length = (rest: number): void => {
    let left = rest
    for (; left >= 255; left -= 255) out[at++] = 255
    out[at++] = left
  }
  const sequence = (end: number, match: number, distance: number): void => {
    const literals = end - from
    const token = at++
    out[token] = (Math.min(literals, 15) << 4) | Math.min(Math.max(match - LEAST_MATCH, 0), 15)
    if (literals >= 15) length(literals - 15)
    out.set(data.subarray(from, end), at)
    at += literals
    if (match === 0) return
    out[at++] = distance & 255
    out[at++] = distance >> 8
    if (match - LEAST_MATCH >= 15) length(match - LEAST_MATCH - 15)
  }

  const last_start = data.length - LAST_START
  for (let index = 0; index < last_start; ) {
    const four = view.getUint32(index, true)
    const slot = Math.imul(four, 2654435761) >>> (32 - HASH_BITS)
    const earlier = seen[slot] as number
    seen[slot] = index
    if (earlier < 0 || index - earlier > FARTHEST || view.getUint32(earlier, true) !== four) {
      index++
      continue
    }
    let match = LEAST_MATCH
    const most = data.length - LAST_LITERALS - index
    while (match < most && data[earlier + match] === data[index + match]) match++
    sequence(index, match, index - earlier)
    index += match
    from = index
  }
  sequence(data.length, 0, 0)
  return out.subarray(0, at)
}
