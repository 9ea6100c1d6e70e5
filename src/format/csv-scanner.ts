import type { FormatSettings } from '../core/settings.ts'
import type { Problem } from './json-scanner.ts'

export type CsvSettings = Extract<FormatSettings, { type: 'csv' | 'auto' }>

const LF = 0x0a
const CR = 0x0d
/** Most bytes a character takes. */
const WIDEST = 4

/** What a file may be before it has to have shown a line break. */
const BREAK_SAMPLE = 1 << 16

/**
 * What breaks the lines of a text, by its first bytes: `\r` only where they have no `\n` at all.
 * Undefined while there are too few of them to tell; `last`: nothing follows.
 */
export function lineBreakOf(head: Uint8Array, last: boolean): number | undefined {
  const sample = head.subarray(0, BREAK_SAMPLE)
  if (sample.includes(LF)) return LF
  if (!last && sample.length < BREAK_SAMPLE) return undefined
  return sample.includes(CR) ? CR : LF
}

/** How a field of the last record was written. */
export const UNQUOTED = 0
export const QUOTED = 1
/** Quoted, and an escape stands in it. */
export const ESCAPED = 2

/** What `scan` returns where there is no end of a record. */
export const INCOMPLETE = -1
export const BAD = -2

/**
 * Finds the fields of one record at a time. Positions are bytes; a delimiter, quote or escape beyond
 * ASCII is its UTF-8 sequence. A quote inside a field that does not begin with one is text.
 */
export class RecordScanner {
  /** Fields of the last record; those beyond `expected` are counted, not kept. */
  count = 0
  start = new Float64Array(64)
  end = new Float64Array(64)
  how = new Uint8Array(64)
  /** Line breaks inside the record. */
  breaks = 0
  /** Whether a byte beyond ASCII stands in it. */
  beyond_ascii = false
  /** Whether scanning ended inside quotes; told where it returned `INCOMPLETE`. */
  in_quotes = false
  problem: Problem | undefined
  /** `\n`, or `\r` for files that have no other line break. */
  line_break = LF
  /** Nothing follows the bytes given. */
  last = false
  /** Fields a record should have. */
  expected = Number.POSITIVE_INFINITY

  readonly delimiter: Uint8Array
  readonly quote: Uint8Array
  readonly escape: Uint8Array

  constructor(settings: Pick<CsvSettings, 'delimiter' | 'quote' | 'escape'>) {
    this.delimiter = Buffer.from(settings.delimiter)
    this.quote = Buffer.from(settings.quote)
    this.escape = Buffer.from(settings.escape)
  }

