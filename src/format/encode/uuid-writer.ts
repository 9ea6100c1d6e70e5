import { randomFillSync } from 'node:crypto'

/** Length of a UUID's text. */
export const UUID_LENGTH = 36

const POOL_BYTES = 1 << 15
/** For a byte its two hexadecimal digits. */
const HIGH = new Uint8Array(256).map((_, byte) => (byte >> 4).toString(16).charCodeAt(0))
const LOW = new Uint8Array(256).map((_, byte) => (byte & 15).toString(16).charCodeAt(0))
/** Where the digits of each byte stand (RFC 9562 §4). */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]

/** Writes random UUIDs as text, many at a time from one draw of random bytes. */
export class UuidWriter {
  private readonly pool = new Uint8Array(POOL_BYTES)
  private used = POOL_BYTES
  private readonly version: 4 | 7

  constructor(version: 4 | 7) {
    this.version = version
  }

  /** Writes one at `at`; `now`, milliseconds since 1970, is what version 7 begins with (RFC 9562 §5.7). */
  write(out: Uint8Array, at: number, now: number): void {
    const { pool } = this
    if (this.used === POOL_BYTES) {
      randomFillSync(pool)
      this.used = 0
    }
    const from = this.used
    this.used += 16
    if (this.version === 7) {
      const high = Math.floor(now / 0x1_0000)
      pool[from] = high >>> 24
      pool[from + 1] = high >>> 16
      pool[from + 2] = high >>> 8
      pool[from + 3] = high
      pool[from + 4] = (now % 0x1_0000) >>> 8
      pool[from + 5] = now % 0x100
    }
    pool[from + 6] = ((pool[from + 6] as number) & 0x0f) | (this.version << 4)
    pool[from + 8] = ((pool[from + 8] as number) & 0x3f) | 0x80
    for (let byte = 0; byte < 16; byte++) {
      const value = pool[from + byte] as number
      const place = at + (PLACES[byte] as number)
      out[place] = HIGH[value] as number
      out[place + 1] = LOW[value] as number
    }
    out[at + 8] = 0x2d
    out[at + 13] = 0x2d
    out[at + 18] = 0x2d
    out[at + 23] = 0x2d
  }
}
