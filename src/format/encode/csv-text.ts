import type { CsvDialect } from '../../core/destination/output.ts'
import type { ByteBuffer } from './byte-buffer.ts'
import { escapedCode, escapeLength, writeCodePoint } from './json-escape.ts'

const BACKSLASH = 0x5c
const DOUBLE_QUOTE = 0x22

/**
 * Writes JSON values as fields of CSV (RFC 4180): in quotes, which are doubled where they stand inside. Callers
 * make room for twice the value and the quotes.
 */
export class CsvText {
  readonly delimiter: Buffer
  readonly line_end: Buffer
  private readonly quote: Buffer
  private readonly quote_byte: number

  constructor({ delimiter, quote, line_ending }: CsvDialect) {
    this.delimiter = Buffer.from(delimiter)
    this.line_end = Buffer.from(line_ending)
    this.quote = Buffer.from(quote)
    this.quote_byte = this.quote.length === 1 ? (this.quote[0] as number) : -1
  }

  /** A text that is no JSON. */
  text(text: string, out: ByteBuffer): void {
    const bytes = Buffer.from(text)
    out.room(this.roomFor(bytes.length))
    this.bytes(bytes, 0, bytes.length, out)
  }

  /** Room that a value of so many bytes may need. */
  roomFor(bytes: number): number {
    return bytes * (this.quote.length + 1) + 2 * this.quote.length
  }

  /** JSON text as it stands. */
  bytes(b: Uint8Array, from: number, to: number, out: ByteBuffer): void {
    const start = this.open(out)
    const { bytes } = out
    const quote = this.quote_byte
    let { at } = out
    for (let p = from; p < to; p++) {
      const c = b[p] as number
      bytes[at++] = c
      if (c === quote) bytes[at++] = c
    }
    out.at = at
    this.close(out, start)
  }

  /** An object or array without the white space between its tokens. */
  compact(b: Uint8Array, from: number, to: number, out: ByteBuffer): void {
    const start = this.open(out)
    const { bytes } = out
    const quote = this.quote_byte
    let { at } = out
    let inside = false
    for (let p = from; p < to; p++) {
      const c = b[p] as number
      if (c <= 0x20 && !inside) continue
      bytes[at++] = c
      if (c === quote) bytes[at++] = c
      if (c === DOUBLE_QUOTE) inside = !inside
      else if (c === BACKSLASH) {
        // What is escaped is no end of the string.
        const escaped = b[++p] as number
        bytes[at++] = escaped
        if (escaped === quote) bytes[at++] = escaped
      }
    }
    out.at = at
    this.close(out, start)
  }

  /** What a JSON string says; `from` and `to` include its quotes. */
  string(b: Uint8Array, from: number, to: number, out: ByteBuffer): void {
    const start = this.open(out)
    const { bytes } = out
    const quote = this.quote_byte
    let { at } = out
    for (let p = from + 1; p < to - 1; p++) {
      let c = b[p] as number
      if (c === BACKSLASH) {
        c = escapedCode(b, p)
        p += escapeLength(b, p, c) - 1
        if (c >= 0x80) {
          at = writeCodePoint(bytes, at, c)
          continue
        }
      }
      bytes[at++] = c
      if (c === quote) bytes[at++] = c
    }
    out.at = at
    this.close(out, start)
  }

  private open(out: ByteBuffer): number {
    if (this.quote_byte >= 0) out.bytes[out.at++] = this.quote_byte
    else out.copy(this.quote, 0, this.quote.length)
    return out.at
  }

  private close(out: ByteBuffer, start: number): void {
    if (this.quote_byte >= 0) {
      out.bytes[out.at++] = this.quote_byte
      return
    }
    // A quote of several bytes is looked for once the field is written.
    const { quote } = this
    const field = Buffer.from(out.bytes.subarray(start, out.at))
    out.at = start
    for (let from = 0; ; ) {
      const found = field.indexOf(quote, from)
      const to = found < 0 ? field.length : found + quote.length
      out.copy(field, from, to)
      out.copy(quote, 0, quote.length)
      if (found < 0) return
      from = to
    }
  }
}
