import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import { CanonicalCsv } from './canonical-csv.ts'
import { checkHeader, MAX_COLUMNS } from './csv-header.ts'
import { BAD, type CsvSettings, INCOMPLETE, lineBreakOf, RecordScanner } from './csv-scanner.ts'
import type { Gate, GateOptions, PassedObject, StagedObject } from './format.ts'
import type { Problem } from './json-scanner.ts'
import { invalidUtf8, LongRow, rawText } from './raw-text.ts'
import { Refusal, settle } from './refusal.ts'
import { openText } from './text-source.ts'
import { NOT_IN_ENCODING } from './transcode.ts'

const CR = 0x0d
const BUFFER = 1 << 20

/**
 * The gate for CSV: every record that is whole is written to a canonical file.
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
  private readonly out: CanonicalCsv
  private buffer = Buffer.allocUnsafe(BUFFER)
  private used = 0
  private line_break_known = false
  /** Physical lines gone through. */
  private line = 0
  private skip: number
  private names: readonly string[] | undefined
  private rows_read = 0
  private rows_refused = 0
  private breaks = false
  /** Not to be scanned again before the buffer holds this much: keeps long records linear. */
  private wait_for = 0
  /** The line that is gone through, where it is too long to be held. */
  private long: LongRow | undefined

  constructor(options: GateOptions, settings: CsvSettings) {
    this.options = options
    this.settings = settings
    this.scanner = new RecordScanner(settings)
    this.skip = settings.skip_lines
    this.out = new CanonicalCsv(join(options.dir, `${options.prefix}.csv`), settings)
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
        if (this.used > 0 ? this.buffer[this.used - 1] !== line_break : this.long !== undefined) {
          this.put(Buffer.of(line_break))
        }
        this.take(true)
        if (this.names === undefined) throw new Refusal('header', 'There is no header line.')
      }
    } finally {
      this.out.close()
    }
    return {
      format: 'csv',
      path: this.out.path,
      rows: { by: 'column' },
      holes: false,
      marked: false,
      verbatim: false,
      records: this.out.records,
      longest_record: this.out.longest,
      breaks_in_fields: this.breaks,
      rows_read: this.rows_read,
      rows_refused: this.rows_refused,
      fields: this.out.fields(this.names ?? []),
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
      if (this.long !== undefined) {
        const end = buffer.indexOf(line_break, at)
        if (end < 0 || end >= limit) {
          this.long.add(buffer.subarray(at, limit))
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
          this.long = new LongRow()
          continue
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
          this.long = new LongRow()
          continue
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
      this.out.write(buffer, scanner, row)
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
    const { long } = this
    if (long !== undefined) {
      this.long = undefined
      long.add(buffer.subarray(at, line_end))
      this.options.refuse({ row: this.line, ...this.tooLong(long.bytes), raw: long.raw })
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
    checkHeader(names)
    this.names = names
    this.out.setColumns(names.length)
    this.scanner.expected = names.length
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
