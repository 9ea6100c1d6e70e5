/** Dates and times as DuckDB reads them exactly: years before 1 as `0044-03-15 (BC)`. */

const day_us = 86_400_000_000

const pad = (value: number, width: number): string => String(value).padStart(width, '0')
const TWO = Array.from({ length: 100 }, (_, value) => pad(value, 2))

/** The day of 1970-01-01 plus that many days, in the proleptic Gregorian calendar. */
export function dateText(days: number): string {
  // The reverse of days from a year that begins in March; 146097 days are 400 years.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const day_of = shifted - era * 146_097
  const year_of = Math.floor(
    (day_of -
      Math.floor(day_of / 1460) +
      Math.floor(day_of / 36_524) -
      Math.floor(day_of / 146_096)) /
      365,
  )
  const day_of_year = day_of - (365 * year_of + Math.floor(year_of / 4) - Math.floor(year_of / 100))
  const march_month = Math.floor((5 * day_of_year + 2) / 153)
  const day = day_of_year - Math.floor((153 * march_month + 2) / 5) + 1
  const month = march_month < 10 ? march_month + 3 : march_month - 9
  const year = year_of + era * 400 + (month <= 2 ? 1 : 0)
  const written = `${pad(year > 0 ? year : 1 - year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
  return year > 0 ? written : `${written} (BC)`
}

/** Microseconds since midnight as `hh:mm:ss` and, unless it is 0, a fraction. */
export function timeText(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000)
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const whole = `${TWO[hours]}:${TWO[minutes - hours * 60]}:${TWO[seconds - minutes * 60]}`
  const fraction = micros - seconds * 1_000_000
  return fraction === 0 ? whole : `${whole}.${pad(fraction, 6)}`
}

/** Neighbouring timestamps are mostly of one day. */
let last_day = 0
let last_text = '1970-01-01'

/** Microseconds since 1970-01-01T00:00:00Z as `2021-01-01 00:00:00+00`. */
export function timestampText(micros: number | bigint): string {
  let day: number
  let rest: number
  if (typeof micros === 'number') {
    day = Math.floor(micros / day_us)
    rest = micros - day * day_us
  } else {
    const remainder = micros % BigInt(day_us)
    const before = remainder < 0n
    day = Number(micros / BigInt(day_us)) - (before ? 1 : 0)
    rest = Number(remainder) + (before ? day_us : 0)
  }
  if (day !== last_day) {
    last_text = dateText(day)
    last_day = day
  }
  return `${last_text} ${timeText(rest)}+00`
}
