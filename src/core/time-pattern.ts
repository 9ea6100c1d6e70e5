/**
 * Patterns of dates and times in the letters of the JDK's DateTimeFormatter, which is what the
 * standard's `format` is written in; and the check of ISO 8601 texts in contracts.
 */

/** One piece of a pattern: a field of a time, or text that stands as it is. */
export type TimePiece =
  | { readonly text: string }
  | {
      readonly field:
        | 'year'
        | 'month'
        | 'day'
        | 'hour'
        | 'minute'
        | 'second'
        | 'millisecond'
        | 'microsecond'
        | 'zone'
    }

const pieces: Record<string, TimePiece> = {
  yyyy: { field: 'year' },
  uuuu: { field: 'year' },
  MM: { field: 'month' },
  dd: { field: 'day' },
  HH: { field: 'hour' },
  mm: { field: 'minute' },
  ss: { field: 'second' },
  SSS: { field: 'millisecond' },
  SSSSSS: { field: 'microsecond' },
  XXX: { field: 'zone' },
  xxx: { field: 'zone' },
  XX: { field: 'zone' },
  Z: { field: 'zone' },
  X: { field: 'zone' },
}

/** The pieces of a pattern; a text that says why where it has letters that are not read here. */
export function timePattern(pattern: string): TimePiece[] | string {
  const found: TimePiece[] = []
  const token = /'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z'])/gy
  let end = 0
  for (const match of pattern.matchAll(token)) {
    const [whole, quoted, letter, other] = match
    end = match.index + whole.length
    if (quoted !== undefined)
      found.push({ text: quoted === '' ? "'" : quoted.replaceAll("''", "'") })
    else if (other !== undefined) found.push({ text: other })
    else if (letter !== undefined) {
      const piece = pieces[whole]
      if (!piece) return `the letters ${whole} of the pattern are not read`
      found.push(piece)
    }
  }
  if (end !== pattern.length) return 'the pattern has a quote without its end'
  return found
}

/** The pattern in strptime letters as DuckDB has them; undefined where it cannot be said. */
export function strptimePattern(pattern: string): string | undefined {
  const letters: Record<string, string> = {
    year: '%Y',
    month: '%m',
    day: '%d',
    hour: '%H',
    minute: '%M',
    second: '%S',
    millisecond: '%g',
    microsecond: '%f',
    zone: '%z',
  }
  const read = timePattern(pattern)
  if (typeof read === 'string') return undefined
  return read
    .map((piece) => ('text' in piece ? piece.text.replaceAll('%', '%%') : letters[piece.field]))
    .join('')
}

const date = String.raw`(\d{4})-(\d\d)-(\d\d)`
const clock = String.raw`([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?`
const zone = String.raw`(Z|[+-]\d\d(:?\d\d)?)?`
const shapes = {
  date: new RegExp(`^${date}$`),
  time: new RegExp(`^${clock}${zone}$`),
  timestamp: new RegExp(`^${date}([T ]${clock}${zone})?$`),
}

/** Whether a text is an ISO 8601 date, time of day or timestamp that exists. */
export function isTimeText(text: string, kind: 'date' | 'time' | 'timestamp'): boolean {
  const match = shapes[kind].exec(text)
  if (!match || kind === 'time') return match !== null
  const [, year, month, day] = match.map(Number)
  const instant = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day ?? 0))
  return instant.getUTCMonth() + 1 === month && instant.getUTCDate() === day
}
