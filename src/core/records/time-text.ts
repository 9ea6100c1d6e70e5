import { instantsOf, isZone } from '../zone.ts'

/**
 * Dates, timestamps and times of day as sources write them: year first, then month (digits or an English
 * abbreviation) and day, apart by `-`, `/`, `.` or a space; a time to the minute or second with 1 to 9 digits
 * of a fraction; an offset or the name of a zone; an era. Line breaks inside are passed over. Nothing is ever
 * shifted into range: February 30 is no date.
 */

/** What an offset in the text does: moves the time to UTC, or is left out, so that clocks show the same. */
export type OffsetUse = 'apply' | 'drop'

const day_s = 86_400

const isDigit = (code: number): boolean => code >= 48 && code <= 57

const two = (text: string, at: number): number => {
  const tens = text.charCodeAt(at)
  const ones = text.charCodeAt(at + 1)
  return isDigit(tens) && isDigit(ones) ? (tens - 48) * 10 + ones - 48 : Number.NaN
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Days since 1970-01-01 in the proleptic Gregorian calendar, year 0 being 1 BC; NaN for no such day. */
function dayNumber(year: number, month: number, day: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const last = month === 2 && leap ? 29 : MONTH_DAYS[month - 1]
  // Comparisons with NaN and undefined fail, so that whatever was no number ends here.
  if (!(day >= 1 && day <= (last ?? 0))) return Number.NaN
  // Years that begin in March end with the leap day; 146097 days are 400 years.
  const shifted = month > 2 ? year : year - 1
  const century = Math.floor(shifted / 400)
  const year_of = shifted - century * 400
  const day_of_year = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const day_of = year_of * 365 + Math.floor(year_of / 4) - Math.floor(year_of / 100) + day_of_year
  return century * 146_097 + day_of - 719_468
}

const secondOfDay = (hour: number, minute: number, second: number): number =>
  hour <= 23 && minute <= 59 && second <= 59 ? hour * 3600 + minute * 60 + second : Number.NaN

/** Micros of digits after the point; more than six are cut. */
const microsOf = (digits: string): number => Number(digits.slice(0, 6).padEnd(6, '0'))

/** A number where a double holds it, else a bigint. */
function micros(seconds: number, fraction: number): number | bigint {
  const sum = seconds * 1_000_000 + fraction
  return Number.isSafeInteger(sum) ? sum : BigInt(seconds) * 1_000_000n + BigInt(fraction)
}

/** Hours and minutes of time zone names that do not depend on where one is, in minutes. */
const ABBREVIATIONS: Readonly<Record<string, number>> = {
  Z: 0,
  UTC: 0,
  GMT: 0,
  UT: 0,
  WET: 0,
  WEST: 60,
  BST: 60,
  CET: 60,
  CEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  IST: 330,
  WIB: 420,
  HKT: 480,
  SGT: 480,
  AWST: 480,
  JST: 540,
  KST: 540,
  ACST: 570,
  ACDT: 630,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
  NST: -210,
  NDT: -150,
  AST: -240,
  ADT: -180,
  EST: -300,
  EDT: -240,
  CST: -360,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
  AKST: -540,
  AKDT: -480,
  HST: -600,
}

/**
 * Seconds to take off to come to UTC. `wall` is the time in seconds as if it were UTC, for zones whose offset
 * depends on it. Undefined for what names no offset.
 */
function offsetSeconds(zone: string, wall: number): number | undefined {
  const minutes = ABBREVIATIONS[zone.toUpperCase()]
  if (minutes !== undefined) return minutes * 60
  const [, prefix, sign, hour, minute = '0', second = '0'] =
    /^(UTC|GMT|UT)?([-+])(\d\d?)(?::?(\d\d)(?::?(\d\d))?)?$/i.exec(zone) ?? []
  if (hour !== undefined) {
    // A single digit is written after GMT only.
    if (hour.length === 1 && prefix === undefined) return undefined
    const size = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
    if (Number(hour) > 18 || Number(minute) > 59 || Number(second) > 59) return undefined
    return sign === '-' ? -size : size
  }
  if (!/^[A-Za-z]+\/[A-Za-z_/+-]+\d*$/.test(zone) || !isZone(zone)) return undefined
  const span = instantsOf({ from: wall * 1000, to: wall * 1000 + 1000 }, zone)
  return span === undefined ? undefined : wall - span.start / 1000
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** What parts the year, month and day: something between them, a month in letters, or eight digits. */
const APART = String.raw`(?=\d+[-/. ]\d\d?[-/. ]|\d+[-/. ]?[A-Za-z]|\d{8}(?!\d))`
const DATE = String.raw`${APART}(\d{4}|\d\d)[-/. ]?(?:(\d\d?)|([A-Za-z]{3}))[-/. ]?(\d\d?)`
const ERA = '(?: ?(AD|BC))?'
const CLOCK = String.raw`(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?`
const ZONE = String.raw`(?: ?([A-Za-z][A-Za-z_/]*(?:[-+]\d[\d:]*)?|[-+]\d[\d:]*))??`
const DATE_TEXT = new RegExp(`^${DATE}${ERA}$`)
const TIMESTAMP_TEXT = new RegExp(`^${DATE}${ERA} ?T?${CLOCK}${ZONE}${ERA}$`)
const TIME_TEXT = new RegExp(`^${CLOCK}${ZONE}$`)

function dayOf(parts: RegExpExecArray, era: string | undefined): number {
  const [, year = '', digits, name = '', day = ''] = parts
  const month = digits === undefined ? MONTHS.indexOf(name.toLowerCase()) + 1 : Number(digits)
  const counted = Number(year) + (year.length === 2 ? 2000 : 0)
  // There is no year 0 in an era: 1 BC comes before AD 1.
  return dayNumber(era === 'BC' ? 1 - counted : counted, month, Number(day))
}

const withoutBreaks = (text: string): string =>
  text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, '') : text

/** Day since 1970-01-01, of the ISO date the first ten characters are; NaN if they are none. */
function isoDay(text: string): number {
  if (text.charCodeAt(4) !== 45 || text.charCodeAt(7) !== 45) return Number.NaN
  return dayNumber(two(text, 0) * 100 + two(text, 2), two(text, 5), two(text, 8))
}

/** Days since 1970-01-01; undefined for what is no date. */
export function parseDate(text: string): number | undefined {
  if (text.length === 10) {
    const day = isoDay(text)
    if (!Number.isNaN(day)) return day
  }
  const parts = DATE_TEXT.exec(withoutBreaks(text))
  if (parts === null) return undefined
  const day = dayOf(parts, parts[5])
  return Number.isNaN(day) ? undefined : day
}

/** ISO 8601 with full date, `T` or a space, seconds, a fraction, `Z` or `±hh:mm`; NaN for any other form. */
function isoTimestamp(text: string, offset: OffsetUse, digits: 3 | 6): number | bigint {
  const separator = text.charCodeAt(10)
  if (separator !== 84 && separator !== 32) return Number.NaN
  if (text.charCodeAt(13) !== 58 || text.charCodeAt(16) !== 58) return Number.NaN
  const day = isoDay(text)
  let second = secondOfDay(two(text, 11), two(text, 14), two(text, 17))
  let at = 19
  let fraction = 0
  if (text.charCodeAt(at) === 46) {
    let unit = 100_000
    for (at += 1; isDigit(text.charCodeAt(at)) && at < 29; at += 1) {
      if (at < 20 + digits) fraction += (text.charCodeAt(at) - 48) * unit
      unit /= 10
    }
    if (at === 20) return Number.NaN
  }
  const sign = text.charCodeAt(at)
  if (sign === 90) at += 1
  else if (sign === 43 || sign === 45) {
    const minute = two(text, at + 4)
    const size = two(text, at + 1) * 3600 + minute * 60
    if (text.charCodeAt(at + 3) !== 58 || !(size <= 18 * 3600) || minute > 59) return Number.NaN
    if (offset === 'apply') second -= sign === 45 ? -size : size
    at += 6
  }
  if (at !== text.length || Number.isNaN(day) || Number.isNaN(second)) return Number.NaN
  return micros(day * day_s + second, fraction)
}

/**
 * Microseconds since 1970-01-01T00:00:00Z; without an offset in the text it is taken as UTC. `digits` of the
 * fraction are kept, the rest is cut. Undefined for what is no timestamp.
 */
export function parseTimestamp(
  text: string,
  options: { readonly offset: OffsetUse; readonly digits: 3 | 6 },
): number | bigint | undefined {
  const quick = isoTimestamp(text, options.offset, options.digits)
  if (typeof quick === 'bigint' || !Number.isNaN(quick)) return quick
  const parts = TIMESTAMP_TEXT.exec(withoutBreaks(text))
  if (parts === null) return undefined
  const [hour, minute, second = '0', fraction = '', zone] = parts.slice(6, 11)
  const wall =
    dayOf(parts, parts[5] ?? parts[11]) * day_s +
    secondOfDay(Number(hour), Number(minute), Number(second))
  if (Number.isNaN(wall)) return undefined
  const shift = zone === undefined ? 0 : offsetSeconds(zone, wall)
  if (shift === undefined) return undefined
  const seconds = options.offset === 'apply' ? wall - shift : wall
  return micros(seconds, microsOf(fraction.slice(0, options.digits)))
}

/**
 * Microseconds since midnight; undefined for what is no time of day. A time moved to UTC stays within a day.
 * `apply_with_fraction`: an offset counts only where the text has a fraction of a second, which is what the
 * older converter does.
 */
export function parseTimeOfDay(
  text: string,
  offset: OffsetUse | 'apply_with_fraction',
): number | undefined {
  const parts = TIME_TEXT.exec(withoutBreaks(text))
  if (parts === null) return undefined
  const [, hour, minute, second = '0', fraction = '', zone] = parts
  const wall = secondOfDay(Number(hour), Number(minute), Number(second))
  if (Number.isNaN(wall)) return undefined
  const shift = zone === undefined ? 0 : offsetSeconds(zone, wall)
  if (shift === undefined) return undefined
  const applied = offset === 'apply' || (offset === 'apply_with_fraction' && fraction !== '')
  const seconds = applied ? (((wall - shift) % day_s) + day_s) % day_s : wall
  return seconds * 1_000_000 + microsOf(fraction)
}
