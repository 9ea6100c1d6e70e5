import { avroTypeName, originalNameDoc } from './avro-name.ts'
import type {
  AvroAnnotated,
  AvroField,
  AvroPrimitive,
  AvroRecordSchema,
  AvroSchema,
  TypeName,
} from './avro-schema.ts'

/**
 * What the values of a stream may look like: read from its JSON schema once, it gives both the Avro schema
 * and the conversion. A list of shapes is a union, null always being one of its members unsaid.
 */

export type ScalarKind =
  | 'string'
  /** Any value at all, as text: strings as they are, everything else as JSON text. */
  | 'any_text'
  /** An object whose fields are not declared, as JSON text; likewise an array. */
  | 'object_text'
  | 'array_text'
  | 'boolean'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'date'
  | 'time_tz'
  | 'time_ntz'
  | 'timestamp_tz'
  | 'timestamp_ntz'

export interface ScalarShape {
  readonly kind: ScalarKind
  /** Of a string: nobody declared it, it is there for times that cannot be read. */
  readonly fallback?: true
}

export interface ArrayShape {
  readonly kind: 'array'
  readonly items: readonly Shape[]
  /** How a record among the items is named: after the field, or after the field and `items`. */
  readonly naming: 'field' | 'items'
  /** It came out of a list of alternatives, which is a level of names of its own. */
  readonly within_union?: true
}

export interface FieldShape {
  readonly name: string
  /** How the field is called in the data; several where records with like names were merged. */
  readonly originals: readonly string[]
  readonly types: readonly Shape[]
}

export interface RecordShape {
  readonly kind: 'record'
  readonly fields: readonly FieldShape[]
}

export type Shape = ScalarShape | ArrayShape | RecordShape

export const ADDITIONAL_PROPERTIES = '_airbyte_additional_properties'
/** Both names under which sources send a map of further properties. */
export const ADDITIONAL_NAMES: ReadonlySet<string> = new Set([
  ADDITIONAL_PROPERTIES,
  '_ab_additional_properties',
])

const ADDITIONAL_FIELD: AvroField = {
  name: ADDITIONAL_PROPERTIES,
  type: ['null', { type: 'map', values: 'string' }],
  default: null,
}

const AVRO_SCALARS: Record<ScalarKind, AvroSchema> = {
  string: 'string',
  any_text: 'string',
  object_text: 'string',
  array_text: 'string',
  boolean: 'boolean',
  long: 'long',
  float: 'float',
  double: 'double',
  bytes: 'bytes',
  date: { type: 'int', logicalType: 'date' },
  time_tz: { type: 'long', logicalType: 'time-micros' },
  time_ntz: { type: 'long', logicalType: 'time-micros' },
  timestamp_tz: { type: 'long', logicalType: 'timestamp-micros' },
  timestamp_ntz: { type: 'long', logicalType: 'timestamp-micros' },
}

/** Type names of the kinds whose Avro type another kind has as well. */
const TOLD_APART: Partial<Record<Shape['kind'], TypeName>> = {
  object_text: 'object',
  array_text: 'array',
  time_ntz: 'time_without_timezone',
  timestamp_ntz: 'timestamp_without_timezone',
}

/** How an output schema names records and whether they keep what is not declared. */
export interface Rendering {
  readonly additional_properties: boolean
  /** Branches of a union say which JSON type they stand for, where that cannot be told from the Avro type. */
  readonly annotate: boolean
  /** Names from the outside in, to a namespace; empty for none. */
  readonly namespace: (path: readonly string[]) => string
  /** Where a record stands that is an item of the array at a path. */
  readonly item_path: (path: readonly string[]) => readonly string[]
  /** Gives the full name of a record out once. */
  readonly unique: (wanted: string) => string
}

