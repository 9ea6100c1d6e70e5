/**
 * Writes the pages of a column of a row group, in AssemblyScript; `npm run kernels` compiles it, and
 * ../../parquet/page-kernel.ts calls it. Memory is laid out by the caller; 16 bytes behind whatever is read must be
 * there, and mean nothing.
 */
import { findDictionary as find } from './shared/dictionary'
import { mostBytes, widthFor, writeHybrid, writeRun } from './shared/hybrid'
import { findRange as rangeOf } from './shared/range'
import { countUp, UUID_BYTES } from './shared/uuid'
import { bytesOf, TEXT_LENGTH } from './shared/values'

export { bytes, size } from './shared/dictionary'
export { greatest, least } from './shared/range'

/** Memory from here on is the caller's. */
export const heap: usize = __heap_base

/** Of a page, so that one whose values take no room ends, too. */
const MOST_LEVELS: u32 = 1 << 20
const LENGTH_BYTES: usize = 4

/** Parquet's number of the type; a boolean takes a byte here. */
let type: u32 = 0
/** Bytes of a value; 0 for texts, which stand behind their length. */
let width: usize = 0
let levels: u32 = 0
/** A byte for each level; 0 where every value is there. */
let definitions: usize = 0
let max_definition: u32 = 0
/** A byte for each level; 0 where there is no list. */
let repetitions: usize = 0
let max_repetition: u32 = 0
/** The values in PLAIN encoding. */
let plain: usize = 0
let plain_end: usize = 0
/** The values' numbers in the dictionary, 32 bits each; 0 where there is none. */
let indices: usize = 0
let index_width: u32 = 0

/** Of the page: its first level and value, and where it stands. */
let first_level: u32 = 0
let first_value: u32 = 0
let first_at: usize = 0
/** Behind it. */
let level: u32 = 0
let value: u32 = 0
let at: usize = 0

/** Begins with a column. */
export function open(
  type_: u32,
  width_: usize,
  levels_: u32,
  definitions_: usize,
  max_definition_: u32,
  repetitions_: usize,
  max_repetition_: u32,
  plain_: usize,
  plain_end_: usize,
): void {
  type = type_
  width = width_
  levels = levels_
  definitions = definitions_
  max_definition = max_definition_
  repetitions = repetitions_
  max_repetition = max_repetition_
  plain = plain_
  plain_end = plain_end_
  indices = 0
  level = 0
  value = 0
  at = plain_
}

/** How many of the levels are no values. */
export function absent(): u32 {
  let count: u32 = 0
  if (definitions !== 0) {
    for (let place: usize = 0; place < levels; place++)
      count += <u32>(load<u8>(definitions + place) !== max_definition)
  }
  return count
}

/** Writes UUIDs as texts at `out`: `count` of them, the first of which stands there already. */
export function countUuids(out: usize, count: u32): void {
  const bytes = TEXT_LENGTH + UUID_BYTES
  store<u32>(out, UUID_BYTES)
  for (let index: u32 = 1; index < count; index++) {
    memory.copy(out + bytes, out, bytes)
    out += bytes
    countUp(out + TEXT_LENGTH)
  }
}

/** Finds the least and the greatest of values, the column's own or a dictionary's; false where there is none. */
export function findRange(from: usize, to: usize): bool {
  return from < to && rangeOf(type, from, to)
}

/** Numbers the values into `numbers`: see shared/dictionary.ts. */
export function findDictionary(
  numbers: usize,
  different: usize,
  most_bytes: u32,
  entries: usize,
  slots: usize,
  most_size: u32,
): bool {
  return find(width, plain, plain_end, numbers, different, most_bytes, entries, slots, most_size)
}

/** Pages hold numbers of this width from now on. */
export function useDictionary(numbers: usize, width_: u32): void {
  indices = numbers
  index_width = width_
}

/** Goes on to the next page, of about `page_bytes`, which ends between rows: how many levels it has; 0 at the end. */
export function next(page_bytes: u32): u32 {
  first_level = level
  first_value = value
  first_at = at
  if (level === levels) return 0
  const most = (<u64>page_bytes) << 3
  let bits: u64 = 0
  do {
    if (definitions === 0 || load<u8>(definitions + level) === max_definition) {
      value++
      if (indices !== 0) bits += index_width
      else {
        const length = width === 0 ? bytesOf(at) : width
        bits += (<u64>length) << 3
        at += length
      }
    }
    level++
  } while (
    level < levels &&
    ((bits < most && level - first_level < MOST_LEVELS) ||
      (repetitions !== 0 && load<u8>(repetitions + level) !== 0))
  )
  return level - first_level
}

/** Bytes that the page takes at most. */
export function room(): u32 {
  const count = level - first_level
  const of_levels =
    2 * LENGTH_BYTES +
    mostBytes(count, widthFor(max_definition)) +
    mostBytes(count, widthFor(max_repetition))
  const of_values =
    indices === 0 ? <u32>(at - first_at) : 1 + mostBytes(value - first_value, index_width)
  return of_levels + of_values
}

/** Writes the page: how many bytes. */
export function write(out: usize): u32 {
  let place = writeLevels(out, repetitions, max_repetition)
  place = writeLevels(place, definitions, max_definition)
  if (indices !== 0) {
    store<u8>(place++, <u8>index_width)
    place = writeHybrid<u32>(place, indices, first_value, value, index_width)
  } else if (type === 0) {
    place = writeBits(place)
  } else {
    memory.copy(place, first_at, at - first_at)
    place += at - first_at
  }
  return <u32>(place - out)
}

/** Levels stand behind their length (parquet-format, Encodings.md, "RLE"); where there is but one, not at all. */
function writeLevels(out: usize, all: usize, most: u32): usize {
  if (most === 0) return out
  const width = widthFor(most)
  const start = out + LENGTH_BYTES
  const end =
    all === 0
      ? writeRun(start, most, level - first_level, width)
      : writeHybrid<u8>(start, all, first_level, level, width)
  store<u32>(out, <u32>(end - start))
  return end
}

/** Booleans, eight in a byte. */
function writeBits(out: usize): usize {
  let place = out
  for (let from = first_at; from < at; from += 8) {
    const count = min<usize>(8, at - from)
    let byte: u32 = 0
    for (let bit: usize = 0; bit < count; bit++) byte |= (<u32>load<u8>(from + bit)) << (<u32>bit)
    store<u8>(place++, <u8>byte)
  }
  return place
}
