import type { ParquetField } from '../../../core/records/parquet-type.ts'
import { shapeV1 } from '../../../core/records/schema-v1.ts'
import { shapeV2 } from '../../../core/records/schema-v2.ts'
import type { FieldShape } from '../../../core/records/shape.ts'
import type { Encoding } from '../encode.ts'
import type { RecordReader } from '../record-reader.ts'
import { UUID_LENGTH, UuidWriter } from '../uuid-writer.ts'
import type { LeafColumn } from './leaf-column.ts'
import { type PlainTake, plainTake } from './plain-value.ts'
import type { Shred } from './shred.ts'

/** Names of one record's fields whose like come again, at most. */
const MAX_SHAPES = 64

/** What is done with each field of records that have the same names. */
interface Plan {
  readonly takes: readonly Field[]
  /** Columns that these records lack. */
  readonly absent: readonly LeafColumn[]
}

interface Field {
  readonly take: PlainTake
  readonly leaves: readonly LeafColumn[]
}

export interface RowColumns {
  readonly columns: readonly ParquetField[]
  readonly leaves: readonly LeafColumn[]
  /** One for each of `columns`. */
  readonly shreds: readonly Shred[]
}

/**
 * *Plain* records are such as a source writes all day: every value is of the JSON kind that its field declares, and
 * written in the one usual way. Their values go from the line into the columns without becoming values of
 * JavaScript. What comes of it is what the converter makes of such a record; anything else, were it only
 * unusual, is left to the converter.
 */
export class PlainRows {
  private readonly fields: ReadonlyMap<string, Field>
  private readonly built_in: readonly ((reader: RecordReader, now: number) => void)[]
  private readonly all: ReadonlySet<LeafColumn>
  private readonly plans = new Map<readonly string[], Plan | undefined>()

  private constructor(
    fields: ReadonlyMap<string, Field>,
    built_in: readonly ((reader: RecordReader, now: number) => void)[],
    leaves: Iterable<LeafColumn>,
  ) {
    this.fields = fields
    this.built_in = built_in
    this.all = new Set(leaves)
  }

  /** Undefined where the stream has no plain records. */
  static of(encoding: Encoding, rows: RowColumns): PlainRows | undefined {
    // The converter keeps what is not declared.
    if (encoding.keep_additional_properties) return undefined
    const { stream, output_schema } = encoding
    const shape =
      output_schema === 'v1' ? shapeV1(stream.json_schema, { builtins: true }) : shapeV2(stream)
    // Records with like names were merged.
    if (shape.fields.some(({ originals }) => originals.length !== 1)) return undefined
    const by_column = Map.groupBy(rows.leaves, ({ leaf }) => leaf.path[0] as string)
    const by_name = new Map(shape.fields.map((field) => [field.name, field]))
    const fields = new Map<string, Field>()
    const built_in: ((reader: RecordReader, now: number) => void)[] = []
    const optional: LeafColumn[] = []
    rows.columns.forEach((column, index) => {
      const leaves = by_column.get(column.name) ?? []
      const write = builtInWriter(column.name, encoding, leaves, rows.shreds[index] as Shred)
      if (write !== undefined) {
        built_in.push(write)
        return
      }
      optional.push(...leaves)
      const field = by_name.get(column.name)
      const take = field === undefined ? undefined : takeOf(field, encoding, leaves)
      if (field === undefined || take === undefined) return
      fields.set(latin1(field.originals[0] as string), { take, leaves })
    })
    return fields.size === 0 ? undefined : new PlainRows(fields, built_in, optional)
  }

  /** Adds the record on which `reader` stands as a row; false, and nothing added for good, where it is not plain. */
  add(reader: RecordReader, now: number): boolean {
    // What a source says it changed goes into the built-in columns.
    if (reader.changes_start >= 0) return false
    const { names, start, end } = reader.fields()
    const plan = this.planFor(names)
    if (plan === undefined) return false
    const { bytes, text } = reader
    const { takes, absent } = plan
    for (let at = 0; at < takes.length; at++) {
      const { take, leaves } = takes[at] as Field
      const from = start[at] as number
      if (bytes[from] === LETTER_N) {
        for (const leaf of leaves) leaf.none(0)
      } else if (!take(bytes, text, from, end[at] as number)) {
        for (let done = 0; done < at; done++) {
          for (const leaf of (takes[done] as Field).leaves) leaf.undo()
        }
        return false
      }
    }
    for (let at = 0; at < absent.length; at++) (absent[at] as LeafColumn).none(0)
    for (let at = 0; at < this.built_in.length; at++) this.built_in[at]?.(reader, now)
    return true
  }

  private planFor(names: readonly string[]): Plan | undefined {
    if (this.plans.has(names)) return this.plans.get(names)
    const plan = this.planOf(names)
    if (this.plans.size === MAX_SHAPES) this.plans.clear()
    this.plans.set(names, plan)
    return plan
  }

  private planOf(names: readonly string[]): Plan | undefined {
    const takes = names.map((name) => this.fields.get(name))
    const known = takes.filter((take) => take !== undefined)
    // Of a name given twice the last counts; what is not declared goes elsewhere.
    if (known.length < takes.length || new Set(known).size < known.length) return undefined
    const given = new Set(known.flatMap(({ leaves }) => leaves))
    return { takes: known, absent: [...this.all].filter((leaf) => !given.has(leaf)) }
  }
}

const LETTER_N = 0x6e

/** A character for each byte of the UTF-8, as the reader gives names. */
const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** How the field's plain values are written; undefined where it has none. */
function takeOf(
  { types }: FieldShape,
  { output_schema }: Encoding,
  leaves: readonly LeafColumn[],
): PlainTake | undefined {
  const [type, other, third] = types
  const scalar = type !== undefined && type.kind !== 'array' && type.kind !== 'record'
  const alone = other === undefined || ('fallback' in other && other.fallback === true)
  const [leaf, text, more] = leaves
  if (!scalar || !alone || third !== undefined || leaf === undefined || more !== undefined) return
  const take = plainTake(type.kind, leaf, { fraction_digits: output_schema === 'v1' ? 3 : 6 })
  if (take === undefined || text === undefined) return take
  // v1 has text beside each time: a plain time is in the first member, and the group is there.
  return (bytes, line, start, end) => {
    if (!take(bytes, line, start, end)) return false
    text.none(1)
    return true
  }
}

function builtInWriter(
  name: string,
  { output_schema, sync_id, generation_id }: Encoding,
  leaves: readonly LeafColumn[],
  shred: Shred,
): ((reader: RecordReader, now: number) => void) | undefined {
  const [leaf] = leaves
  if (leaf === undefined) return undefined
  const id = (version: 4 | 7) => {
    const uuids = new UuidWriter(version)
    const uuid = new Uint8Array(UUID_LENGTH)
    return (_: RecordReader, now: number) => {
      uuids.write(uuid, 0, now)
      leaf.slice(uuid, 0, UUID_LENGTH)
    }
  }
  if (output_schema === 'v1') {
    if (name === '_airbyte_ab_id') return id(4)
    if (name === '_airbyte_emitted_at') return (reader) => leaf.long(reader.emittedAt())
    return undefined
  }
  switch (name) {
    case '_airbyte_raw_id':
      return id(7)
    case '_airbyte_extracted_at':
      return (reader) => leaf.long(reader.emittedAt())
    case '_airbyte_meta': {
      const meta = { sync_id, changes: [] }
      return () => shred(meta, 0, 0)
    }
    case '_airbyte_generation_id':
      return () => leaf.long(generation_id)
    default:
      return undefined
  }
}
