import fc from 'fast-check'

/** CSV read character by character, as the gate documents it. Texts are bytes, one character each. */

interface Dialect {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly line_break: '\n' | '\r\n' | '\r'
}

export const dialect: fc.Arbitrary<Dialect> = fc
  .record({
    delimiter: fc.constantFrom(',', ',', ',', ';', '\t', '|', ' ', 'é'),
    quote: fc.constantFrom('"', '"', '"', "'", '§'),
    escape: fc.constantFrom('', '', '', '\\', '¦', '¨'),
    line_break: fc.constantFrom('\n', '\n', '\r\n', '\r'),
  })
  // None: the quote escapes itself.
  .map((made) => ({ ...made, escape: made.escape || made.quote }) as Dialect)

export interface CsvRules extends Dialect {
  readonly columns: number
  readonly null_text: readonly string[]
  readonly skip_lines: number
  readonly max_row_bytes: number
}

/** A row that passed, or the codes of which one must refuse it; by physical line. */
export type Row = readonly (string | null)[] | { readonly codes: readonly string[] }

export const isPassed = (row: Row): row is readonly (string | null)[] => Array.isArray(row)

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')
const textOf = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()
const isText = (bytes: string): boolean => bytesOf(textOf(bytes)) === bytes

const FIRST_LINE = ['unclosed_quote', 'wrong_field_count', 'invalid_utf8', 'line_too_long']

/** The rows after the header, which is one line and sound. */
export function rowsOf(content: string, rules: CsvRules): Map<number, Row> {
  const end = content.includes('\n') ? '\n' : content.includes('\r') ? '\r' : '\n'
  const text = content.endsWith(end) ? content : content + end
  const signs = {
    delimiter: bytesOf(rules.delimiter),
    quote: bytesOf(rules.quote),
    escape: bytesOf(rules.escape),
    end,
  }
  const rows = new Map<number, Row>()
  let line = 1
  let at = 0
  for (let skipped = 0; skipped <= rules.skip_lines; skipped++) {
    at = text.indexOf(end, at) + 1
    line++
  }
  while (at < text.length) {
    const stop = text.indexOf(end, at)
    if (isBlank(text.slice(at, stop), signs)) {
      at = stop + 1
      line++
      continue
    }
    const record = oneRecord(text, at, signs, rules.columns)
    const long = lengthOf(text.slice(at, record?.stop ?? stop)) > rules.max_row_bytes
    const several = record !== undefined && record.lines > 1
    if (record === undefined || (long && several)) {
      const short = rules.max_row_bytes < 1000
      rows.set(line, {
        codes: short ? FIRST_LINE : badLine(text.slice(at), signs, stop - at),
      })
      at = stop + 1
      line++
      continue
    }
    const bytes = text.slice(at, record.stop)
    if (long) rows.set(line, { codes: ['line_too_long'] })
    else if (!isText(bytes)) rows.set(line, { codes: ['invalid_utf8'] })
    else if (record.fields.length !== rules.columns)
      rows.set(line, { codes: ['wrong_field_count'] })
    else
      rows.set(
        line,
        record.fields.map(({ value, quoted }) =>
          !quoted && rules.null_text.includes(textOf(value)) ? null : textOf(value),
        ),
      )
    at = record.stop + 1
    line += record.lines
  }
  return rows
}

interface Signs {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  readonly end: string
}

const lengthOf = (bytes: string): number => (bytes.endsWith('\r') ? bytes.length - 1 : bytes.length)

const isBlank = (line: string, { delimiter, quote }: Signs): boolean =>
  /^[ \t\r]*$/.test(line) && !line.includes(delimiter) && !line.includes(quote)

interface Record {
  readonly fields: readonly { readonly value: string; readonly quoted: boolean }[]
  /** Where its line break stands. */
  readonly stop: number
  readonly lines: number
}

/** The record at a place, or nothing where it cannot be completed. */
function oneRecord(text: string, from: number, signs: Signs, columns: number): Record | undefined {
  const { delimiter, quote, escape: escaping, end } = signs
  const fields: { value: string; quoted: boolean }[] = []
  let lines = 1
  let at = from
  for (;;) {
    let value = ''
    const quoted = text.startsWith(quote, at)
    if (quoted) {
      at += quote.length
      for (;;) {
        if (at >= text.length) return undefined
        const after = at + escaping.length
        if (text.startsWith(escaping, at) && text.startsWith(quote, after)) {
          value += quote
          at = after + quote.length
        } else if (escaping !== quote && text.startsWith(escaping + escaping, at)) {
          value += escaping
          at = after + escaping.length
        } else if (text.startsWith(quote + quote, at)) {
          value += quote
          at += 2 * quote.length
        } else if (text.startsWith(quote, at)) break
        else {
          if (text.startsWith(end, at)) {
            if (fields.length >= columns) return undefined
            lines++
          }
          value += text[at++]
        }
      }
      at += quote.length
      if (end === '\n' && text.startsWith('\r\n', at)) at++
      if (!text.startsWith(end, at) && !text.startsWith(delimiter, at)) return undefined
    } else {
      while (!text.startsWith(end, at) && !text.startsWith(delimiter, at)) value += text[at++]
      if (text.startsWith('\n', at) && value.endsWith('\r')) value = value.slice(0, -1)
    }
    fields.push({ value, quoted })
    if (text.startsWith(end, at)) return { fields, stop: at, lines }
    at += delimiter.length
  }
}

/** Why a record cannot be completed: its first line is refused alone. */
function badLine(rest: string, signs: Signs, first_line: number): string[] {
  if (!isText(rest.slice(0, first_line))) return ['invalid_utf8']
  // With no limit to its fields it is complete, or its quotes are wrong.
  return oneRecord(rest, 0, signs, Number.POSITIVE_INFINITY) === undefined
    ? ['unclosed_quote', 'wrong_field_count']
    : ['wrong_field_count']
}
