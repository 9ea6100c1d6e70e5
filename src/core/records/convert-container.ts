import { avroName } from './avro-name.ts'
import type { AvroRecord, AvroValue } from './avro-value.ts'
import type { Place } from './bad-value.ts'
import { isJsonObject, type JsonObject, type JsonValue, jsonText, setKey } from './exact-json.ts'
import { ADDITIONAL_NAMES, ADDITIONAL_PROPERTIES, type RecordShape } from './shape.ts'

/** Puts a value where the schema has a type or a union; reports what does not fit. Never given null. */
export type ConvertValue = (value: JsonValue) => AvroValue

/** Strings as they are, everything else as JSON text; digits are kept. */
export const textOf = (value: JsonValue): string =>
  typeof value === 'string' ? value : jsonText(value)

interface FieldConverter {
  readonly name: string
  readonly key: string
  /** Every object has something of this name without owning it. */
  readonly inherited: boolean
  readonly convert: ConvertValue
}

/** How a record is converted: its own place, what becomes of undeclared keys, and of each declared field. */
export interface RecordConversion {
  readonly shape: RecordShape
  readonly place: Place
  readonly additional_properties: boolean
  readonly fieldOf: (types: RecordShape['fields'][number]['types']) => ConvertValue
}

const own = (data: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(data, key) ? data[key] : undefined

/** Converts an object to a record with every field of the shape, in order; absent ones are null. */
export function compileRecord(conversion: RecordConversion): (data: JsonObject) => AvroRecord {
  const { shape, place, additional_properties } = conversion
  const fields: FieldConverter[] = []
  const template: AvroRecord = {}
  for (const { name, originals, types } of shape.fields) {
    setKey(template, name, null)
    const convert = conversion.fieldOf(types)
    for (const key of originals) {
      fields.push({ name, key, inherited: key in Object.prototype, convert })
    }
  }
  if (additional_properties) template[ADDITIONAL_PROPERTIES] = null
  const additional = additional_properties ? compileAdditional(fields, place) : undefined

  return (data) => {
    // A copy has all its fields at once, which is faster than adding them one by one.
    const record: AvroRecord = { ...template }
    let declared = 0
    for (const field of fields) {
      const value = field.inherited ? own(data, field.key) : data[field.key]
      if (value === undefined) continue
      declared += 1
      if (value === null) continue
      place.key = field.key
      record[field.name] = field.convert(value)
    }
    if (additional !== undefined && Object.keys(data).length !== declared) additional(data, record)
    return record
  }
}

/**
 * Handles keys that are not declared: one that is a declared field by its Avro name is that field, the others
 * go into the map of further properties as text.
 */
function compileAdditional(
  fields: readonly FieldConverter[],
  place: Place,
): (data: JsonObject, record: AvroRecord) => void {
  const declared = new Set(fields.map(({ key }) => key))
  const by_name = new Map(fields.map((field) => [field.name, field]))
  return (data, record) => {
    const map: AvroRecord = {}
    for (const key of Object.keys(data)) {
      const value = data[key]
      if (declared.has(key) || value === undefined) continue
      const renamed = by_name.get(avroName(key))
      if (ADDITIONAL_NAMES.has(key) && (value === null || isJsonObject(value))) {
        for (const inner of Object.keys(value ?? {})) putText(map, inner, value?.[inner])
      } else if (renamed !== undefined && own(data, renamed.key) === undefined) {
        place.key = key
        if (value !== null) record[renamed.name] = renamed.convert(value)
      } else putText(map, key, value)
    }
    if (Object.keys(map).length > 0) record[ADDITIONAL_PROPERTIES] = map
  }
}

function putText(map: AvroRecord, key: string, value: JsonValue | undefined): void {
  if (value !== null && value !== undefined) setKey(map, key, textOf(value))
}

/** Converts each item in its place; null stays null. */
export function compileItems(
  place: Place,
  convert: ConvertValue,
): (items: readonly JsonValue[]) => AvroValue[] {
  return (items) =>
    items.map((item, index) => {
      if (item === null) return null
      place.key = index
      return convert(item)
    })
}
