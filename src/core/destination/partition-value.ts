import { NULL_TEXT, writeValue } from '../layout/variable-value.ts'
import { type DatePiece, dateSource, formatDate, parseDatePattern } from './date-pattern.ts'
import type { PartitionBy } from './path-format.ts'

/** Values of records as they stand in keys: as Hive and Spark write partition columns. */

/** Letters of `{event:…}`. */
export const EVENT_LETTERS = 'yMdHm'

/**
 * The text of a field. A null, an absent field and an empty text all have Hive's name for null, as in
 * Hive: an empty level would vanish from the key. Other texts stay apart from each other.
 */
export const fieldValue = (value: string | null): string =>
  value === null || value === '' ? NULL_TEXT : writeValue(value.toWellFormed(), { crowded: false })

/** Writes times by an `{event:…}` pattern; a `/` in it makes levels. Milliseconds since 1970; null: not known. */
export function eventValue(pattern: string): (instant_ms: number | null) => string {
  const pieces = parseDatePattern(pattern, EVENT_LETTERS)
  return (instant_ms) =>
    instant_ms === null ? NULL_TEXT : encodeLevels(formatDate(pieces, instant_ms))
}

const encodeLevels = (text: string): string =>
  text
    .split('/')
    .map((level) => (level === '' ? '' : writeValue(level, { crowded: false })))
    .join('/')

/** Source of a regular expression for the values. */
export function partitionSource(by: PartitionBy): string {
  if (by.kind === 'field') return '[^/]+'
  const pieces = parseDatePattern(by.pattern, EVENT_LETTERS)
  return `(?:${eventSource(pieces)}|${NULL_TEXT})`
}

/** `writeValue` goes by character, but for the first of a level. */
function eventSource(pieces: readonly DatePiece[]): string {
  let first = true
  return pieces
    .map((piece) => {
      const source = dateSource([piece], (text) =>
        first ? encodeLevels(text) : encodeLevels(`0${text}`).slice(1),
      )
      first = typeof piece === 'string' && piece.endsWith('/')
      return source
    })
    .join('')
}
