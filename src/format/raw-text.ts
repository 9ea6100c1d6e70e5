import { isUtf8 } from 'node:buffer'
import { utf8Length } from './json-text.ts'

/** A refused row is kept up to this many bytes. */
export const MAX_RAW_BYTES = 8192

/**
 * Bytes as text for a reject: what is not UTF-8 becomes `\xNN`. Longer ones are cut, and the text
 * then ends with how many bytes there were; `total` is that number where `bytes` is cut already.
 */
export function rawText(bytes: Uint8Array, total = bytes.length): string {
  if (total <= MAX_RAW_BYTES) return readable(bytes)
  let end = Math.min(bytes.length, MAX_RAW_BYTES)
  // Not in the middle of a character.
  for (let back = 0; back < 3 && end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80; back++) end--
  return `${readable(bytes.subarray(0, end))}… (${total} bytes)`
}

/** A row that is too long to be held: how many bytes it has so far, and the first of them. */
export class LongRow {
  bytes = 0
  private head = Buffer.alloc(0)

  add(piece: Uint8Array): void {
    this.bytes += piece.length
    // Some more than are shown, so that the cut can be told from the middle of a character.
    const room = MAX_RAW_BYTES + 4 - this.head.length
    if (room > 0) this.head = Buffer.concat([this.head, piece.subarray(0, room)])
  }

  get raw(): string {
    return rawText(this.head, this.bytes)
  }
}

function readable(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (isUtf8(buffer)) return buffer.toString()
  let text = ''
  let good = 0
  for (let at = 0; at < buffer.length; ) {
    const length = (buffer[at] as number) < 0x80 ? 1 : utf8Length(buffer, at)
    if (length === 0) {
      text += `${buffer.toString('utf8', good, at)}\\x${hex(buffer[at] as number)}`
      good = ++at
    } else at += length
  }
  return text + buffer.toString('utf8', good)
}

const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, '0')

/** Position of the first byte that is not UTF-8, or -1. */
export function invalidUtf8(bytes: Uint8Array): number {
  if (isUtf8(bytes)) return -1
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at] as number) < 0x80 ? 1 : utf8Length(bytes, at)
    if (length === 0) return at
    at += length
  }
  return -1
}
