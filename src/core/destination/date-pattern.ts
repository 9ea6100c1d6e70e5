import { ExchangeError } from '../errors.ts'
import { escapePattern } from './escape-pattern.ts'

/**
 * Patterns of times as Java's SimpleDateFormat reads them, in UTC and English, without its rarer
 * letters. `'…'` is text, `''` a quote; signs that are no letters stand for themselves.
 */

export type DateLetter = 'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'S' | 'E' | 'a'
export interface DateField {
  readonly letter: DateLetter
  /** How often the letter stands there. */
  readonly count: number
}
/** Text stands for itself. */
export type DatePiece = string | DateField

export const DATE_LETTERS = 'yMdHhmsSEa'

/** Throws `config_invalid` for a letter outside `letters` and for a quote that does not end. */
export function parseDatePattern(pattern: string, letters = DATE_LETTERS): readonly DatePiece[] {
  const pieces: DatePiece[] = []
  for (const [piece] of pattern.matchAll(/([A-Za-z])\1*|''|'(?:[^']|'')*'?|[^A-Za-z']+/g)) {
    const letter = piece[0] as string
    if (piece === "''") pieces.push("'")
    else if (letter === "'") {
      if (piece.length === 1 || !piece.endsWith("'")) {
        throw new ExchangeError(
          'config_invalid',
          `The date pattern "${pattern}" has an open quote.`,
        )
      }
      pieces.push(piece.slice(1, -1).replaceAll("''", "'"))
    } else if (!/[A-Za-z]/.test(letter)) pieces.push(piece)
    else if (letters.includes(letter)) {
      pieces.push({ letter: letter as DateLetter, count: piece.length })
    } else {
      throw new ExchangeError(
        'config_invalid',
        `The date pattern "${pattern}" has the letter ${letter}, which is none of ${[...letters].join(' ')}.`,
        { hint: "Put text into single quotes: yyyy-MM-dd'T'HH." },
      )
    }
  }
  return pieces
}

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** The time, in milliseconds since 1970, as the pattern writes it. */
export function formatDate(pieces: readonly DatePiece[], instant_ms: number): string {
  const at = new Date(instant_ms)
  return pieces.map((piece) => (typeof piece === 'string' ? piece : fieldText(piece, at))).join('')
}

function fieldText({ letter, count }: DateField, at: Date): string {
  if (letter === 'M' && count > 2) return named(MONTHS, at.getUTCMonth(), count > 3)
  if (letter === 'E') return named(DAYS, at.getUTCDay(), count > 3)
  if (letter === 'a') return at.getUTCHours() < 12 ? 'AM' : 'PM'
  const value = String(numberOf(letter, at)).padStart(count, '0')
  return letter === 'y' && count === 2 ? value.slice(-2) : value
}

const named = (names: readonly string[], index: number, long: boolean): string =>
  (names[index] as string).slice(0, long ? undefined : 3)

function numberOf(letter: Exclude<DateLetter, 'E' | 'a'>, at: Date): number {
  const year = at.getUTCFullYear()
  switch (letter) {
    case 'y':
      // The year of its era: there is no year 0, and no sign.
      return year > 0 ? year : 1 - year
    case 'M':
      return at.getUTCMonth() + 1
    case 'd':
      return at.getUTCDate()
    case 'H':
      return at.getUTCHours()
    case 'h':
      return at.getUTCHours() % 12 || 12
    case 'm':
      return at.getUTCMinutes()
    case 's':
      return at.getUTCSeconds()
    case 'S':
      return at.getUTCMilliseconds()
  }
}

/** Source of a regular expression for what the pattern writes; `literal` says how its text is written. */
export const dateSource = (
  pieces: readonly DatePiece[],
  literal: (text: string) => string = (text) => text,
): string =>
  pieces
    .map((piece) =>
      typeof piece === 'string' ? escapePattern(literal(piece)) : fieldSource(piece),
    )
    .join('')

function fieldSource({ letter, count }: DateField): string {
  if (letter === 'M' && count > 2) return `(?:${MONTHS.map((name) => cut(name, count)).join('|')})`
  if (letter === 'E') return `(?:${DAYS.map((name) => cut(name, count)).join('|')})`
  if (letter === 'a') return '[AP]M'
  if (letter === 'y') return count === 2 ? '\\d{2}' : `\\d{${count},}`
  const most = Math.max(count, letter === 'S' ? 3 : 2)
  return most === count ? `\\d{${count}}` : `\\d{${count},${most}}`
}

const cut = (name: string, count: number): string => (count > 3 ? name : name.slice(0, 3))

/** Whether two times that differ by a millisecond or more are written differently. */
export function tellsMilliseconds(pieces: readonly DatePiece[]): boolean {
  const fields = pieces.filter((piece) => typeof piece !== 'string')
  const has = (letter: DateLetter) => fields.some((field) => field.letter === letter)
  const hours = has('H') || (has('h') && has('a'))
  return hours && (['y', 'M', 'd', 'm', 's', 'S'] as const).every(has)
}
