import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import {
  BAD,
  type CsvSettings,
  ESCAPED,
  INCOMPLETE,
  lineBreakOf,
  QUOTED,
  RecordScanner,
  UNQUOTED,
} from './csv-scanner.ts'
import { foldCase } from './field-table.ts'
import { FileSink } from './file-sink.ts'
import type { Field, Gate, GateOptions, PassedObject, StagedObject } from './format.ts'
import type { Problem } from './json-scanner.ts'
import { show } from './json-scanner.ts'
import { invalidUtf8, MAX_RAW_BYTES, rawText } from './raw-text.ts'
import { Refusal, settle } from './refusal.ts'
import { openText } from './text-source.ts'
import { NOT_IN_ENCODING } from './transcode.ts'

const LF = 0x0a
const CR = 0x0d
const COMMA = 0x2c
const QUOTE = 0x22
const BUFFER = 1 << 20
const MAX_COLUMNS = 10_000

/**
 * The gate for CSV: every record that is whole is written to a canonical file, without a header:
 * the physical line on which the record starts, then each field, quoted, or nothing for null.
 *
 * A bad line refuses one row. A record that cannot be completed (its quote is never closed, or has text
 * after it, or it has too many fields and would go on over another line, or `max_row_bytes` is reached
 * inside quotes) is refused as its first physical line alone, and reading goes on with the next one.
 */
export const csvGate: Gate = (object, options) => settle(() => passCsv(object, options))

async function passCsv(object: StagedObject, options: GateOptions): Promise<PassedObject> {
  const { settings } = options
  if (settings.type !== 'csv' && settings.type !== 'auto') throw new Error('not CSV')
  const text = await openText(object, settings, 'CSV')
  const pass = new CsvPass(options, settings)
  return await pass.run(
    text.read({
      max_expanded_bytes: settings.max_expanded_bytes,
      progress: options.progress,
      signal: options.signal,
    }),
  )
}

class CsvPass {
  private readonly options: GateOptions
  private readonly settings: CsvSettings
  private readonly scanner: RecordScanner
  private readonly path: string
  private readonly null_texts: readonly Uint8Array[]
  /** Fields whose quotes the scanner leaves in place are written as they stand. */
  private readonly canonical: boolean
  private sink: FileSink
  private buffer = Buffer.allocUnsafe(BUFFER)
  private used = 0
  private line_break_known = false
  /** Physical lines gone through. */
  private line = 0
  private skip: number
  private names: readonly string[] | undefined
  private nulls = new Float64Array(0)
  private rows_read = 0
  private rows_refused = 0
  private breaks = false
  /** Not to be scanned again before the buffer holds this much: keeps long records linear. */
  private wait_for = 0
  /** Bytes seen of a line that is too long to be held; 0 outside of one. */
  private long = 0
  private long_head = Buffer.alloc(0)

  constructor(options: GateOptions, settings: CsvSettings) {
    this.options = options
    this.settings = settings
    this.scanner = new RecordScanner(settings)
    this.path = join(options.dir, `${options.prefix}.csv`)
    this.null_texts = settings.null_text.map((text) => Buffer.from(text))
    this.canonical = settings.quote === '"' && settings.escape === '"'
    this.skip = settings.skip_lines
    this.sink = new FileSink(this.path)
    if (settings.header !== true) this.setHeader(settings.header)
  }

  async run(source: AsyncIterable<Uint8Array>): Promise<PassedObject> {
    let bytes = 0
    try {
      for await (const chunk of source) {
        bytes += chunk.length
        this.put(chunk)
        this.take(false)
      }
      if (bytes > 0) {
        this.line_break_known ||= this.findLineBreak(true)
        const { line_break } = this.scanner
        if (this.used > 0 ? this.buffer[this.used - 1] !== line_break : this.long > 0) {
          this.put(Buffer.of(line_break))
        }
        this.take(true)
        if (this.names === undefined) throw new Refusal('header', 'There is no header line.')
      }
    } finally {
      this.sink.close()
    }
    return {
      format: 'csv',
      path: this.path,
      rows: { by: 'column' },
      holes: false,
      marked: false,
      verbatim: false,
      records: this.rows_read - this.rows_refused,
      longest_record: this.sink.longest,
      breaks_in_fields: this.breaks,
      rows_read: this.rows_read,
      rows_refused: this.rows_refused,
      fields: this.fields(),
      notes: [],
    }
  }

