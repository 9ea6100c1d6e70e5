import { type CsvSettings, ESCAPED, QUOTED, type RecordScanner, UNQUOTED } from './csv-scanner.ts'
import { FileSink } from './file-sink.ts'
import type { Field } from './format.ts'

const LF = 0x0a
const COMMA = 0x2c
const QUOTE = 0x22

/**
 * A file of whole records in one dialect, without a header, whatever dialect they came in: the physical line
 * on which the record starts, then each field, quoted, or nothing for null.
 */
export class CanonicalCsv {
  readonly path: string
  records = 0
  private readonly sink: FileSink
  private readonly null_texts: readonly Uint8Array[]
  /** Fields whose quotes the scanner leaves in place are written as they stand. */
  private readonly canonical: boolean
  /** Of each column. */
  private nulls = new Float64Array(0)

  constructor(path: string, settings: CsvSettings) {
    this.path = path
    this.sink = new FileSink(path)
    this.null_texts = settings.null_text.map((text) => Buffer.from(text))
    this.canonical = settings.quote === '"' && settings.escape === '"'
  }

  /** To be said before the first record; all of them have so many fields. */
  setColumns(count: number): void {
    this.nulls = new Float64Array(count)
  }

  /** Writes the record that the scanner has just found in `buffer`, under the physical line it starts on. */
  write(buffer: Uint8Array, scanner: RecordScanner, row: number): void {
    const { sink, nulls, canonical } = this
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
      if (written === UNQUOTED && this.isNull(buffer, from, to)) {
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
    this.records++
  }

  /** Bytes of the longest record. */
  get longest(): number {
    return this.sink.longest
  }

  /** What the columns of these names held. */
  fields(names: readonly string[]): Field[] {
    return names.map((name, at) => ({
      name,
      strings: this.records - (this.nulls[at] as number),
      integers: 0,
      numbers: 0,
      booleans: 0,
      nulls: this.nulls[at] as number,
      nested: 0,
      long_integers: 0,
    }))
  }

  close(): void {
    this.sink.close()
  }

  private isNull(buffer: Uint8Array, from: number, to: number): boolean {
    for (const text of this.null_texts) {
      if (text.length !== to - from) continue
      let at = 0
      while (at < text.length && buffer[from + at] === text[at]) at++
      if (at === text.length) return true
    }
    return false
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
