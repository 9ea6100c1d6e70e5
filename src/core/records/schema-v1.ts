import type { JsonSchema, Stream } from '../destination/stream.ts'
import { avroName, avroNamespace, avroTypeName, originalNameDoc, uniqueNames } from './avro-name.ts'
import type { AvroField, AvroRecordSchema } from './avro-schema.ts'
import {
  ADDITIONAL_NAMES,
  ADDITIONAL_PROPERTIES,
  avroFields,
  type FieldShape,
  mergeContainers,
  type RecordShape,
  type Rendering,
  type ScalarShape,
  type Shape,
  withoutRepeats,
} from './shape.ts'
import { type WellKnownKinds, wellKnownKind } from './well-known-type.ts'

const WELL_KNOWN: WellKnownKinds = {
  String: 'string',
  BinaryData: 'bytes',
  Date: 'date',
  TimestampWithTimezone: 'timestamp_tz',
  TimestampWithoutTimezone: 'timestamp_ntz',
  TimeWithTimezone: 'string',
  TimeWithoutTimezone: 'time_ntz',
  Number: 'double',
  Integer: 'long',
  Boolean: 'boolean',
}

const BUILTINS: readonly AvroField[] = [
  { name: '_airbyte_ab_id', type: { type: 'string', logicalType: 'uuid' } },
  { name: '_airbyte_emitted_at', type: { type: 'long', logicalType: 'timestamp-millis' } },
]

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The Avro schema of a stream under the output schema v1; never fails: what it cannot make out is text. With
 * `builtins` the record's id and time come first. Names are made to fit Avro; where two fields come to the
 * same name, the later one gets `_1` (`_2` …), and `doc` says what each was called.
 */
export function avroSchemaV1(
  stream: Pick<Stream, 'name' | 'namespace' | 'json_schema'>,
  options: { readonly builtins: boolean },
): AvroRecordSchema {
  const name = avroTypeName(stream.name)
  const namespace = stream.namespace === undefined ? '' : avroNamespace(stream.namespace)
  const unique = uniqueNames()
  unique(`${namespace}.${name}`)
  const rendering: Rendering = {
    additional_properties: true,
    annotate: false,
    namespace: (path) => path.map(avroName).join('.'),
    // The record has no name of its own: it is the field's and `.items`, in the field's namespace.
    item_path: (path) => [...path.slice(0, -1), `${path.at(-1)}.items`],
    unique,
  }
  return {
    type: 'record',
    name,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === stream.name ? {} : { doc: originalNameDoc(stream.name) }),
    fields: [
      ...(options.builtins ? BUILTINS : []),
      ...avroFields(shapeV1(stream.json_schema, options), [], rendering),
    ],
  }
}

/** What a record of the stream may hold. Its fields have the names that `avroSchemaV1` gives them. */
export function shapeV1(schema: JsonSchema, options: { readonly builtins: boolean }): RecordShape {
  return recordShape(schema, options.builtins ? BUILTINS.map(({ name }) => name) : [])
}

function recordShape(schema: JsonSchema, taken: readonly string[] = []): RecordShape {
  const properties = isObject(schema.properties) ? schema.properties : {}
  const unique = uniqueNames()
  for (const name of [...taken, ADDITIONAL_PROPERTIES]) unique(name)
  const fields: FieldShape[] = []
  for (const [original, definition] of Object.entries(properties)) {
    if (ADDITIONAL_NAMES.has(original)) continue
    const types = withFallback(typesOf(isObject(definition) ? definition : {}))
    fields.push({ name: unique(avroName(original)), originals: [original], types })
  }
  return { kind: 'record', fields }
}

/** The types of a definition, null left out; empty where it takes nothing but null. */
function typesOf(definition: JsonSchema): Shape[] {
  const alternatives = [definition.anyOf, definition.allOf, definition.oneOf].find(Array.isArray)
  if (alternatives !== undefined) return alternativeTypes(alternatives)
  const known = wellKnownKind(definition.$ref, WELL_KNOWN)
  if (known !== undefined) return [{ kind: known }]
  const { type } = definition
  const named: unknown[] = Array.isArray(type) ? [...new Set(type)] : [type]
  if (named.length === 0) return [{ kind: 'any_text' }]
  return fitUnion(named.filter((name) => name !== 'null').map((name) => typeOf(name, definition)))
}

/** Records among the alternatives become one, which comes last. */
function alternativeTypes(definitions: readonly unknown[]): Shape[] {
  const types = definitions
    .flatMap((definition) => typesOf(isObject(definition) ? definition : {}))
    .map((shape): Shape => (shape.kind === 'array' ? { ...shape, within_union: true } : shape))
  return fitUnion(mergeContainers(types, merged))
}

const merged = (types: readonly Shape[]): Shape[] => fitUnion(mergeContainers(types, merged))

function typeOf(name: unknown, definition: JsonSchema): Shape {
  switch (name) {
    case 'string':
      return stringType(definition)
    case 'number':
      if (definition.airbyte_type === 'integer') return { kind: 'long' }
      return { kind: definition.airbyte_type === 'float' ? 'float' : 'double' }
    case 'integer':
      return { kind: 'long' }
    case 'boolean':
      return { kind: 'boolean' }
    case 'object':
      return recordShape(definition)
    case 'array':
      return arrayType(definition.items)
    default:
      return { kind: 'any_text' }
  }
}

function stringType({ format }: JsonSchema): Shape {
  if (format === 'date') return { kind: 'date' }
  if (format === 'time') return { kind: 'time_tz' }
  return { kind: format === 'date-time' ? 'timestamp_tz' : 'string' }
}

function arrayType(items: unknown): Shape {
  if (Array.isArray(items) && items.length > 0) {
    return { kind: 'array', naming: 'field', items: alternativeTypes(items) }
  }
  // A definition by alternatives alone is not looked into here, as the real thing does not.
  const usable = isObject(items) && ((items.type ?? undefined) !== undefined || '$ref' in items)
  const types: readonly Shape[] = usable ? withFallback(typesOf(items)) : [{ kind: 'any_text' }]
  return { kind: 'array', naming: 'items', items: types }
}

const isTemporal = ({ kind }: Shape): boolean =>
  kind === 'date' || kind.startsWith('time_') || kind.startsWith('timestamp_')

/** Times that cannot be read are kept as text. */
function withFallback(types: readonly Shape[]): readonly Shape[] {
  const text = types.some(({ kind }) => kind === 'string' || kind === 'any_text')
  if (text || !types.some(isTemporal)) return types
  const fallback: ScalarShape = { kind: 'string', fallback: true }
  return [...types, fallback]
}

/**
 * Leaves one branch of each Avro type (Avro 1.11, "Unions"): a plain `long` takes the place of times, which
 * are `long` too; of two kinds of time the first stays.
 */
function fitUnion(types: readonly Shape[]): Shape[] {
  const plain_long = types.some(({ kind }) => kind === 'long')
  const any_text = types.some(({ kind }) => kind === 'any_text')
  // Records that were merged bring the strings of their fields along.
  const declared_string = types.some((shape) => shape.kind === 'string' && !shape.fallback)
  let text = false
  let long_time = false
  const fitting: Shape[] = []
  for (const shape of withoutRepeats(types)) {
    if (shape.kind === 'string' || shape.kind === 'any_text') {
      if (text) continue
      text = true
      if (any_text) fitting.push({ kind: 'any_text' })
      else fitting.push(declared_string ? { kind: 'string' } : shape)
    } else if (shape.kind.startsWith('time')) {
      if (plain_long || long_time) continue
      long_time = true
      fitting.push(shape)
    } else fitting.push(shape)
  }
  return fitting
}