/** A record by where it stands: names from the outside in, the last of which is its own. */
export function avroRecord(
  shape: RecordShape,
  path: readonly string[],
  rendering: Rendering,
): AvroRecordSchema {
  const original = path.at(-1) ?? ''
  const namespace = rendering.namespace(path.slice(0, -1))
  const wanted = avroTypeName(original)
  const full = rendering.unique(`${namespace}.${wanted}`)
  return {
    type: 'record',
    name: full.slice(namespace.length + 1),
    namespace,
    ...(wanted === original ? {} : { doc: originalNameDoc(original) }),
    fields: avroFields(shape, path, rendering),
  }
}

/** The fields of a record; those it did not declare last. */
export function avroFields(
  shape: RecordShape,
  path: readonly string[],
  rendering: Rendering,
): AvroField[] {
  const fields = shape.fields.map(({ name, originals, types }): AvroField => {
    const changed = originals.filter((original) => original !== name)
    return {
      name,
      type: avroUnion(types, [...path, originals[0] ?? name], rendering),
      ...(changed.length === 0 ? {} : { doc: changed.map(originalNameDoc).join('; ') }),
      default: null,
    }
  })
  return rendering.additional_properties ? [...fields, ADDITIONAL_FIELD] : fields
}

function avroUnion(
  types: readonly Shape[],
  path: readonly string[],
  rendering: Rendering,
): AvroSchema {
  if (types.length === 0) return 'null'
  const branches = types.map((shape) => avroBranch(shape, path, rendering))
  if (!rendering.annotate || types.length === 1) return ['null', ...branches]
  const annotated = branches.map((branch, index): AvroSchema => {
    const airbyte_type = TOLD_APART[types[index]?.kind ?? 'string']
    if (airbyte_type === undefined) return branch
    const scalar = branch as AvroPrimitive | AvroAnnotated
    return typeof scalar === 'string' ? { type: scalar, airbyte_type } : { ...scalar, airbyte_type }
  })
  return ['null', ...annotated]
}

function avroBranch(shape: Shape, path: readonly string[], rendering: Rendering): AvroSchema {
  if (shape.kind === 'record') return avroRecord(shape, path, rendering)
  if (shape.kind !== 'array') return AVRO_SCALARS[shape.kind]
  const outer = shape.within_union ? [...path, path.at(-1) ?? ''] : path
  const inner = shape.naming === 'items' ? rendering.item_path(outer) : outer
  return { type: 'array', items: avroUnion(shape.items, inner, rendering) }
}

type Merge = (types: readonly Shape[]) => Shape[]

/**
 * Several arrays become one whose items may be any of theirs, several records one with the fields of all:
 * Avro has no union of two of them. `merge` settles what the parts may then be; records come last.
 */
export function mergeContainers(types: readonly Shape[], merge: Merge): Shape[] {
  const arrays = types.filter((shape) => shape.kind === 'array')
  const records = types.filter((shape) => shape.kind === 'record')
  const merged: Shape[] = []
  for (const shape of types) {
    if (shape.kind === 'record') continue
    if (shape.kind !== 'array') merged.push(shape)
    else if (shape === arrays[0]) {
      merged.push({ ...shape, items: merge(arrays.flatMap(({ items }) => items)) })
    }
  }
  if (records.length > 0) merged.push(mergeRecords(records, merge))
  return merged
}

function mergeRecords(records: readonly RecordShape[], merge: Merge): RecordShape {
  const fields = new Map<string, FieldShape>()
  for (const field of records.flatMap((record) => record.fields)) {
    const known = fields.get(field.name)
    const originals = [...new Set([...(known?.originals ?? []), ...field.originals])]
    const types = known === undefined ? field.types : merge([...known.types, ...field.types])
    fields.set(field.name, { name: field.name, originals, types })
  }
  return { kind: 'record', fields: [...fields.values()] }
}

/** Scalars once each, in order. */
export function withoutRepeats(types: readonly Shape[]): Shape[] {
  const seen = new Set<string>()
  return types.filter(({ kind }) => {
    if (kind === 'array' || kind === 'record') return true
    if (seen.has(kind)) return false
    seen.add(kind)
    return true
  })
}