  private put(chunk: Uint8Array): void {
    if (this.used + chunk.length > this.buffer.length) {
      const size = Math.max(this.buffer.length * 2, this.used + chunk.length)
      const grown = Buffer.allocUnsafe(size)
      grown.set(this.buffer.subarray(0, this.used))
      this.buffer = grown
    }
    this.buffer.set(chunk, this.used)
    this.used += chunk.length
  }

  private findLineBreak(last: boolean): boolean {
    const found = lineBreakOf(this.buffer.subarray(0, this.used), last)
    if (found !== undefined) this.scanner.line_break = found
    return found !== undefined
  }

  /** Takes the whole records in the buffer; what is left moves to its front. `last`: nothing follows. */
  private take(last: boolean): void {
    this.line_break_known ||= this.findLineBreak(last)
    this.scanner.last = last
    if (!this.line_break_known || (!last && this.used < this.wait_for)) return
    const at = this.takeRecords(last)
    this.buffer.copyWithin(0, at, this.used)
    this.used -= at
    this.wait_for = Math.min(2 * this.used, this.settings.max_row_bytes + 2)
  }

  private takeRecords(last: boolean): number {
    const { buffer, scanner, settings } = this
    const { line_break } = scanner
    const limit = this.used
    let at = 0
    while (at < limit) {
      if (this.long > 0) {
        const end = buffer.indexOf(line_break, at)
        if (end < 0 || end >= limit) {
          this.long += limit - at
          return limit
        }
        this.refuseLine(at, end, limit)
        at = end + 1
        continue
      }
      if (this.skip > 0) {
        const end = buffer.indexOf(line_break, at)
        if (end < 0 || end >= limit) {
          if (limit - at <= settings.max_row_bytes) return at
          throw new Refusal('header', 'A line to be passed over is longer than max_row_bytes.')
        }
        this.skip--
        this.line++
        at = end + 1
        continue
      }
      if (this.names !== undefined) {
        const blank = blankEnd(buffer, at, scanner)
        if (blank >= 0 && blank < limit) {
          this.line++
          at = blank + 1
          continue
        }
      }
      const end = scanner.scan(buffer, at, limit)
      // Whether a record that is too long came whole is a matter of how the file was cut.
      const overlong = end > 0 && scanner.breaks > 0 && this.isTooLong(at, end)
      if (end === INCOMPLETE || (overlong && this.names !== undefined)) {
        const too_long = overlong || limit - at > settings.max_row_bytes + 1
        if (!last && !too_long) return at
        if (this.names === undefined) {
          throw new Refusal('header', 'The header line is not complete: a quote is not closed.')
        }
        const line_end = buffer.indexOf(line_break, at)
        if (line_end < 0 || line_end >= limit) {
          this.long_head = Buffer.from(buffer.subarray(at, at + MAX_RAW_BYTES + 4))
          this.long = limit - at
          return limit
        }
        scanner.problem = {
          code: 'unclosed_quote',
          message: too_long
            ? `A quote is not closed within ${settings.max_row_bytes} bytes (max_row_bytes).`
            : 'A quote is not closed before the end of the file.',
        }
        this.refuseLine(at, line_end, limit)
        at = line_end + 1
        continue
      }
      if (this.names === undefined) {
        this.readHeader(buffer, at, end)
        at = end
        continue
      }
      if (end === BAD) {
        const line_end = buffer.indexOf(line_break, at)
        // The record can be bad before its first line is all there.
        if (line_end < 0 || line_end >= limit) {
          if (!last && limit - at <= settings.max_row_bytes + 1) return at
          this.long_head = Buffer.from(buffer.subarray(at, at + MAX_RAW_BYTES + 4))
          this.long = limit - at
          return limit
        }
        this.refuseLine(at, line_end, limit)
        at = line_end + 1
        continue
      }
      this.takeRecord(at, end)
      at = end
    }
    return at
  }

