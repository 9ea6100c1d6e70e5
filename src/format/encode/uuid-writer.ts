import { randomFillSync } from 'node:crypto'

/** Length of a UUID's text. */
export const UUID_LENGTH = 36

const ZERO = 0x30
const NINE = 0x39
const A = 0x61
const F = 0x66
/** Where the last of the five groups begins: the digits that count. */
const COUNTED = 24

/** A random UUID from which 2^47 can be counted up; `now` as `UuidWriter.write` has it. */
export function drawUuid(version: 4 | 7, now: number): string {
  const bytes = randomFillSync(Buffer.alloc(16))
  if (version === 7) bytes.writeUIntBE(now, 0, 6)
  bytes[6] = ((bytes[6] as number) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  // Room to count: what is counted up never goes over.
  bytes[10] = (bytes[10] as number) & 0x7f
  return bytes.toString('hex').replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/**
 * Writes UUIDs as text (RFC 9562 §4). One is drawn at random for each millisecond that is told, and those after it
 * are counted up from it (§6.2, "Monotonic Random"): no two writers meet, as 74 bits stay as they were drawn, and
 * rows one after the other differ in a digit or two, so that a column of them takes next to no room. Random ones
 * cannot be compressed, and are a quarter of a compressed object.
 */
export class UuidWriter {
  /** The next one. */
  private readonly text = new Uint8Array(UUID_LENGTH)
  private drawn_for = -1
  private readonly version: 4 | 7

  constructor(version: 4 | 7) {
    this.version = version
  }

  /** Writes one at `at`; `now`, milliseconds since 1970, is what version 7 begins with (RFC 9562 §5.7). */
  write(out: Uint8Array, at: number, now: number): void {
    const text = this.next(now)
    for (let place = 0; place < UUID_LENGTH; place++) out[at + place] = text[place] as number
    this.count()
  }

  /** The one that `write` would write, in its own memory: whoever writes it counts it up. */
  next(now: number): Uint8Array {
    if (now !== this.drawn_for) this.draw(now)
    return this.text
  }

  private draw(now: number): void {
    this.text.set(Buffer.from(drawUuid(this.version, now), 'latin1'))
    this.drawn_for = now
  }

  private count(): void {
    const { text } = this
    for (let place = UUID_LENGTH - 1; place >= COUNTED; place--) {
      const digit = text[place] as number
      if (digit !== F) {
        text[place] = digit === NINE ? A : digit + 1
        return
      }
      text[place] = ZERO
    }
  }
}
