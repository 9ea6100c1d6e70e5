import type { PlainField } from './parquet-plain.ts'
import type { RecordReader } from './record-reader.ts'

/** Lines that begin otherwise than those before may teach so often; after that it is no use. */
const MAX_LESSONS = 16

/** Tells plain lines by one regular expression, which it learns from lines that have been read as records. */
export class PlainLines {
  private pattern: RegExp | undefined
  private lessons = 0
  /** Keys in the order in which lines have them. */
  private readonly order: string[] = []
  private readonly fields: ReadonlyMap<string, PlainField>

  constructor(fields: readonly PlainField[]) {
    this.fields = new Map(fields.map((field) => [latin1(field.key), field]))
  }

  /** Whether more can be learned. */
  get learns(): boolean {
    return this.lessons < MAX_LESSONS
  }

  /** Where the plain line that begins at `at` ends, its line feed included; -1 if it is none. */
  endOf(text: string, at: number): number {
    const { pattern } = this
    if (pattern === undefined) return -1
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : -1
  }

  /** Learns from the line on which `reader` stands. */
  learn(reader: RecordReader, line_start: number, line_end: number): void {
    this.lessons++
    const { text, data_start, data_end, emitted_start, emitted_end } = reader
    // What a source says it changed goes into the built-in columns.
    if (reader.changes_start >= 0) return
    const envelope = text.slice(line_start, data_start) + text.slice(data_end, line_end)
    if (envelope.includes('\\')) return
    // DuckDB takes the first key of a name, the converter the last.
    for (const key of ['"record"', '"data"', '"emitted_at"']) {
      if (envelope.split(key).length !== 2) return
    }
    if (!/^(?:0|[1-9]\d{0,14})$/.test(text.slice(emitted_start, emitted_end))) return

    this.addKeys(reader.fields().names)
    const literal = (from: number, to: number) => RegExp.escape(text.slice(from, to))
    const members = this.order.map((key) => {
      const value = this.fields.get(key)?.pattern
      const values = value === undefined ? 'null' : `(?:${value}|null)`
      return `(?:${RegExp.escape(quoted(key))}: ?${values}(?:, ?|(?=\\})))?`
    })
    // No comma before the brace.
    const data = `\\{${members.join('')}(?<![, ])\\}`
    const emitted = '(?:0|[1-9]\\d{0,14})'
    const around =
      emitted_start < data_start
        ? [
            literal(line_start, emitted_start),
            emitted,
            literal(emitted_end, data_start),
            data,
            literal(data_end, line_end),
          ]
        : [
            literal(line_start, data_start),
            data,
            literal(data_end, emitted_start),
            emitted,
            literal(emitted_end, line_end),
          ]
    this.pattern = new RegExp(`${around.join('')}\\n`, 'y')
  }

  /** Puts keys that are new after the one they follow. */
  private addKeys(names: readonly string[]): void {
    let place = 0
    for (const name of names) {
      if (!this.fields.has(name)) continue
      const known = this.order.indexOf(name)
      if (known < 0) this.order.splice(place, 0, name)
      place = (known < 0 ? place : known) + 1
    }
  }
}

/** A character for each byte of the UTF-8. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** As sources write a key that needs no escape; others never match. */
const quoted = (key: string): string =>
  latin1(JSON.stringify(Buffer.from(key, 'latin1').toString()))