  /**
   * Scans the record at `from`. Returns the position after its line break; `INCOMPLETE` where `limit`
   * comes first; `BAD` with `problem` set where quotes are not closed properly, or where it has too
   * many fields already and would go on over another line (a stray quote would swallow the file).
   */
  scan(b: Uint8Array, from: number, limit: number): number {
    const { delimiter, quote, line_break, expected } = this
    const escaping = this.escape
    const d0 = delimiter[0] as number
    const q0 = quote[0] as number
    const e0 = escaping[0] as number
    // Two characters beyond ASCII may begin with the same byte.
    const doubled = Buffer.compare(quote, escaping) === 0
    const wide = delimiter.length + quote.length + escaping.length > 3
    const d_length = delimiter.length
    const q_length = quote.length
    this.problem = undefined
    this.breaks = 0
    let high = 0
    let count = 0
    let p = from
    for (;;) {
      let begin = p
      let stop: number
      let how = UNQUOTED
      if (p < limit && b[p] === q0 && (!wide || matches(b, p, quote))) {
        how = QUOTED
        p += q_length
        begin = p
        for (;;) {
          if (p >= limit) return this.stopped(true)
          const c = b[p] as number
          if (c === e0 && (!wide || matches(b, p, escaping))) {
            const next = p + escaping.length
            if (next >= limit || (wide && !this.last && next + WIDEST > limit)) {
              return this.stopped(true)
            }
            if (startsWith(b, next, quote)) {
              how = ESCAPED
              p = next + q_length
              continue
            }
            if (!doubled && startsWith(b, next, escaping)) {
              how = ESCAPED
              p = next + escaping.length
              continue
            }
          }
          if (c === q0 && (!wide || matches(b, p, quote))) {
            // A doubled quote is one quote under every escape: text after a quote means nothing else.
            const next = p + q_length
            if (next >= limit || (wide && !this.last && next + WIDEST > limit)) {
              return this.stopped(true)
            }
            if (!startsWith(b, next, quote)) break
            how = ESCAPED
            p = next + q_length
            continue
          }
          if (c === line_break) {
            if (count >= expected) return this.tooMany(count + 1)
            this.breaks++
          }
          high |= c
          p++
        }
        stop = p
        p += q_length
        const c = b[p] as number
        if (c === CR && line_break === LF && p + 1 >= limit) return this.stopped(false)
        const ends =
          c === line_break ||
          (c === CR && line_break === LF && b[p + 1] === LF) ||
          (c === d0 && (!wide || matches(b, p, delimiter)))
        if (!ends) {
          this.problem = {
            code: 'unclosed_quote',
            message: `Field ${count + 1}: text follows the closing quote.`,
          }
          return BAD
        }
        if (c === CR && c !== line_break && c !== d0) p++
      } else {
        let c = b[p] as number
        while (p < limit && c !== line_break && (c !== d0 || (wide && !matches(b, p, delimiter)))) {
          high |= c
          c = b[++p] as number
        }
        if (p >= limit) return this.stopped(false)
        stop = p
        if (c === LF && stop > begin && b[stop - 1] === CR) stop--
      }
      if (count < expected) {
        if (count === this.how.length) this.grow()
        this.start[count] = begin
        this.end[count] = stop
        this.how[count] = how
      }
      count++
      if (b[p] === line_break) break
      p += d_length
    }
    this.count = count
    this.beyond_ascii = high >= 0x80
    return p + 1
  }

  /** The text of a field of the last record: quotes taken off, escapes resolved. */
  bytesOf(b: Uint8Array, field: number): Uint8Array {
    const start = this.start[field] as number
    const end = this.end[field] as number
    if (this.how[field] !== ESCAPED) return b.subarray(start, end)
    const { quote } = this
    const escaping = this.escape
    const out = new Uint8Array(end - start)
    let length = 0
    for (let p = start; p < end; ) {
      // An escape takes its place only before a quote or itself; elsewhere it is text.
      if (startsWith(b, p, escaping) && p + escaping.length < end) {
        const next = p + escaping.length
        const what = startsWith(b, next, quote)
          ? quote
          : startsWith(b, next, escaping)
            ? escaping
            : null
        if (what !== null) {
          out.set(what, length)
          length += what.length
          p = next + what.length
          continue
        }
      }
      if (startsWith(b, p, quote)) {
        out.set(quote, length)
        length += quote.length
        p += 2 * quote.length
        continue
      }
      out[length++] = b[p++] as number
    }
    return out.subarray(0, length)
  }

  private stopped(in_quotes: boolean): number {
    this.in_quotes = in_quotes
    return INCOMPLETE
  }

  private tooMany(count: number): number {
    this.problem = {
      code: 'wrong_field_count',
      message: `The record has ${count} or more fields; the header has ${this.expected}.`,
    }
    return BAD
  }

  private grow(): void {
    const size = this.how.length * 2
    const copy = <A extends Float64Array | Uint8Array>(grown: A, old: A): A => {
      grown.set(old)
      return grown
    }
    this.start = copy(new Float64Array(size), this.start)
    this.end = copy(new Float64Array(size), this.end)
    this.how = copy(new Uint8Array(size), this.how)
  }
}

/** Whether the rest of a sequence follows its first byte, which is already known to be at `p`. */
function matches(b: Uint8Array, p: number, sequence: Uint8Array): boolean {
  for (let at = 1; at < sequence.length; at++) if (b[p + at] !== sequence[at]) return false
  return true
}

function startsWith(b: Uint8Array, p: number, sequence: Uint8Array): boolean {
  return b[p] === sequence[0] && matches(b, p, sequence)
}
