import { type JsonSchema, type Stream, streamLabel } from '../destination/stream.ts'
import { ExchangeError } from '../errors.ts'
import { avroName, avroNamespace, uniqueNames } from './avro-name.ts'
import type { AvroField, AvroRecordSchema } from './avro-schema.ts'
import {
  ADDITIONAL_NAMES,
  avroFields,
  avroRecord,
  type FieldShape,
  mergeContainers,
  type RecordShape,
  type Rendering,
  type ScalarKind,
  type Shape,
  withoutRepeats,
} from './shape.ts'
import { type WellKnownKinds, wellKnownKind } from './well-known-type.ts'

const WELL_KNOWN: WellKnownKinds = {
  String: 'string',
  BinaryData: 'string',
  Date: 'date',
  TimestampWithTimezone: 'timestamp_tz',
  TimestampWithoutTimezone: 'timestamp_ntz',
  TimeWithTimezone: 'time_tz',
  TimeWithoutTimezone: 'time_ntz',
  Number: 'double',
  Integer: 'long',
  Boolean: 'boolean',
}

const BUILTIN_NAMES = [
  '_airbyte_raw_id',
  '_airbyte_extracted_at',
  '_airbyte_meta',
  '_airbyte_generation_id',
]

type StreamSchema = Pick<Stream, 'name' | 'namespace' | 'json_schema'>

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The Avro schema of a stream under the output schema v2. Names are made to fit as in v1. With
 * `keep_additional_properties` every record has a map of what it did not declare. Throws `schema_unsupported`
 * for a type that JSON schema does not know.
 */
export function avroSchemaV2(
  stream: StreamSchema,
  options: { readonly keep_additional_properties: boolean },
): AvroRecordSchema {
  const path = [stream.namespace || 'default', stream.name]
  const unique = uniqueNames()
  const rendering: Rendering = {
    additional_properties: options.keep_additional_properties,
    annotate: true,
    // From the inside out, as the real thing has it; a namespace of the stream keeps the order of its parts.
    namespace: (names) =>
      names
        .map((name, index) => (index === 0 ? avroNamespace(name) : avroName(name)))
        .reverse()
        .join('.'),
    item_path: (names) => [...names, 'items'],
    unique,
  }
  const root = avroRecord({ kind: 'record', fields: [] }, path, rendering)
  const builtins = builtinFields(path, rendering)
  return {
    ...root,
    fields: [...builtins, ...avroFields(shapeV2(stream), path, rendering)],
  }
}

