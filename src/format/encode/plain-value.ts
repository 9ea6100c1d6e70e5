import type { ScalarKind } from '../../core/records/shape.ts'
import { escapedCode, escapeLength, writeCodePoint } from './json-escape.ts'

/** Where values go. */
export interface ValueSink {
  boolean(value: boolean): void
  int(value: number): void
  /** Below 2^53 either way. */
  long(value: number): void
  /** Of 64 bits. */
  bigint(value: bigint): void
  double(value: number): void
  /** UTF-8 text: the bytes of `source` from `from` to `to`. */
  slice(source: Uint8Array, from: number, to: number): void
}

/**
 * Adds the JSON value from `start` to `end` to a sink if it is plain; else false, and nothing is added. `text`
 * has a character for each of `bytes`. The value is known to be valid JSON and not null.
 */
export type PlainTake = (bytes: Buffer, text: string, start: number, end: number) => boolean

export interface PlainOptions {
  /** Digits of a second that the format keeps; times with more are not plain. */
  readonly fraction_digits: 3 | 6
}

/** How plain values of a kind get into a sink; undefined where the kind has none. */
export function plainTake(
  kind: ScalarKind,
  sink: ValueSink,
  { fraction_digits }: PlainOptions,
): PlainTake | undefined {
  switch (kind) {
    case 'string':
    case 'any_text':
      return textTake(sink)
    case 'long':
      return longTake(sink)
    case 'double':
      return doubleTake(sink)
    case 'boolean':
      return (bytes, _, start) => {
        const first = bytes[start]
        if (first !== LETTER_T && first !== LETTER_F) return false
        sink.boolean(first === LETTER_T)
        return true
      }
    case 'date':
      return (bytes, _, start, end) => {
        if (end - start !== DATE_CHARACTERS + 2 || !quoted(bytes, start, end)) return false
        const days = dayAt(bytes, start + 1)
        if (Number.isNaN(days)) return false
        sink.int(days)
        return true
      }
    case 'time_tz':
    case 'time_ntz':
      return (bytes, _, start, end) => {
        if (!quoted(bytes, start, end)) return false
        const micros = clockAt(bytes, start + 1, end - 1, 6)
        if (Number.isNaN(micros)) return false
        sink.long(micros)
        return true
      }
    case 'timestamp_tz':
    case 'timestamp_ntz':
      return timestampTake(sink, fraction_digits)
    default:
      return undefined
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const COLON = 0x3a
const SPACE = 0x20
const ZERO = 0x30
const LETTER_F = 0x66
const LETTER_T = 0x74
const UPPER_T = 0x54
const UPPER_Z = 0x5a

/** An integer of so many digits is below 2^53; one of more is within 64 bits up to the second. */
const SAFE_DIGITS = 15
const LONG_DIGITS = 18
const SHORT_TEXT = 4096
/** As many as any double needs to be told from all others. */
const DOUBLE_CHARACTERS = 25
const DATE_CHARACTERS = 10
const CLOCK_CHARACTERS = 8
const DAY_MICROS = 86_400_000_000

const quoted = (bytes: Uint8Array, start: number, end: number): boolean =>
  bytes[start] === QUOTE && bytes[end - 1] === QUOTE

function textTake(sink: ValueSink): PlainTake {
  const short = new Uint8Array(SHORT_TEXT)
  return (bytes, _, start, end) => {
    if (bytes[start] !== QUOTE) return false
    let at = start + 1
    while (at < end && bytes[at] !== BACKSLASH) at++
    if (at === end) {
      sink.slice(bytes, start + 1, end - 1)
      return true
    }
    // An escape is longer than what it says.
    const said = end - start > SHORT_TEXT ? new Uint8Array(end - start) : short
    sink.slice(said, 0, writeUnescaped(bytes, start + 1, end - 1, said))
    return true
  }
}

/** Writes what a string says to the beginning of `out`; returns how many bytes that takes. */
function writeUnescaped(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  let length = 0
  for (let at = from; at < to; ) {
    const c = bytes[at] as number
    if (c !== BACKSLASH) {
      out[length++] = c
      at++
      continue
    }
    const code = escapedCode(bytes, at)
    at += escapeLength(bytes, at, code)
    length = writeCodePoint(out, length, code)
  }
  return length
}

function longTake(sink: ValueSink): PlainTake {
  return (bytes, text, start, end) => {
    const negative = bytes[start] === MINUS
    const first = negative ? start + 1 : start
    const digits = end - first
    if (digits > LONG_DIGITS) return false
    // `-0` is read otherwise.
    if (negative && bytes[first] === ZERO) return false
    let value = 0
    for (let at = first; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO
      if (digit < 0 || digit > 9) return false
      value = value * 10 + digit
    }
    if (digits <= SAFE_DIGITS) sink.long(negative ? -value : value)
    else sink.bigint(BigInt(text.slice(start, end)))
    return true
  }
}

function doubleTake(sink: ValueSink): PlainTake {
  return (bytes, text, start, end) => {
    const first = bytes[start] as number
    if (first !== MINUS && (first < ZERO || first > ZERO + 9)) return false
    // `-0` is read as an integer, which has no sign.
    if (first === MINUS && bytes[start + 1] === ZERO && bytes[start + 2] !== POINT) return false
    if (end - start > DOUBLE_CHARACTERS) return false
    const short = shortDecimal(bytes, start, end)
    const value = Number.isNaN(short) ? Number(text.slice(start, end)) : short
    if (!Number.isFinite(value)) return false
    sink.double(value)
    return true
  }
}

/** Those that `shortDecimal` divides by. */
const POWERS_OF_TEN = Float64Array.from({ length: SAFE_DIGITS }, (_, digits) =>
  Number(`1e${digits}`),
)

/**
 * A number of few digits without an exponent; NaN for any other. Its digits as a whole number and the power of ten
 * are exact, so that their quotient, which is rounded once, is the nearest double.
 */
function shortDecimal(bytes: Uint8Array, start: number, end: number): number {
  const negative = bytes[start] === MINUS
  const first = negative ? start + 1 : start
  if (end - first > SAFE_DIGITS) return NaN
  let digits = 0
  let fraction = 0
  for (let at = first; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit >= 0 && digit <= 9) digits = digits * 10 + digit
    else if (bytes[at] === POINT) fraction = end - at - 1
    else return NaN
  }
  const value = digits / (POWERS_OF_TEN[fraction] as number)
  return negative ? -value : value
}

/** In UTC: other offsets are left to the converter. */
function timestampTake(sink: ValueSink, fraction_digits: 3 | 6): PlainTake {
  return (bytes, _, start, end) => {
    if (!quoted(bytes, start, end)) return false
    const middle = start + 1 + DATE_CHARACTERS
    const separator = bytes[middle]
    if (separator !== UPPER_T && separator !== SPACE) return false
    let last = end - 1
    if (bytes[last - 1] === UPPER_Z) last -= 1
    else if (bytes[last - 6] === PLUS) {
      for (let at = last - 5; at < last; at++) {
        if (bytes[at] !== (at === last - 3 ? COLON : ZERO)) return false
      }
      last -= 6
    }
    const micros =
      dayAt(bytes, start + 1) * DAY_MICROS + clockAt(bytes, middle + 1, last, fraction_digits)
    // From 1684 to 2255.
    if (!Number.isSafeInteger(micros)) return false
    sink.long(micros)
    return true
  }
}

/** The number that two digits write; NaN where they are none. */
function twoDigits(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] as number) - ZERO
  const ones = (bytes[at + 1] as number) - ZERO
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Days since 1970 of `yyyy-mm-dd`, from 1000 to 2999; NaN where it is none, or February 29, which not every year
 * has and is left to the converter.
 */
