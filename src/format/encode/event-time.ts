import { parseDate, parseTimestamp } from '../../core/records/time-text.ts'

const DAY_MS = 86_400_000
/** From 0001-01-01 to 9999-12-31: what a pattern of years can tell apart. */
const EARLIEST = Date.parse('0001-01-01')
const LATEST = Date.UTC(10_000, 0)

/**
 * The time that a value of a record tells, in milliseconds since 1970; undefined where it tells none. A text
 * is a date or timestamp, in UTC where it has no offset. A number counts since 1970: seconds, milliseconds,
 * microseconds or nanoseconds, by its size (seconds up to the year 5138, milliseconds from 1973 on).
 */
export function instantOf(text: string, is_number: boolean): number | undefined {
  const instant = is_number ? epochMillis(Number(text)) : textMillis(text)
  if (instant === undefined || !(instant >= EARLIEST && instant < LATEST)) return undefined
  return instant
}

function epochMillis(value: number): number | undefined {
  const size = Math.abs(value)
  if (size < 1e11) return value * 1e3
  if (size < 1e14) return value
  return size < 1e17 ? value / 1e3 : value / 1e6
}

function textMillis(text: string): number | undefined {
  const micros = parseTimestamp(text, { offset: 'apply', digits: 3 })
  if (micros !== undefined) return Number(micros) / 1e3
  const days = parseDate(text)
  return days === undefined ? undefined : days * DAY_MS
}
