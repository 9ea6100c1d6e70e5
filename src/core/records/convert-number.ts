import { ExactNumber, type JsonValue } from './exact-json.ts'

/** JSON values as Avro numbers; undefined where one does not fit. */

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)

const INTEGER = /^[-+]?\d+$/
const INTEGRAL = /^([-+]?\d+)(?:\.0*)?$/
const DECIMAL = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/
const WORDS: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '+Infinity': Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
}
/** A power of ten beyond which no integer of 64 bits lies. */
const MAX_EXPONENT = 400

/** An integer as an Avro `long`: a bigint beyond 2^53. */
function longOf(integer: bigint): number | bigint | undefined {
  if (integer > INT64_MAX || integer < INT64_MIN) return undefined
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}

/** The integer that a decimal text with an exponent is (`1.5e3`); undefined where it is none. */
function integerOf(text: string): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? []
  const shift = Number(exponent) - fraction.length
  if (sign === undefined || Math.abs(shift) > MAX_EXPONENT) return undefined
  const digits = `${whole}${fraction}`
  const kept = shift >= 0 ? digits + '0'.repeat(shift) : digits.slice(0, shift) || '0'
  if (shift < 0 && /[^0]/.test(digits.slice(shift))) return undefined
  return BigInt(`${sign}${kept}`)
}

/** An integer, also one written as `42.0` or `4.2e1`, within 64 bits. */
export function longNumber(value: JsonValue): number | bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : undefined
  if (!(value instanceof ExactNumber)) return undefined
  const integer = integerOf(value.text)
  return integer === undefined ? undefined : longOf(integer)
}

/** A string of digits, within 64 bits; with `integral` also `42.0`. */
export function longString(text: string, integral: boolean): number | bigint | undefined {
  // Nothing that long fits; this also bounds the work below.
  if (text.length > 400) return undefined
  const digits = integral ? INTEGRAL.exec(text)?.[1] : INTEGER.test(text) ? text : undefined
  if (digits === undefined) return undefined
  return longOf(BigInt(digits.startsWith('+') ? digits.slice(1) : digits))
}

/** A double, rounded to the nearest there is; undefined for a number too great for one. */
export function doubleNumber(value: JsonValue): number | undefined {
  if (typeof value === 'number') return value
  if (!(value instanceof ExactNumber)) return undefined
  const number = Number(value.text)
  return Number.isFinite(number) ? number : undefined
}

/** A string that is a decimal number, `Infinity`, `-Infinity` or `NaN`. */
export function doubleString(text: string): number | undefined {
  if (!DECIMAL.test(text)) return Object.hasOwn(WORDS, text) ? WORDS[text] : undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

/** Whether a number, or a string of one, is so great or precise that the type it was meant for cannot hold it. */
export function isNumeric(value: JsonValue): boolean {
  if (typeof value === 'number' || value instanceof ExactNumber) return true
  return typeof value === 'string' && DECIMAL.test(value)
}

/** Whether it is an integer that no double may stand for without changing it. */
export function isUnsafeInteger(value: JsonValue): boolean {
  return value instanceof ExactNumber && INTEGER.test(value.text) && value.text !== '-0'
}

/** Whether JSON's grammar has it as an integer: no point, no exponent. */
export function isWrittenInteger(value: JsonValue): boolean {
  if (typeof value === 'number') return Number.isInteger(value)
  return value instanceof ExactNumber && INTEGER.test(value.text)
}
