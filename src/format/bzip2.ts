import bitIterator from 'unbzip2-stream/lib/bit_iterator.js'
import bzip2 from 'unbzip2-stream/lib/bzip2.js'

/** A block is at most this long compressed, per 100 kB of block size, and decoded only when it is all there. */
const BLOCK_INPUT = 100_000
const BLOCK_SLACK = 25_000
const OUTPUT = 1 << 16

/**
 * Expands bzip2, several streams one after another included. The package's own stream gathers a
 * whole block in an array, and 45 MB can come out of 40 bytes; here it leaves in pieces, and
 * `limit` throws before more than it allows has been made.
 */
export async function* expandBzip2(
  input: AsyncIterable<Uint8Array>,
  limit: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  const queue: Uint8Array[] = []
  let received = 0
  let block_size = 0
  let crc: number | null = null
  let bits: ReturnType<typeof bitIterator> | undefined
  const work = new Map<number, Int32Array>()

  /** Decodes one header, block or trailer; yields what came out of it. */
  function step(reader: ReturnType<typeof bitIterator>): Uint8Array[] {
    if (block_size === 0) {
      block_size = bzip2.header(reader)
      crc = 0
      return []
    }
    const size = 100_000 * block_size
    const buffer = work.get(block_size) ?? new Int32Array(size)
    work.set(block_size, buffer.fill(0))
    const out: Uint8Array[] = []
    let piece = new Uint8Array(OUTPUT)
    let length = 0
    crc = bzip2.decompress(
      reader,
      (byte) => {
        if (length === OUTPUT) {
          limit(length)
          out.push(piece)
          piece = new Uint8Array(OUTPUT)
          length = 0
        }
        piece[length++] = byte
      },
      buffer,
      size,
      crc ?? 0,
    )
    if (crc === null) block_size = 0
    limit(length)
    out.push(piece.subarray(0, length))
    return out
  }

  for await (const chunk of input) {
    if (chunk.length === 0) continue
    queue.push(chunk)
    received += chunk.length
    bits ??= bitIterator(() => queue.shift())
    while (received - bits.bytesRead >= BLOCK_SLACK + BLOCK_INPUT * Math.max(block_size, 1)) {
      yield* step(bits)
    }
  }
  while (bits !== undefined && received > bits.bytesRead) yield* step(bits)
  if (crc !== null || block_size !== 0) throw new Error('the bzip2 data ends too early')
}
