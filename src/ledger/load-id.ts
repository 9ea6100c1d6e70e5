import { randomBytes } from 'node:crypto'

let last_ms = 0
let sequence = 0

/**
 * A UUID of version 7 (RFC 9562) at the given instant: unique everywhere, and the ids that one
 * process makes sort as they were made.
 */
export function newLoadId(now: Date): string {
  const ms = now.getTime()
  if (ms === last_ms) sequence++
  else {
    last_ms = ms
    // Starts low, so that the 12 bits of the counter (RFC 9562 §6.2, method 1) last for the millisecond.
    sequence = randomBytes(1)[0] ?? 0
  }
  const bytes = randomBytes(16)
  bytes.writeUIntBE(ms, 0, 6)
  bytes.writeUInt16BE(0x7000 | (sequence & 0x0fff), 6)
  bytes.writeUInt8(0x80 | ((bytes[8] ?? 0) & 0x3f), 8)
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
