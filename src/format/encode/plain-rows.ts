import type { AvroRecord } from '../../core/records/avro-value.ts'
import { shapeV1 } from '../../core/records/schema-v1.ts'
import { shapeV2 } from '../../core/records/schema-v2.ts'
import type { FieldShape, ScalarKind } from '../../core/records/shape.ts'
import type { Encoding } from './encode.ts'
import type { PlainOptions, PlainTake } from './plain-value.ts'
import type { RecordReader } from './record-reader.ts'

/** A field of the records, by its column's name. */
export interface PlainField extends PlainOptions {
  /** In the data, a character for each byte of the UTF-8, as the reader gives names. */
  readonly key: string
  /** Undefined where no value of the field is plain but null. */
  readonly kind: ScalarKind | undefined
}

/**
 * The stream's fields by the names of their columns; undefined where the stream has no plain records, as the
 * converter keeps what is not declared, or merged fields with like names.
 */
export function plainFieldsOf(encoding: Encoding): ReadonlyMap<string, PlainField> | undefined {
  const { stream, output_schema, keep_additional_properties } = encoding
  if (keep_additional_properties) return undefined
  const { fields } =
    output_schema === 'v1' ? shapeV1(stream.json_schema, { builtins: true }) : shapeV2(stream)
  if (fields.some(({ originals }) => originals.length !== 1)) return undefined
  const fraction_digits = output_schema === 'v1' ? 3 : 6
  return new Map(
    fields.map((field) => {
      const key = latin1(field.originals[0] as string)
      return [field.name, { key, kind: plainKind(field), fraction_digits }]
    }),
  )
}

/** A field that is one scalar, or one and, v1, text for times that cannot be read. */
function plainKind({ types }: FieldShape): ScalarKind | undefined {
  const [type, other, third] = types
  const scalar = type !== undefined && type.kind !== 'array' && type.kind !== 'record'
  const alone = other === undefined || ('fallback' in other && other.fallback === true)
  return scalar && alone && third === undefined ? type.kind : undefined
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** What is written of each record, in the order of the columns. */
export interface PlainColumn {
  /** Where the record has such a field with a value other than null, that is taken, … */
  readonly field?: { readonly key: string; readonly take: PlainTake }
  /** … and else this is written. */
  otherwise(reader: RecordReader, now: number): void
}

/** Where built-in columns go. */
export interface BuiltInSink {
  long(value: number): void
  /** The id of a row that is written now, in milliseconds since 1970. */
  id(now: number): void
  /** The whole of `_airbyte_meta`. */
  meta(value: AvroRecord): void
}

/** What is written of each record to the built-in column of this name; undefined where it is none. */
export function builtInWriter(
  name: string,
  { output_schema, sync_id, generation_id }: Encoding,
  sink: BuiltInSink,
): PlainColumn['otherwise'] | undefined {
  if (output_schema === 'v1') {
    if (name === '_airbyte_ab_id') return (_, now) => sink.id(now)
    if (name === '_airbyte_emitted_at') return (reader) => sink.long(reader.emittedAt())
    return undefined
  }
  switch (name) {
    case '_airbyte_raw_id':
      return (_, now) => sink.id(now)
    case '_airbyte_extracted_at':
      return (reader) => sink.long(reader.emittedAt())
    case '_airbyte_meta': {
      const meta = { sync_id, changes: [] }
      return () => sink.meta(meta)
    }
    case '_airbyte_generation_id':
      return () => sink.long(generation_id)
    default:
      return undefined
  }
}

/** What the columns write to. */
export interface PlainTarget {
  /** A record begins. */
  begin?(): void
  /** Takes back what the first so many columns have got of the record. */
  undo(columns: number): void
}

/** Names of records' fields that are kept, at most. */
const MAX_PLANS = 64
const LETTER_N = 0x6e

/**
 * *Plain* records are such as a source writes all day: every value is of the JSON kind that its field declares, and
 * written in the one usual way. Their values go from the line into the output without becoming values of
 * JavaScript. What comes of it is what the converter makes of such a record; anything else, were it only
 * unusual, is left to the converter.
 */
export class PlainRows {
  private readonly columns: readonly PlainColumn[]
  private readonly keys: ReadonlySet<string>
  private readonly target: PlainTarget
  /** For records with these names, which of them each column takes; -1: none. Undefined: they are not plain. */
  private readonly plans = new Map<readonly string[], Int32Array | undefined>()

  constructor(columns: readonly PlainColumn[], target: PlainTarget) {
    this.columns = columns
    this.keys = new Set(columns.flatMap(({ field }) => field?.key ?? []))
    this.target = target
  }

  /** Adds the record on which `reader` stands; false, and nothing added, where it is not plain. */
  add(reader: RecordReader, now: number): boolean {
    // What a source says it changed goes into the built-in columns.
    if (reader.changes_start >= 0) return false
    const { names, start, end } = reader.fields()
    const plan = this.planFor(names)
    if (plan === undefined) return false
    const { bytes, text } = reader
    const { columns, target } = this
    target.begin?.()
    for (let index = 0; index < columns.length; index++) {
      const column = columns[index] as PlainColumn
      const place = plan[index] as number
      const from = place < 0 ? 0 : (start[place] as number)
      if (place < 0 || bytes[from] === LETTER_N) column.otherwise(reader, now)
      else if (!column.field?.take(bytes, text, from, end[place] as number)) {
        target.undo(index)
        return false
      }
    }
    return true
  }

  private planFor(names: readonly string[]): Int32Array | undefined {
    if (this.plans.has(names)) return this.plans.get(names)
    const plan = this.planOf(names)
    if (this.plans.size === MAX_PLANS) this.plans.clear()
    this.plans.set(names, plan)
    return plan
  }

  private planOf(names: readonly string[]): Int32Array | undefined {
    const places = new Map(names.map((name, place) => [name, place]))
    // Of a name given twice the last counts; what is not declared goes elsewhere.
    if (places.size < names.length || names.some((name) => !this.keys.has(name))) return undefined
    return Int32Array.from(this.columns, ({ field }) =>
      field === undefined ? -1 : (places.get(field.key) ?? -1),
    )
  }
}
