import type { AvroRecord, AvroValue, Branch } from '../../../core/records/avro-value.ts'
import type { ParquetField, ParquetScalarKind } from '../../../core/records/parquet-type.ts'
import type { LeafColumn } from './leaf-column.ts'

/**
 * Writes a value, or that there is none, to the leaves below a field. `definition`: the level of what is above it;
 * `repetition`: the level at which it begins (parquet-format, "Nested Encoding").
 */
export type Shred = (value: AvroValue | undefined, definition: number, repetition: number) => void

/**
 * For each column a function that takes its values apart. `leaves`: all leaves of the columns, in order. Every
 * field is optional but the keys of maps.
 */
export function shredders(
  columns: readonly ParquetField[],
  leaves: readonly LeafColumn[],
): Shred[] {
  const rest = leaves.values()
  return columns.map((column) => shredderOf(column, rest, 0))
}

/** `depth`: how many lists and maps are above. */
function shredderOf(field: ParquetField, leaves: Iterator<LeafColumn>, depth: number): Shred {
  switch (field.kind) {
    case 'group': {
      const shreds = field.children.map((child) => shredderOf(child, leaves, depth))
      return field.union === undefined
        ? groupShredder(field.children, shreds)
        : unionShredder(field.children, shreds)
    }
    case 'list': {
      const element = shredderOf(field.element, leaves, depth + 1)
      return repeatedShredder([element], depth + 1, (value) =>
        (value as AvroValue[]).map((item) => [item]),
      )
    }
    case 'map': {
      const key = leafShredder('string', leaves.next().value as LeafColumn)
      const value = shredderOf(field.value, leaves, depth + 1)
      return repeatedShredder([key, value], depth + 1, (map) => Object.entries(map as AvroRecord))
    }
    default:
      return leafShredder(field.kind, leaves.next().value as LeafColumn)
  }
}

function leafShredder(kind: ParquetScalarKind, column: LeafColumn): Shred {
  const put = writerOf(kind, column)
  return (value, definition, repetition) => {
    if (value === null || value === undefined) column.none(definition, repetition)
    else put(value, repetition)
  }
}

function writerOf(
  kind: ParquetScalarKind,
  column: LeafColumn,
): (value: AvroValue, repetition: number) => void {
  switch (kind) {
    case 'boolean':
      return (value, repetition) => column.boolean(value as boolean, repetition)
    case 'int32_date':
      return (value, repetition) => column.int(value as number, repetition)
    case 'float':
      return (value, repetition) => column.float(value as number, repetition)
    case 'double':
      return (value, repetition) => column.double(Number(value), repetition)
    case 'uuid_string':
      return () => column.rows(1)
    case 'string':
      return (value, repetition) => column.text(value as string, repetition)
    case 'bytes':
      return (value, repetition) => {
        const bytes = value as Uint8Array
        column.slice(bytes, 0, bytes.length, repetition)
      }
    default:
      return (value, repetition) => {
        if (typeof value === 'bigint') column.bigint(value, repetition)
        else column.long(value as number, repetition)
      }
  }
}

function groupShredder(children: readonly ParquetField[], shreds: readonly Shred[]): Shred {
  const names = children.map(({ name }) => name)
  return (value, definition, repetition) => {
    const none = value === null || value === undefined
    const record = value as AvroRecord
    for (let at = 0; at < shreds.length; at++) {
      const below = none ? undefined : record[names[at] as string]
      ;(shreds[at] as Shred)(below, none ? definition : definition + 1, repetition)
    }
  }
}

/** A group with a field for each branch; where there is a type, a field for the branch's name before them. */
function unionShredder(children: readonly ParquetField[], shreds: readonly Shred[]): Shred {
  const typed = children[0]?.optional === false
  return (value, definition, repetition) => {
    if (value === null || value === undefined) {
      for (const shred of shreds) shred(undefined, definition, repetition)
      return
    }
    const { branch, value: inner } = value as Branch
    const taken = typed ? branch + 1 : branch
    if (shreds[taken] === undefined) throw new Error('the union has no such branch')
    shreds.forEach((shred, at) => {
      const type = typed && at === 0 ? children[taken]?.name : undefined
      shred(at === taken ? inner : type, definition + 1, repetition)
    })
  }
}

/** Lists and maps: a group of which one field, the entries, is repeated. `own`: its level of repetition. */
function repeatedShredder(
  fields: readonly Shred[],
  own: number,
  entriesOf: (value: AvroValue) => readonly (readonly AvroValue[])[],
): Shred {
  return (value, definition, repetition) => {
    const entries = value === null || value === undefined ? [] : entriesOf(value)
    if (entries.length === 0) {
      const empty = value === null || value === undefined ? definition : definition + 1
      for (const shred of fields) shred(undefined, empty, repetition)
      return
    }
    entries.forEach((entry, index) => {
      fields.forEach((shred, at) => {
        shred(entry[at], definition + 2, index === 0 ? repetition : own)
      })
    })
  }
}
