import type { ParquetOutput } from '../../../core/destination/output.ts'
import type { ParquetField, ParquetScalarKind } from '../../../core/records/parquet-type.ts'
import {
  type ColumnChunk,
  DATA_PAGE,
  DICTIONARY_PAGE,
  PLAIN,
  RLE,
  RLE_DICTIONARY,
} from './chunk.ts'
import { LEAF_TYPES, type Leaf, TYPES } from './leaves.ts'
import { CODECS } from './pack.ts'
import {
  binary,
  bool,
  i16,
  i32,
  i64,
  list,
  struct,
  type ThriftFields,
  type ThriftValue,
  thriftBytes,
} from './thrift.ts'

/** Begins and ends a file. */
export const MAGIC = 'PAR1'
const VERSION = 2
const CREATED_BY = 'bucketline'

/** A row group as it lies in the file. */
export interface WrittenGroup {
  readonly rows: number
  /** Where its first page begins. */
  readonly at: number
  readonly bytes: number
  /** Without their pages; one for each leaf. */
  readonly chunks: readonly WrittenChunk[]
}
export type WrittenChunk = Omit<ColumnChunk, 'bytes'> & {
  readonly at: number
  readonly packed_bytes: number
}

/** What a file ends with: its footer (parquet.thrift, `FileMetaData`), the footer's length and the magic. */
export function footerOf(
  columns: readonly ParquetField[],
  leaves: readonly Leaf[],
  groups: readonly WrittenGroup[],
  output: ParquetOutput,
): Buffer {
  const footer = thriftBytes({
    1: i32(VERSION),
    2: list([
      element('record', { 5: i32(columns.length) }),
      ...columns.flatMap((column) => elementsOf(column)),
    ]),
    3: i64(groups.reduce((sum, { rows }) => sum + rows, 0)),
    4: list(groups.map((group, index) => rowGroup(group, index, leaves, output))),
    6: binary(CREATED_BY),
    // Each leaf has the order that its type defines: without it readers take no least and greatest value.
    7: list(leaves.map(() => struct({ 1: struct({}) }))),
  })
  const end = Buffer.alloc(8)
  end.writeUInt32LE(footer.length)
  end.write(MAGIC, 4, 'latin1')
  return Buffer.concat([footer, end])
}

function rowGroup(
  { rows, at, bytes, chunks }: WrittenGroup,
  index: number,
  leaves: readonly Leaf[],
  output: ParquetOutput,
): ThriftValue {
  return struct({
    1: list(chunks.map((chunk, leaf) => columnChunk(chunk, leaves[leaf] as Leaf, output))),
    2: i64(chunks.reduce((sum, { unpacked_bytes }) => sum + unpacked_bytes, 0)),
    3: i64(rows),
    5: i64(at),
    6: i64(bytes),
    // 16 bits, and optional.
    7: index < 2 ** 15 ? i16(index) : undefined,
  })
}

function columnChunk(chunk: WrittenChunk, leaf: Leaf, { codec }: ParquetOutput): ThriftValue {
  const { at, dictionary_bytes, data_pages, range } = chunk
  const by_dictionary = dictionary_bytes > 0
  const encoding = by_dictionary ? RLE_DICTIONARY : PLAIN
  const pages = (type: number, of: number, count: number) =>
    struct({ 1: i32(type), 2: i32(of), 3: i32(count) })
  return struct({
    2: i64(at),
    3: struct({
      1: i32(TYPES[leaf.type]),
      2: list([...new Set([PLAIN, RLE, encoding])].map(i32)),
      3: list(leaf.path.map(binary)),
      4: i32(CODECS[codec]),
      5: i64(chunk.levels),
      6: i64(chunk.unpacked_bytes),
      7: i64(chunk.packed_bytes),
      9: i64(at + dictionary_bytes),
      11: by_dictionary ? i64(at) : undefined,
      12: struct({
        3: i64(chunk.nulls),
        5: range && binary(range.max),
        6: range && binary(range.min),
      }),
      13: list([
        ...(by_dictionary ? [pages(DICTIONARY_PAGE, PLAIN, 1)] : []),
        pages(DATA_PAGE, encoding, data_pages),
      ]),
    }),
  })
}

/** Numbers of parquet-format's `FieldRepetitionType` and `ConvertedType`. */
const REQUIRED = 0
const OPTIONAL = 1
const REPEATED = 2
const UTF8 = 0
const MAP = 1
const LIST = 3

/** What a leaf's values mean: its `ConvertedType`, for older readers, and its `LogicalType`. */
const MEANINGS: Partial<Record<ParquetScalarKind, readonly [number, ThriftFields]>> = {
  string: [UTF8, { 1: struct({}) }],
  uuid_string: [UTF8, { 1: struct({}) }],
  int32_date: [6, { 6: struct({}) }],
  time_micros: [8, { 7: inUtc(2) }],
  timestamp_millis: [9, { 8: inUtc(1) }],
  timestamp_micros: [10, { 8: inUtc(2) }],
}

/** A time whose `isAdjustedToUTC` is true. `unit`: the field of `TimeUnit`, 1 milliseconds and 2 microseconds. */
function inUtc(unit: 1 | 2): ThriftValue {
  return struct({ 1: bool(true), 2: struct({ [unit]: struct({}) }) })
}

const element = (name: string, fields: ThriftFields): ThriftValue =>
  struct({ ...fields, 4: binary(name) })

/** The schema's elements, groups before their fields. */
function elementsOf(field: ParquetField, repetition = OPTIONAL): ThriftValue[] {
  const group = (children: number, meaning: ThriftFields = {}) =>
    element(field.name, { 3: i32(repetition), 5: i32(children), ...meaning })
  switch (field.kind) {
    case 'group':
      return [group(field.children.length), ...field.children.flatMap((child) => elementsOf(child))]
    case 'list':
      return [
        group(1, { 6: i32(LIST), 10: struct({ 3: struct({}) }) }),
        element('list', { 3: i32(REPEATED), 5: i32(1) }),
        ...elementsOf({ ...field.element, name: 'element' }),
      ]
    case 'map':
      return [
        group(1, { 6: i32(MAP), 10: struct({ 2: struct({}) }) }),
        element('key_value', { 3: i32(REPEATED), 5: i32(2) }),
        ...elementsOf({ name: 'key', optional: false, kind: 'string' }, REQUIRED),
        ...elementsOf({ ...field.value, name: 'value' }),
      ]
    default: {
      const [converted, logical] = MEANINGS[field.kind] ?? []
      return [
        element(field.name, {
          1: i32(TYPES[LEAF_TYPES[field.kind]]),
          3: i32(repetition),
          6: converted === undefined ? undefined : i32(converted),
          10: logical === undefined ? undefined : struct(logical),
        }),
      ]
    }
  }
}
