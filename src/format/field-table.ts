import { randomInt } from 'node:crypto'
import type { Field } from './format.ts'
import { Refusal } from './refusal.ts'

/** JSON kinds of a value, as indexes into a field's counts. */
export const STRING = 0
export const INTEGER = 1
export const NUMBER = 2
export const BOOLEAN = 3
export const NULL = 4
export const NESTED = 5
export const KINDS = 6
/** Integers of no more characters are exact as a double, and far from the end of 64 bits. */
export const SHORT_INTEGER = 15

/** A file with more names than this is no table; a hostile one must not exhaust memory. */
export const MAX_FIELDS = 10_000
/** Name of the field that stands in for a line that is no row. */
export const HOLE = '_bucketline_hole'
const MAX_NAME_BYTES = 1 << 20
/** Room to begin with: objects may be thousands, and small. */
const FEW = 64

/** ASCII letters only: that is how DuckDB compares names, `É` and `é` are two columns to it. */
export const foldCase = (name: string): string =>
  name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())

/** Odd and not known beforehand, so that nobody can deliver names that all have one hash. */
const MULTIPLIER = randomInt(2 ** 24) * 2 + 1

/** Hash of the bytes from `start` to `end`. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let at = start; at < end; at++)
    hash = (Math.imul(hash, MULTIPLIER) + (bytes[at] as number)) | 0
  return hash
}

const mustEscape = (name: string): boolean => JSON.stringify(name).length !== name.length + 2

/** The greater array with the values of the smaller one. */
export function grown<A extends Int32Array | Float64Array | Uint8Array>(to: A, from: A): A {
  to.set(from)
  return to
}

export interface FieldTableOptions {
  readonly flat: boolean
  readonly nested_fields: readonly string[]
}

/** The top-level names of an object's rows in order of first appearance, with counts by kind. */
export class FieldTable {
  size = 0
  /** The field that has the name of the hole, or -1. */
  hole = -1
  /** Names as UTF-8, one after another; field f is `bytes[offset[f] … offset[f] + length[f]]`. */
  bytes = new Uint8Array(4096)
  readonly names: string[] = []
  /** Fields that the arrays have room for; they are replaced when it grows. */
  capacity = FEW
  offset: Int32Array = new Int32Array(FEW)
  length: Int32Array = new Int32Array(FEW)
  /** `length` where the name stands in JSON as it is, -1 where some of it must be escaped. */
  raw_length: Int32Array = new Int32Array(FEW)
  /** The first field that has the same name without regard to case. */
  group: Int32Array = new Int32Array(FEW)
  /** The field that came after this one the last time; rows of a file mostly agree on their order. */
  next: Int32Array = new Int32Array(FEW)
  /** 1 where an object or array may stand. */
  may_nest: Uint8Array = new Uint8Array(FEW)
  /** 1 where the name cannot be that of a column. */
  unusable: Uint8Array = new Uint8Array(FEW)
  /** Number of the row that last had the field, and that last had one of its group. */
  seen: Float64Array = new Float64Array(FEW)
  group_seen: Float64Array = new Float64Array(FEW)
  counts: Float64Array = new Float64Array(FEW * KINDS)
  /** Integers that a double may not hold. */
  long_integers: Float64Array = new Float64Array(FEW)
  private readonly first_of_hash = new Map<number, number>()
  private chain: Int32Array = new Int32Array(FEW)
  private readonly groups = new Map<string, number>()
  private readonly flat: boolean
  private readonly nested: ReadonlySet<string>
  private used = 0

  constructor(options: FieldTableOptions) {
    this.flat = options.flat
    this.nested = new Set(options.nested_fields.map(foldCase))
  }

  /** The field whose name's bytes stand in `from`, added if new. Throws a `Refusal` when there are too many. */
  find(from: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(from, start, end)
    const first = this.first_of_hash.get(hash) ?? -1
    for (let field = first; field >= 0; field = this.chain[field] as number) {
      if (this.is(field, from, start, end)) return field
    }
    return this.add(from, start, end, hash)
  }

  private is(field: number, from: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (this.length[field] !== length) return false
    const offset = this.offset[field] as number
    for (let at = 0; at < length; at++) {
      if (this.bytes[offset + at] !== from[start + at]) return false
    }
    return true
  }

  private add(from: Uint8Array, start: number, end: number, hash: number): number {
    const field = this.size
    if (field === MAX_FIELDS || this.used + end - start > MAX_NAME_BYTES) {
      throw new Refusal(
        'unreadable',
        `The rows have more than ${MAX_FIELDS} different field names, or ${MAX_NAME_BYTES} bytes of them.`,
      )
    }
    if (field === this.capacity) this.makeRoom()
    while (this.used + end - start > this.bytes.length) {
      const grown = new Uint8Array(this.bytes.length * 2)
      grown.set(this.bytes)
      this.bytes = grown
    }
    this.bytes.set(from.subarray(start, end), this.used)
    const name = Buffer.from(from.buffer, from.byteOffset + start, end - start).toString()
    const folded = foldCase(name)
    this.offset[field] = this.used
    this.length[field] = end - start
    this.raw_length[field] = mustEscape(name) ? -1 : end - start
    this.used += end - start
    this.names.push(name)
    this.chain[field] = this.first_of_hash.get(hash) ?? -1
    this.first_of_hash.set(hash, field)
    this.group[field] = this.groups.get(folded) ?? field
    this.groups.set(folded, this.group[field])
    this.may_nest[field] = this.flat && !this.nested.has(folded) ? 0 : 1
    this.unusable[field] = name === '' || name.includes('\0') ? 1 : 0
    if (name === HOLE) this.hole = field
    this.size++
    return field
  }

  private makeRoom(): void {
    const capacity = Math.min(MAX_FIELDS, this.capacity * 2)
    const int32 = (array: Int32Array) => grown(new Int32Array(capacity), array)
    const float64 = (array: Float64Array, each = 1) =>
      grown(new Float64Array(capacity * each), array)
    const uint8 = (array: Uint8Array) => grown(new Uint8Array(capacity), array)
    this.offset = int32(this.offset)
    this.length = int32(this.length)
    this.raw_length = int32(this.raw_length)
    this.group = int32(this.group)
    this.next = int32(this.next)
    this.chain = int32(this.chain)
    this.may_nest = uint8(this.may_nest)
    this.unusable = uint8(this.unusable)
    this.seen = float64(this.seen)
    this.group_seen = float64(this.group_seen)
    this.counts = float64(this.counts, KINDS)
    this.long_integers = float64(this.long_integers)
    this.capacity = capacity
  }

  /** Counts `rows` more values of one kind. */
  count(field: number, kind: number, rows: number): void {
    const slot = field * KINDS + kind
    this.counts[slot] = (this.counts[slot] as number) + rows
  }

  /** Fields that at least one row that passed had. */
  fields(): Field[] {
    const count = (field: number, kind: number) => this.counts[field * KINDS + kind] as number
    return this.names
      .map((name, field) => ({
        name,
        strings: count(field, STRING),
        integers: count(field, INTEGER),
        numbers: count(field, NUMBER),
        booleans: count(field, BOOLEAN),
        nulls: count(field, NULL),
        nested: count(field, NESTED),
        long_integers: this.long_integers[field] as number,
      }))
      .filter((f) => f.strings + f.integers + f.numbers + f.booleans + f.nulls + f.nested > 0)
  }
}