  /** Whether the record from `at` to the position after its line break is longer than a row may be. */
  private isTooLong(at: number, end: number): boolean {
    const returned = this.buffer[end - 2] === CR ? 1 : 0
    return end - 1 - at - returned > this.settings.max_row_bytes
  }

  private takeRecord(at: number, end: number): void {
    const { buffer, scanner } = this
    const row = this.line + 1
    this.line += 1 + scanner.breaks
    this.rows_read++
    let problem: Problem | undefined
    if (this.isTooLong(at, end)) {
      problem = this.tooLong(end - 1 - at)
    } else if (scanner.beyond_ascii && !isUtf8(buffer.subarray(at, end))) {
      problem = this.notUtf8(at, end)
    } else if (scanner.count !== scanner.expected) {
      problem = {
        code: 'wrong_field_count',
        message: `The record has ${scanner.count} ${scanner.count === 1 ? 'field' : 'fields'}; the header has ${scanner.expected}.`,
      }
    }
    if (problem === undefined) {
      this.write(row)
      if (scanner.breaks > 0) this.breaks = true
    } else {
      this.rows_refused++
      this.options.refuse({ row, ...problem, raw: this.raw(at, end - 1) })
    }
  }

  /** Refuses one physical line, for `scanner.problem` or because it is too long. */
  private refuseLine(at: number, line_end: number, limit: number): void {
    const { buffer, scanner } = this
    if (line_end >= limit) throw new Error('a line to be refused is not complete')
    this.line++
    this.rows_read++
    this.rows_refused++
    if (this.long > 0) {
      const total = this.long + line_end - at
      this.long = 0
      const raw = rawText(this.long_head, total)
      this.options.refuse({ row: this.line, ...this.tooLong(total), raw })
      return
    }
    const problem =
      line_end - at > this.settings.max_row_bytes + 1
        ? this.tooLong(line_end - at)
        : invalidUtf8(buffer.subarray(at, line_end)) >= 0
          ? this.notUtf8(at, line_end)
          : scanner.problem
    if (problem === undefined) throw new Error('a line was refused without a reason')
    this.options.refuse({ row: this.line, ...problem, raw: this.raw(at, line_end) })
  }

  private tooLong(bytes: number): Problem {
    const { max_row_bytes } = this.settings
    return {
      code: 'line_too_long',
      message: `The record has ${bytes} bytes; max_row_bytes allows ${max_row_bytes}.`,
    }
  }

  private notUtf8(at: number, end: number): Problem {
    const bytes = this.buffer.subarray(at, end)
    const place = bytes[0] === NOT_IN_ENCODING ? -1 : invalidUtf8(bytes)
    return {
      code: 'invalid_utf8',
      message:
        place < 0 || this.settings.encoding.toLowerCase().replace('-', '') !== 'utf8'
          ? `The record is not in the declared encoding, ${this.settings.encoding}.`
          : `Byte ${place + 1} is not UTF-8.`,
    }
  }

  private raw(at: number, end: number): string {
    const cut = end > at && this.buffer[end - 1] === CR ? end - 1 : end
    const marked = this.buffer[at] === NOT_IN_ENCODING && this.settings.encoding !== 'utf-8'
    return rawText(this.buffer.subarray(marked ? at + 1 : at, cut))
  }

  private readHeader(buffer: Buffer, at: number, end: number): void {
    const { scanner } = this
    if (end === BAD)
      throw new Refusal('header', `The header is broken. ${scanner.problem?.message}`)
    if (!isUtf8(buffer.subarray(at, end))) {
      throw new Refusal('encoding', `The header is not in ${this.settings.encoding}.`)
    }
    const names: string[] = []
    for (let field = 0; field < Math.min(scanner.count, MAX_COLUMNS + 1); field++) {
      names.push(Buffer.from(scanner.bytesOf(buffer, field)).toString())
    }
    this.line += 1 + scanner.breaks
    this.setHeader(names)
  }

