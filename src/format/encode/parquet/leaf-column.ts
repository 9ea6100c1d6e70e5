import { ByteBuffer } from '../byte-buffer.ts'
import type { Leaf } from './leaves.ts'

const FIRST_BYTES = 256
const TWO_32 = 0x1_0000_0000

const eight = new Uint8Array(8)
const as_double = new Float64Array(eight.buffer)
const as_float = new Float32Array(eight.buffer)
const as_long = new BigInt64Array(eight.buffer)

/**
 * One leaf's values and levels, as they come row by row. Values are kept as Parquet's PLAIN encoding has them,
 * but for booleans, which take a byte here.
 */
export class LeafColumn {
  readonly leaf: Leaf
  /** Levels so far: values, nulls and empty lists. */
  count = 0
  /** How many of them are no values. */
  absent = 0
  definitions = new Uint8Array(FIRST_BYTES)
  repetitions: Uint8Array
  readonly values = new ByteBuffer(FIRST_BYTES)

  /** Where the values of the last level begin. */
  private last_start = 0

  constructor(leaf: Leaf) {
    this.leaf = leaf
    this.repetitions = new Uint8Array(leaf.max_repetition > 0 ? FIRST_BYTES : 0)
  }

  /** Forgets everything, and keeps the memory. */
  clear(): void {
    this.count = 0
    this.absent = 0
    this.values.at = 0
  }

  /** Takes back the last level, once. */
  undo(): void {
    this.count--
    if (this.leaf.row_id) return
    if (this.definitions[this.count] !== this.leaf.max_definition) this.absent--
    this.values.at = this.last_start
  }

  /** No value: `definition` says how far down there was one. */
  none(definition: number, repetition = 0): void {
    this.absent++
    this.level(definition, repetition)
  }

  /** So many rows, of which nothing is kept but that they are there. */
  rows(count: number): void {
    this.count += count
  }

  /** As many levels as `present` has bytes, 1 for each of the values, which stand as they are kept here. */
  append(values: Uint8Array, present: Uint8Array): void {
    this.values.room(values.length)
    this.values.copy(values, 0, values.length)
    const { max_definition } = this.leaf
    this.absent += this.levels(present, max_definition)
  }

  /** As many levels as `present` has bytes, and no value: 1 says that what is around it is there. */
  appendNone(present: Uint8Array): void {
    this.levels(present, 1)
    this.absent += present.length
  }

  /** Levels of `definition` where `present` has 1, and of 0; how many are of 0. */
  private levels(present: Uint8Array, definition: number): number {
    const { length } = present
    while (this.count + length > this.definitions.length) this.growLevels()
    const { definitions, count } = this
    let absent = 0
    for (let row = 0; row < length; row++) {
      const there = present[row] as number
      definitions[count + row] = there * definition
      absent += 1 - there
    }
    if (this.leaf.max_repetition > 0) this.repetitions.fill(0, count, count + length)
    this.count = count + length
    return absent
  }

  private level(definition: number, repetition: number): void {
    const { count } = this
    this.last_start = this.values.at
    if (count === this.definitions.length) this.growLevels()
    this.definitions[count] = definition
    if (this.leaf.max_repetition > 0) this.repetitions[count] = repetition
    this.count = count + 1
  }

  private growLevels(): void {
    const grown = new Uint8Array(this.definitions.length * 2)
    grown.set(this.definitions)
    this.definitions = grown
    if (this.leaf.max_repetition === 0) return
    const repeated = new Uint8Array(grown.length)
    repeated.set(this.repetitions)
    this.repetitions = repeated
  }

  boolean(value: boolean, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    const { values } = this
    values.room(1)
    values.bytes[values.at++] = value ? 1 : 0
  }

  /** A whole number below 2^53 either way. */
  long(value: number, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    const { values } = this
    values.room(8)
    const high = Math.floor(value / TWO_32)
    this.word(value - high * TWO_32)
    this.word(high)
  }

  /** A whole number of 64 bits. */
  bigint(value: bigint, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    as_long[0] = value
    this.eightBytes()
  }

  int(value: number, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    this.values.room(4)
    this.word(value)
  }

  double(value: number, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    as_double[0] = value
    this.eightBytes()
  }

  float(value: number, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    as_float[0] = value
    const { values } = this
    values.room(4)
    for (let byte = 0; byte < 4; byte++) values.bytes[values.at++] = eight[byte] as number
  }

  /** Half a surrogate pair has no UTF-8: it becomes U+FFFD, as in Avro. */
  text(value: string, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    const { values } = this
    values.room(4 + value.length * 3)
    const length = values.bytes.write(value, values.at + 4)
    this.word(length)
    values.at += length
  }

  /** The bytes of `source` from `from` to `to`. */
  slice(source: Uint8Array, from: number, to: number, repetition = 0): void {
    this.level(this.leaf.max_definition, repetition)
    const { values } = this
    values.room(4 + to - from)
    this.word(to - from)
    values.copy(source, from, to)
  }

  private word(value: number): void {
    const { values } = this
    const { bytes, at } = values
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
    values.at = at + 4
  }

  private eightBytes(): void {
    const { values } = this
    values.room(8)
    const { bytes, at } = values
    for (let byte = 0; byte < 8; byte++) bytes[at + byte] = eight[byte] as number
    values.at = at + 8
  }
}
