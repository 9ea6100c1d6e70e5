import type { ParquetField } from '../../../core/records/parquet-type.ts'
import { BUILT_IN_COLUMNS } from '../built-in-columns.ts'
import type { Encoding } from '../encode.ts'
import {
  builtInWriter,
  type PlainColumn,
  type PlainField,
  PlainRows,
  plainFieldsOf,
} from '../plain-rows.ts'
import { type PlainTake, plainTake } from '../plain-value.ts'
import type { LeafColumn } from './leaf-column.ts'
import { LineRuns, type RunColumn } from './line-runs.ts'
import type { Shred } from './shred.ts'

export interface RowColumns {
  readonly columns: readonly ParquetField[]
  readonly leaves: readonly LeafColumn[]
  /** One for each of `columns`. */
  readonly shreds: readonly Shred[]
}

/** Ways to add plain records to the leaves, each of which gets one level of a record: one by one, and in runs. */
export interface FastWays {
  readonly plain: PlainRows
  readonly runs: LineRuns
}

/** Undefined where the stream has no plain records. */
export function fastWays(encoding: Encoding, rows: RowColumns): FastWays | undefined {
  const fields = plainFieldsOf(encoding)
  if (fields === undefined) return undefined
  const by_column = Map.groupBy(rows.leaves, ({ leaf }) => leaf.path[0] as string)
  const leaves_of = rows.columns.map(({ name }) => by_column.get(name) ?? [])
  const [, time] = BUILT_IN_COLUMNS[encoding.output_schema]
  const run_columns: RunColumn[] = []
  const columns = rows.columns.map(({ name }, index): PlainColumn => {
    const leaves = leaves_of[index] as readonly LeafColumn[]
    const [leaf] = leaves
    const built_in =
      leaf === undefined
        ? undefined
        : builtInWriter(name, encoding, {
            long: (value) => leaf.long(value),
            id: () => leaf.rows(1),
            meta: (value) => rows.shreds[index]?.(value, 0, 0),
          })
    if (built_in !== undefined) {
      const told = name === time ? 'emitted' : leaf?.leaf.row_id ? 'row_id' : built_in
      run_columns.push({ leaves, from: told })
      return { otherwise: built_in }
    }
    const otherwise = () => {
      for (const leaf of leaves) leaf.none(0)
    }
    const field = fields.get(name)
    run_columns.push({ leaves, from: field ?? otherwise })
    if (field === undefined) return { otherwise }
    return { field: { key: field.key, take: takeOf(field, leaves) }, otherwise }
  })
  const plain = new PlainRows(columns, {
    undo(some) {
      for (let index = 0; index < some; index++) {
        for (const leaf of leaves_of[index] as readonly LeafColumn[]) leaf.undo()
      }
    },
  })
  return { plain, runs: new LineRuns(run_columns) }
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
