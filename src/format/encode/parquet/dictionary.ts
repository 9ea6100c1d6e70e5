import type { ColumnValues } from './column-values.ts'
import { WIDEST, widthFor } from './hybrid.ts'

/** The different values of a column, and for each of its values which one it is. */
export interface Dictionary {
  /** The different values in PLAIN encoding, in the order in which they first came. */
  readonly bytes: Uint8Array
  readonly size: number
  readonly indices: Int32Array<ArrayBuffer>
  /** For each of the different values, which value of the column it first was. */
  readonly firsts: Int32Array
}

const MOST = 2 ** WIDEST
const FIRST_SLOTS = 1 << 12
/** After so many values it shows whether they repeat. */
const TRIAL = 1 << 14

/**
 * Finds the different values of a column; undefined where they take more than `most_bytes`, seem to, or where
 * naming them by number would not be shorter.
 */
export function dictionaryOf(column: ColumnValues, most_bytes: number): Dictionary | undefined {
  if (column.count === 0) return undefined
  const hashes = new Int32Array(column.count)
  const found = findDictionary(column, hashes, most_bytes)
  // Given back at once, as the column itself is.
  hashes.buffer.transfer(0)
  return found
}

function findDictionary(
  column: ColumnValues,
  value_hashes: Int32Array,
  most_bytes: number,
): Dictionary | undefined {
  const { count, bytes, starts } = column
  const kind = kindOf(column)
  const indices = new Int32Array(count)
  let firsts = new Int32Array(1024)
  let hashes = new Int32Array(1024)
  let size = 0
  let size_bytes = 0
  let slots = new Int32Array(FIRST_SLOTS)
  let mask = FIRST_SLOTS - 1
  hashValues(column, value_hashes, 0, Math.min(count, TRIAL + 1))
  for (let value = 0; value < count; value++) {
    const hash = value_hashes[value] as number
    let slot = hash & mask
    let found = slots[slot] as number
    while (
      found !== 0 &&
      (hashes[found - 1] !== hash || !isSame(column, kind, firsts[found - 1] as number, value))
    ) {
      slot = (slot + 1) & mask
      found = slots[slot] as number
    }
    if (found === 0) {
      size_bytes += (starts[value + 1] as number) - (starts[value] as number)
      if (size_bytes > most_bytes || size === MOST) return undefined
      if (size === firsts.length) {
        firsts = doubled(firsts)
        hashes = doubled(hashes)
      }
      firsts[size] = value
      hashes[size] = hash
      found = ++size
      slots[slot] = found
      if (size * 2 > mask) {
        slots = slotsFor(hashes, size)
        mask = slots.length - 1
      }
    }
    indices[value] = found - 1
    if (value === TRIAL) {
      if (tooMany(size, (most_bytes * size) / size_bytes)) return undefined
      hashValues(column, value_hashes, TRIAL + 1, count)
    }
  }
  if (size_bytes + (count * widthFor(size - 1)) / 8 >= bytes.length) return undefined
  return {
    bytes: valuesOf(column, firsts, size, size_bytes),
    size,
    indices,
    firsts: firsts.subarray(0, size),
  }
}

/**
 * Whether more than `most` different values are to be expected, as `size` of the first were different: drawn from
 * `most` at random, about TRIAL² / 2 `most` of them would be there for the second time.
 */
const tooMany = (size: number, most: number): boolean => TRIAL - size < TRIAL ** 2 / (2 * most) / 2

function slotsFor(hashes: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(size * 4)))
  const mask = slots.length - 1
  for (let index = 0; index < size; index++) {
    let free = (hashes[index] as number) & mask
    while (slots[free] !== 0) free = (free + 1) & mask
    slots[free] = index + 1
  }
  return slots
}

/** The values that first were `firsts`, one behind the other. */
function valuesOf(
  { bytes, starts }: ColumnValues,
  firsts: Int32Array,
  size: number,
  size_bytes: number,
): Uint8Array {
  const out = new Uint8Array(size_bytes)
  let at = 0
  for (let index = 0; index < size; index++) {
    const value = firsts[index] as number
    const end = starts[value + 1] as number
    for (let from = starts[value] as number; from < end; from++) out[at++] = bytes[from] as number
  }
  return out
}

function doubled(numbers: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(numbers.length * 2)
  grown.set(numbers)
  return grown
}

/** Spreads what differs in few bits over the low ones. */
const mixed = (hash: number): number => {
  const once = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return once ^ (once >>> 13)
}

/** How values lie: as texts, as two words of 32 bits, as one. */
const TEXT = 0
const TWO_WORDS = 1
const ONE_WORD = 2

function kindOf({ type }: ColumnValues): number {
  if (type === 'BYTE_ARRAY') return TEXT
  return type === 'INT64' || type === 'DOUBLE' ? TWO_WORDS : ONE_WORD
}

/** Hashes the values from `from` to `to`. */
function hashValues(column: ColumnValues, hashes: Int32Array, from: number, to: number): void {
  const { bytes, starts, words } = column
  switch (kindOf(column)) {
    case TEXT: {
      let at = starts[from] as number
      for (let value = from; value < to; value++) {
        let hash = 0
        // The length stands before the bytes and differs as they do.
        for (const end = starts[value + 1] as number; at < end; at++) {
          hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
        }
        hashes[value] = mixed(hash)
      }
      break
    }
    case TWO_WORDS:
      for (let value = from; value < to; value++) {
        const high = Math.imul(words[2 * value + 1] as number, 0x85ebca6b)
        hashes[value] = mixed((words[2 * value] as number) ^ high)
      }
      break
    default:
      for (let value = from; value < to; value++) hashes[value] = mixed(words[value] as number)
  }
}

/** A function of its own for each kind would be called through a pointer, some millions of times. */
function isSame(
  { bytes, starts, words }: ColumnValues,
  kind: number,
  a: number,
  b: number,
): boolean {
  if (kind === TWO_WORDS)
    return words[2 * a] === words[2 * b] && words[2 * a + 1] === words[2 * b + 1]
  if (kind === ONE_WORD) return words[a] === words[b]
  const [at_a, at_b] = [starts[a] as number, starts[b] as number]
  const length = (starts[a + 1] as number) - at_a
  if (length !== (starts[b + 1] as number) - at_b) return false
  for (let index = 0; index < length; index++) {
    if (bytes[at_a + index] !== bytes[at_b + index]) return false
  }
  return true
}
