/** Beyond so many bytes the built-in copy is faster than a loop. */
const SHORT = 48

/** Bytes that grow at their end. Writers ask for room, then write at `at` and move it. */
export class ByteBuffer {
  bytes: Buffer<ArrayBuffer>
  /** How many bytes are written. */
  at = 0

  constructor(capacity: number) {
    this.bytes = Buffer.from(new ArrayBuffer(capacity))
  }

  get written(): Buffer<ArrayBuffer> {
    return this.bytes.subarray(0, this.at)
  }

  /** Makes sure that `size` more bytes fit. */
  room(size: number): void {
    const needed = this.at + size
    if (needed <= this.bytes.length) return
    const grown = Buffer.from(new ArrayBuffer(Math.max(needed, this.bytes.length * 2)))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  /** Copies `source` from `from` to `to`; there must be room. */
  copy(source: Uint8Array, from: number, to: number): void {
    if (to - from > SHORT) {
      this.bytes.set(source.subarray(from, to), this.at)
      this.at += to - from
      return
    }
    const { bytes } = this
    let { at } = this
    for (let p = from; p < to; p++) bytes[at++] = source[p] as number
    this.at = at
  }
}