function dayAt(bytes: Uint8Array, at: number): number {
  const year = twoDigits(bytes, at) * 100 + twoDigits(bytes, at + 2)
  const month = twoDigits(bytes, at + 5)
  const day = twoDigits(bytes, at + 8)
  if (bytes[at + 4] !== MINUS || bytes[at + 7] !== MINUS) return NaN
  if (!(year >= 1000 && year < 3000 && day >= 1 && day <= (MONTH_DAYS[month - 1] ?? 0))) return NaN
  // The year begins in March, so that its last day is the one that may be missing (proleptic Gregorian).
  const y = month > 2 ? year : year - 1
  const m = month > 2 ? month - 3 : month + 9
  const leap_days = Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400)
  return y * 365 + leap_days + Math.floor((m * 153 + 2) / 5) + day - 1 - MARCH_1970
}

/** Days from March 1 of the year 0 to 1970-01-01. */
const MARCH_1970 = 719_468

/** Microseconds of `hh:mm:ss` with or without a fraction, which ends at `end`; NaN where it is none. */
function clockAt(bytes: Uint8Array, at: number, end: number, fraction_digits: number): number {
  const hours = twoDigits(bytes, at)
  const minutes = twoDigits(bytes, at + 3)
  const seconds = twoDigits(bytes, at + 6)
  if (bytes[at + 2] !== COLON || bytes[at + 5] !== COLON) return NaN
  if (!(hours < 24 && minutes < 60 && seconds < 60)) return NaN
  const whole = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000
  const point = at + CLOCK_CHARACTERS
  if (point === end) return whole
  const digits = end - point - 1
  if (bytes[point] !== POINT || digits < 1 || digits > fraction_digits) return NaN
  let micros = 0
  for (let index = 0; index < 6; index++) {
    const digit = index < digits ? (bytes[point + 1 + index] as number) - ZERO : 0
    if (digit < 0 || digit > 9) return NaN
    micros = micros * 10 + digit
  }
  return whole + micros
}