  private setHeader(names: readonly string[]): void {
    if (names.length > MAX_COLUMNS) {
      throw new Refusal('header', `The header names more than ${MAX_COLUMNS} columns.`)
    }
    if (names.length === 1 && (names[0] as string).trim() === '') {
      throw new Refusal('header', 'The header line is empty (skip_lines passes over lines).')
    }
    const seen = new Set<string>()
    for (const [at, name] of names.entries()) {
      if (name === '') throw new Refusal('header', `Column ${at + 1} of the header has no name.`)
      if (name.includes('\0')) {
        throw new Refusal('header', `The name of column ${at + 1} of the header holds U+0000.`)
      }
      const folded = foldCase(name)
      if (seen.has(folded)) {
        throw new Refusal(
          'header',
          `The header names ${show(name)} twice (case is not told apart).`,
        )
      }
      seen.add(folded)
    }
    this.names = names
    this.nulls = new Float64Array(names.length)
    this.scanner.expected = names.length
  }

  private write(row: number): void {
    const { buffer, scanner, sink, nulls, canonical } = this
    const { count, how, start, end, quote } = scanner
    const content = (end[count - 1] as number) - (start[0] as number)
    // Every byte may be a quote to be doubled; three more for each field, and the row's number.
    const most = 2 * content + 3 * count + 24
    const { bytes, at } = sink.reserve(most)
    let used = writeNumber(bytes, at, row)
    for (let field = 0; field < count; field++) {
      const from = start[field] as number
      const to = end[field] as number
      const written = how[field] as number
      bytes[used++] = COMMA
      if (written === UNQUOTED && this.isNull(from, to)) {
        nulls[field] = (nulls[field] as number) + 1
        continue
      }
      bytes[used++] = QUOTE
      const as_is = canonical ? written !== UNQUOTED : written === QUOTED && quote[0] === QUOTE
      if (as_is && to - from > 64) {
        bytes.set(buffer.subarray(from, to), used)
        used += to - from
      } else if (as_is) {
        for (let p = from; p < to; p++) bytes[used++] = buffer[p] as number
      } else if (written === ESCAPED) {
        for (const c of scanner.bytesOf(buffer, field)) {
          if (c === QUOTE) bytes[used++] = QUOTE
          bytes[used++] = c
        }
      } else {
        for (let p = from; p < to; p++) {
          const c = buffer[p] as number
          if (c === QUOTE) bytes[used++] = QUOTE
          bytes[used++] = c
        }
      }
      bytes[used++] = QUOTE
    }
    bytes[used++] = LF
    sink.commit(used - at)
    sink.record(used - at)
  }

  private isNull(from: number, to: number): boolean {
    for (const text of this.null_texts) {
      if (text.length !== to - from) continue
      let at = 0
      while (at < text.length && this.buffer[from + at] === text[at]) at++
      if (at === text.length) return true
    }
    return false
  }

  private fields(): Field[] {
    const passed = this.rows_read - this.rows_refused
    return (this.names ?? []).map((name, at) => ({
      name,
      strings: passed - (this.nulls[at] as number),
      integers: 0,
      numbers: 0,
      booleans: 0,
      nulls: this.nulls[at] as number,
      nested: 0,
      long_integers: 0,
    }))
  }
}

/** Position of the line break that ends a blank line at `at`, or -1; delimiters are not blank. */
function blankEnd(b: Uint8Array, at: number, scanner: RecordScanner): number {
  const { delimiter, quote, line_break } = scanner
  let p = at
  for (;;) {
    const c = b[p] as number
    if (c === line_break) return p
    if (c !== 0x20 && c !== 0x09 && c !== CR) return -1
    if (c === delimiter[0] || c === quote[0]) return -1
    p++
  }
}

/** Writes a whole number in digits; returns the position after it. */
function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  let size = 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) size++
  let rest = value
  for (let p = at + size - 1; p >= at; p--) {
    const tenth = Math.floor(rest / 10)
    bytes[p] = 0x30 + rest - tenth * 10
    rest = tenth
  }
  return at + size
}
