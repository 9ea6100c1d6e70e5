import type { ParquetField } from '../../../core/records/parquet-type.ts'
import type { Encoding } from '../encode.ts'
import { type PlainColumn, type PlainField, PlainRows, plainFieldsOf } from '../plain-rows.ts'
import { type PlainTake, plainTake } from '../plain-value.ts'
import { UUID_LENGTH, UuidWriter } from '../uuid-writer.ts'
import type { LeafColumn } from './leaf-column.ts'
import type { Shred } from './shred.ts'

export interface RowColumns {
  readonly columns: readonly ParquetField[]
  readonly leaves: readonly LeafColumn[]
  /** One for each of `columns`. */
  readonly shreds: readonly Shred[]
}

/** Adds plain records to the leaves, each of which gets one level of it; undefined where the stream has none. */
export function plainColumns(encoding: Encoding, rows: RowColumns): PlainRows | undefined {
  const fields = plainFieldsOf(encoding)
  if (fields === undefined) return undefined
  const by_column = Map.groupBy(rows.leaves, ({ leaf }) => leaf.path[0] as string)
  const leaves_of = rows.columns.map(({ name }) => by_column.get(name) ?? [])
  const columns = rows.columns.map(({ name }, index): PlainColumn => {
    const leaves = leaves_of[index] as readonly LeafColumn[]
    const built_in = builtInWriter(name, encoding, leaves, rows.shreds[index] as Shred)
    if (built_in !== undefined) return { otherwise: built_in }
    const otherwise = () => {
      for (const leaf of leaves) leaf.none(0)
    }
    const field = fields.get(name)
    if (field === undefined) return { otherwise }
    return { field: { key: field.key, take: takeOf(field, leaves) }, otherwise }
  })
  return new PlainRows(columns, {
    undo(some) {
      for (let index = 0; index < some; index++) {
        for (const leaf of leaves_of[index] as readonly LeafColumn[]) leaf.undo()
      }
    },
  })
}

const nothing: PlainTake = () => false

function takeOf(field: PlainField, leaves: readonly LeafColumn[]): PlainTake {
  const [leaf, text, more] = leaves
  if (field.kind === undefined || leaf === undefined || more !== undefined) return nothing
  const take = plainTake(field.kind, leaf, field) ?? nothing
  if (text === undefined) return take
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
): PlainColumn['otherwise'] | undefined {
  const [leaf] = leaves
  if (leaf === undefined) return undefined
  const id = (version: 4 | 7): PlainColumn['otherwise'] => {
    const uuids = new UuidWriter(version)
    const uuid = new Uint8Array(UUID_LENGTH)
    return (_, now) => {
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
