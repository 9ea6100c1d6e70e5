import { literal } from '../../duckdb/duckdb.ts'

/** How CSV is written: as the receiver reads it. */
export interface CsvDialect {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
  /** Unquoted texts that mean null; the first one is written. */
  readonly null_text: readonly string[]
  readonly header: boolean
}

/** A record of texts, as SQL; NULL where a field has no value. */
export function csvRecord(fields: readonly string[], dialect: CsvDialect): string {
  const written = fields.map((field) => quoted(field, dialect))
  const line = `concat_ws(${literal(dialect.delimiter)}, ${written.join(', ')})`
  // A single empty field would be a blank line, which is no record.
  return written.length === 1
    ? `CASE WHEN ${line} = '' THEN ${literal(empty(dialect))} ELSE ${line} END`
    : line
}

/** The line of names, with its break. */
export function csvHeader(names: readonly string[], dialect: CsvDialect): string {
  const { delimiter, quote } = dialect
  const written = names.map((name) =>
    name === '' || [delimiter, quote, '\r', '\n'].some((sign) => name.includes(sign))
      ? `${quote}${escaped(name, dialect)}${quote}`
      : name,
  )
  return `${written.join(delimiter)}\n`
}

const empty = ({ quote }: CsvDialect) => `${quote}${quote}`

function quoted(field: string, dialect: CsvDialect): string {
  const { delimiter, quote, null_text } = dialect
  const mark = dialect.escape
  const text = `(${field})`
  const signs = [...new Set([delimiter, quote, mark, '\r', '\n'])]
  const needs = [
    `${text} = ''`,
    ...signs.map((sign) => `contains(${text}, ${literal(sign)})`),
    ...null_text.filter((n) => n !== '').map((n) => `${text} = ${literal(n)}`),
  ]
  const once = (of: string, sign: string) =>
    `replace(${of}, ${literal(sign)}, ${literal(mark + sign)})`
  const inside = mark === quote ? once(text, quote) : once(once(text, mark), quote)
  return `CASE WHEN ${text} IS NULL THEN ${literal(null_text[0] ?? '')} WHEN ${needs.join(' OR ')} THEN ${literal(quote)} || ${inside} || ${literal(quote)} ELSE ${text} END`
}

function escaped(text: string, { quote, escape: mark }: CsvDialect): string {
  if (mark === quote) return text.replaceAll(quote, mark + quote)
  return text.replaceAll(mark, mark + mark).replaceAll(quote, mark + quote)
}