function builtinFields(path: readonly string[], rendering: Rendering): AvroField[] {
  const record = (names: readonly string[], fields: AvroField[]): AvroRecordSchema => ({
    ...avroRecord({ kind: 'record', fields: [] }, [...path, ...names], {
      ...rendering,
      additional_properties: false,
    }),
    fields,
  })
  const change = record(
    ['_airbyte_meta', 'changes', 'items'],
    [
      { name: 'field', type: 'string' },
      { name: 'change', type: 'string' },
      { name: 'reason', type: 'string' },
    ],
  )
  const meta = record(
    ['_airbyte_meta'],
    [
      { name: 'sync_id', type: 'long' },
      { name: 'changes', type: { type: 'array', items: change } },
    ],
  )
  return [
    { name: '_airbyte_raw_id', type: { type: 'string', logicalType: 'uuid' } },
    { name: '_airbyte_extracted_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: '_airbyte_meta', type: meta },
    { name: '_airbyte_generation_id', type: 'long' },
  ]
}

/** What a record of the stream may hold. Its fields have the names that `avroSchemaV2` gives them. */
export function shapeV2(stream: StreamSchema): RecordShape {
  const label = streamLabel(stream)

  const recordShape = (
    properties: unknown,
    path: readonly string[],
    taken: readonly string[] = [],
  ): RecordShape => {
    const unique = uniqueNames()
    for (const name of [...taken, ...ADDITIONAL_NAMES]) unique(name)
    const fields: FieldShape[] = []
    for (const [original, definition] of Object.entries(isObject(properties) ? properties : {})) {
      if (ADDITIONAL_NAMES.has(original)) continue
      const types = fitUnion(typesOf(definition, [...path, original]))
      fields.push({ name: unique(avroName(original)), originals: [original], types })
    }
    return { kind: 'record', fields }
  }

  /** The types of a definition, alternatives within alternatives drawn out; never none. */
  const typesOf = (definition: unknown, path: readonly string[]): Shape[] => {
    if (!isObject(definition)) return [{ kind: 'any_text' }]
    const known = wellKnownKind(definition.$ref, WELL_KNOWN)
    if (known !== undefined) return [{ kind: known }]
    const type = definition.type ?? undefined
    if (type !== undefined) {
      const named: unknown[] = Array.isArray(type) ? [...new Set(type)] : [type]
      const types = named
        .filter((name) => name !== 'null')
        .map((name) => typeOf(name, definition, path))
      return types.length === 0 ? [{ kind: 'any_text' }] : types
    }
    const alternatives = [definition.oneOf, definition.anyOf, definition.allOf].find(Array.isArray)
    if (alternatives !== undefined && alternatives.length > 0) {
      const some = alternatives.filter((member) => !(isObject(member) && member.type === 'null'))
      return some.length === 0
        ? [{ kind: 'any_text' }]
        : some.flatMap((member) => typesOf(member, path))
    }
    return [isObject(definition.properties) ? objectType(definition, path) : { kind: 'any_text' }]
  }

  const typeOf = (name: unknown, definition: JsonSchema, path: readonly string[]): Shape => {
    switch (name) {
      case 'string':
        return { kind: stringKind(definition) }
      case 'number':
        return { kind: definition.airbyte_type === 'integer' ? 'long' : 'double' }
      case 'integer':
      case 'int':
        return { kind: 'long' }
      case 'boolean':
        return { kind: 'boolean' }
      case 'object':
        return objectType(definition, path)
      case 'array':
        return arrayType(definition.items, path)
      default:
        throw new ExchangeError(
          'schema_unsupported',
          `Stream "${label}": the field "${path.join('.')}" is of the unknown type ${JSON.stringify(name)}.`,
          { details: { stream: label, field: path.join('.') } },
        )
    }
  }

  const objectType = ({ properties }: JsonSchema, path: readonly string[]): Shape =>
    isObject(properties) && Object.keys(properties).length > 0
      ? recordShape(properties, path)
      : { kind: 'object_text' }

  const arrayType = (items: unknown, path: readonly string[]): Shape => {
    const definition = Array.isArray(items) && items.length > 0 ? { oneOf: items } : items
    if (!isObject(definition) || Object.keys(definition).length === 0) return { kind: 'array_text' }
    const types = fitUnion(typesOf(definition, [...path, '[]']))
    return { kind: 'array', naming: 'items', items: types }
  }

  return recordShape(stream.json_schema.properties, [], BUILTIN_NAMES)
}

function stringKind({ format, airbyte_type }: JsonSchema): ScalarKind {
  switch (format) {
    case 'date':
      return 'date'
    case 'time':
      return airbyte_type === 'time_without_timezone' ? 'time_ntz' : 'time_tz'
    case 'date-time':
      return airbyte_type === 'timestamp_without_timezone' ? 'timestamp_ntz' : 'timestamp_tz'
    default:
      return 'string'
  }
}

const isText = ({ kind }: Shape): boolean => kind === 'string' || kind.endsWith('_text')

/**
 * Leaves one branch of each Avro type (Avro 1.11, "Unions"), which the real thing fails over: several kinds
 * of text are one string, and a time that would be a second `long` is kept as text.
 */
function fitUnion(types: readonly Shape[]): Shape[] {
  const plain_long = types.some(({ kind }) => kind === 'long')
  let time: string | undefined
  const fitting = withoutRepeats(mergeContainers(types, fitUnion)).map((shape): Shape => {
    if (!shape.kind.startsWith('time')) return shape
    const family = shape.kind.startsWith('timestamp') ? 'timestamp' : 'time'
    if (plain_long || (time !== undefined && time !== family)) return { kind: 'string' }
    time = family
    return shape
  })
  const texts = fitting.filter(isText)
  const first_text = texts[0]
  let long_time = false
  return fitting.flatMap((shape): Shape[] => {
    if (isText(shape)) {
      if (shape !== first_text) return []
      return texts.length > 1 ? [{ kind: 'string' }] : [shape]
    }
    if (!shape.kind.startsWith('time')) return [shape]
    if (long_time) return []
    long_time = true
    return [shape]
  })
}
