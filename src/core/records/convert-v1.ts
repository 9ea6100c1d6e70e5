import { type AvroRecord, type AvroValue, Branch } from './avro-value.ts'
import { Place } from './bad-value.ts'
import { type ConvertValue, compileItems, compileRecord, textOf } from './convert-container.ts'
import {
  doubleNumber,
  doubleString,
  isUnsafeInteger,
  longNumber,
  longString,
} from './convert-number.ts'
import { isJsonObject, type JsonObject, type JsonValue } from './exact-json.ts'
import type { Report } from './report.ts'
import type { RecordShape, ScalarKind, Shape } from './shape.ts'
import { parseDate, parseTimeOfDay, parseTimestamp } from './time-text.ts'

/** Tries a value; undefined where it does not fit. */
type Attempt = (value: JsonValue) => AvroValue | undefined

/**
 * The rules of the output schema v1. The branches of a union are tried in order and the first that fits is
 * taken; strings of digits fit numbers, but numbers and booleans do not fit strings. What fits no branch is
 * reported and kept as text where there is a string, else it is null.
 */
export function compileV1(shape: RecordShape, report: Report): (data: JsonObject) => AvroRecord {
  const record = (fields: RecordShape, outer: Place | undefined) => {
    const place = new Place(outer)
    return compileRecord({
      shape: fields,
      place,
      additional_properties: true,
      fieldOf: (types) => union(types, place),
    })
  }

  const attempt = (type: Shape, place: Place): Attempt => {
    if (type.kind === 'record') {
      const convert = record(type, place)
      return (value) => (isJsonObject(value) ? convert(value) : undefined)
    }
    if (type.kind !== 'array') return SCALARS[type.kind]
    const inner = new Place(place)
    const [only, another] = type.items
    // Items that can only be strings are made so; elsewhere that is a mistake of the data.
    const convert: ConvertValue =
      only?.kind === 'string' && !another ? textOf : union(type.items, inner)
    const items = compileItems(inner, convert)
    return (value) => (Array.isArray(value) ? items(value) : undefined)
  }

  const union = (types: readonly Shape[], place: Place): ConvertValue => {
    const attempts = types.map((type) => attempt(type, place))
    const kinds: readonly Shape['kind'][] = types.map(({ kind }) => kind)
    const text = kinds.indexOf('string')
    const double = kinds.findIndex((kind) => kind === 'double' || kind === 'float')
    const several = types.length > 1
    const in_branch = (index: number, value: AvroValue) =>
      several ? new Branch(index, value) : value
    const fallback = types.some((type) => type.kind === 'string' && type.fallback)
    /** Where a `long` or text can have it, a double must not round an integer. */
    const careful = double >= 0 && kinds.includes('long')

    const misfit = (value: JsonValue): AvroValue => {
      if (text < 0 && careful) {
        const rounded = doubleNumber(value)
        if (rounded !== undefined) return in_branch(double, rounded)
      }
      report.bad(place, { kinds, value, kept_as: text < 0 ? 'null' : 'text' })
      return text < 0 ? null : in_branch(text, textOf(value))
    }

    const single = attempts[0]
    if (!several && single !== undefined) return (value) => single(value) ?? misfit(value)
    return (value) => {
      for (let index = 0; index < attempts.length; index += 1) {
        if (careful && index === double && isUnsafeInteger(value)) continue
        const fitting = attempts[index]?.(value)
        if (fitting === undefined) continue
        if (index === text && fallback) report.bad(place, { kinds, value, kept_as: 'text' })
        return new Branch(index, fitting)
      }
      return misfit(value)
    }
  }

  return record(shape, undefined)
}

const asDouble: Attempt = (value) =>
  typeof value === 'string' ? doubleString(value) : doubleNumber(value)

const asFloat: Attempt = (value) => {
  const double = typeof value === 'string' ? doubleString(value) : doubleNumber(value)
  if (double === undefined) return undefined
  // A number that only a double can hold must not become infinite.
  return Number.isFinite(Math.fround(double)) || !Number.isFinite(double) ? double : undefined
}

/** Microseconds and days that stand for a time which no reader has are no times: the year 290,000 is enough. */
const MAX_MICROS = 9_000_000_000_000_000_000n
const MAX_DAYS = 100_000_000

const nearTime = (micros: number | bigint | undefined): number | bigint | undefined =>
  micros !== undefined && micros <= MAX_MICROS && micros >= -MAX_MICROS ? micros : undefined

const asTimestamp: Attempt = (value) => {
  if (typeof value !== 'string') return nearTime(longNumber(value))
  return parseTimestamp(value, { offset: 'apply', digits: 3 }) ?? nearTime(longString(value, false))
}

const asTime: Attempt = (value) => {
  if (typeof value !== 'string') return timeWithinDay(longNumber(value))
  return parseTimeOfDay(value, 'apply_with_fraction') ?? timeWithinDay(longString(value, false))
}

const timeWithinDay = (micros: number | bigint | undefined): number | undefined =>
  typeof micros === 'number' && micros >= 0 && micros < 86_400_000_000 ? micros : undefined

const asDate: Attempt = (value) => {
  if (typeof value === 'string') return parseDate(value)
  const day = longNumber(value)
  return typeof day === 'number' && Math.abs(day) <= MAX_DAYS ? day : undefined
}

/** Base64 (RFC 4648 §4), padded; any other text stands for its own bytes. */
const asBytes: Attempt = (value) => {
  if (typeof value !== 'string') return undefined
  const encoded = value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
  if (!encoded) return new TextEncoder().encode(value)
  return Uint8Array.from(atob(value), (byte) => byte.charCodeAt(0))
}

const asString: Attempt = (value) => (typeof value === 'string' ? value : undefined)

const SCALARS: Record<ScalarKind, Attempt> = {
  string: asString,
  any_text: textOf,
  object_text: textOf,
  array_text: textOf,
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  long: (value) => (typeof value === 'string' ? longString(value, false) : longNumber(value)),
  float: asFloat,
  double: asDouble,
  bytes: asBytes,
  date: asDate,
  time_tz: asTime,
  time_ntz: asTime,
  timestamp_tz: asTimestamp,
  timestamp_ntz: asTimestamp,
}
