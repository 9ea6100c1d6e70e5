import { type AvroRecord, type AvroValue, Branch } from './avro-value.ts'
import { Place } from './bad-value.ts'
import { type ConvertValue, compileItems, compileRecord, textOf } from './convert-container.ts'
import {
  doubleNumber,
  doubleString,
  isWrittenInteger,
  longNumber,
  longString,
} from './convert-number.ts'
import {
  ExactNumber,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  jsonText,
} from './exact-json.ts'
import type { Report } from './report.ts'
import type { RecordShape, ScalarKind, Shape } from './shape.ts'
import { parseDate, parseTimeOfDay, parseTimestamp } from './time-text.ts'

/** Puts a value into a type, changing its kind where that loses nothing; undefined where it does not fit. */
type Coerce = (value: JsonValue) => AvroValue | undefined

/**
 * The rules of the output schema v2. A value takes the first branch of a union that is of its very kind, else
 * the first into which it can be turned; what fits none is null and reported.
 */
export function compileV2(
  shape: RecordShape,
  options: { readonly keep_additional_properties: boolean; readonly report: Report },
): (data: JsonObject) => AvroRecord {
  const { report } = options

  const record = (fields: RecordShape, outer: Place | undefined) => {
    const place = new Place(outer)
    return compileRecord({
      shape: fields,
      place,
      additional_properties: options.keep_additional_properties,
      fieldOf: (types) => union(types, place),
    })
  }

  const coercion = (type: Shape, place: Place): Coerce => {
    if (type.kind === 'record') {
      const convert = record(type, place)
      return (value) => (isJsonObject(value) ? convert(value) : undefined)
    }
    if (type.kind !== 'array') return COERCIONS[type.kind]
    const inner = new Place(place)
    const items = compileItems(inner, union(type.items, inner))
    return (value) => (Array.isArray(value) ? items(value) : undefined)
  }

  const union = (types: readonly Shape[], place: Place): ConvertValue => {
    const coercions = types.map((type) => coercion(type, place))
    const kinds: readonly Shape['kind'][] = types.map(({ kind }) => kind)
    const single = coercions[0]
    if (types.length === 1 && single !== undefined) {
      return (value) => {
        const fitting = single(value)
        if (fitting !== undefined) return fitting
        report.bad(place, { kinds, value, kept_as: 'null' })
        return null
      }
    }
    const every = kinds.map((_, index) => index)
    const text = kinds.findIndex((kind) => kind === 'string' || kind === 'any_text')
    const double = kinds.indexOf('double')
    /** Branches in the order in which they are tried, of each kind of value. */
    const orders = new Map<ValueKind, number[]>()
    for (const kind of VALUE_KINDS) {
      // Text is text wherever a branch takes it, however much it looks like a time.
      const exact =
        kind === 'string' && text >= 0
          ? [text]
          : every.filter((index) => EXACT[kind].has(kinds[index] ?? 'string'))
      const rest = every.filter((index) => !exact.includes(index))
      // An integer that is too great for a long keeps its digits as text, and loses some as a double.
      if (kind === 'integer' && kinds.includes('long'))
        rest.sort((a, b) => Number(a === double) - Number(b === double))
      orders.set(kind, [...exact, ...rest])
    }
    return (value) => {
      for (const index of orders.get(valueKind(value)) ?? every) {
        const fitting = coercions[index]?.(value)
        if (fitting !== undefined) return new Branch(index, fitting)
      }
      report.bad(place, { kinds, value, kept_as: 'null' })
      return null
    }
  }

  return record(shape, undefined)
}

const VALUE_KINDS = ['string', 'integer', 'number', 'boolean', 'object', 'array'] as const
type ValueKind = (typeof VALUE_KINDS)[number]

function valueKind(value: JsonValue): ValueKind {
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'boolean'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' || value instanceof ExactNumber) {
    return isWrittenInteger(value) ? 'integer' : 'number'
  }
  return 'object'
}

/** Kinds of the schema that a kind of value is without being changed. */
const EXACT: Record<ValueKind, ReadonlySet<Shape['kind']>> = {
  string: new Set(['date', 'time_tz', 'time_ntz', 'timestamp_tz', 'timestamp_ntz'] as const),
  integer: new Set(['long'] as const),
  number: new Set(['double', 'float'] as const),
  boolean: new Set(['boolean'] as const),
  object: new Set(['record', 'object_text'] as const),
  array: new Set(['array', 'array_text'] as const),
}

const fromText =
  (parse: (text: string) => AvroValue | undefined): Coerce =>
  (value) =>
    typeof value === 'string' ? parse(value) : undefined

const asDouble: Coerce = (value) =>
  typeof value === 'string' ? doubleString(value) : doubleNumber(value)

const COERCIONS: Record<ScalarKind, Coerce> = {
  string: textOf,
  any_text: textOf,
  object_text: (value) => (isJsonObject(value) ? jsonText(value) : undefined),
  array_text: (value) => (Array.isArray(value) ? jsonText(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? value : undefined),
  long: (value) => (typeof value === 'string' ? longString(value, true) : longNumber(value)),
  float: asDouble,
  double: asDouble,
  bytes: fromText((text) => new TextEncoder().encode(text)),
  date: fromText(parseDate),
  time_tz: fromText((text) => parseTimeOfDay(text, 'apply')),
  time_ntz: fromText((text) => parseTimeOfDay(text, 'drop')),
  timestamp_tz: fromText((text) => parseTimestamp(text, { offset: 'apply', digits: 6 })),
  timestamp_ntz: fromText((text) => parseTimestamp(text, { offset: 'drop', digits: 6 })),
}
