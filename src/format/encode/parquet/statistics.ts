import type { ColumnValues } from './column-values.ts'

/** Longer texts are left out of the footer, in bytes. */
const LONGEST_TEXT = 64
/** A text's length stands before it. */
const LENGTH_BYTES = 4

/** The least and the greatest value of a column, in PLAIN encoding; a text without its length. */
export interface Range {
  readonly min: Uint8Array
  readonly max: Uint8Array
}

/** Undefined where no value has a place in an order, or one is long. */
export function rangeOf(column: ColumnValues): Range | undefined {
  if (column.count === 0) return undefined
  const compare = comparerOf(column)
  let min = 0
  let max = 0
  for (let value = 0; value < column.count; value++) {
    const below = compare(value, min)
    // NaN is compared with itself at the latest, and has no place in any order.
    if (Number.isNaN(below)) return undefined
    if (below < 0) min = value
    else if (compare(value, max) > 0) max = value
  }
  const bytesOf = (value: number) =>
    column.bytes.slice(column.starts[value], column.starts[value + 1])
  const range = { min: bytesOf(min), max: bytesOf(max) }
  switch (column.type) {
    case 'BYTE_ARRAY':
      if (Math.max(range.min.length, range.max.length) > LENGTH_BYTES + LONGEST_TEXT)
        return undefined
      return { min: range.min.subarray(LENGTH_BYTES), max: range.max.subarray(LENGTH_BYTES) }
    case 'FLOAT':
    case 'DOUBLE':
      return withZeros(range)
    default:
      return range
  }
}

/** Both zeros are equal: the least is written as the negative one, the greatest as the other. */
function withZeros({ min, max }: Range): Range {
  if (isZero(min)) min[min.length - 1] = 0x80
  if (isZero(max)) max[max.length - 1] = 0
  return { min, max }
}

const isZero = (bytes: Uint8Array): boolean =>
  bytes.every((byte, at) => byte === 0 || (at === bytes.length - 1 && byte === 0x80))

type Compare = (a: number, b: number) => number

function comparerOf({ type, bytes, starts, words }: ColumnValues): Compare {
  switch (type) {
    case 'BOOLEAN':
      return (a, b) => (bytes[a] as number) - (bytes[b] as number)
    case 'INT32':
      return (a, b) => (words[a] as number) - (words[b] as number)
    case 'INT64':
      return (a, b) => {
        const high = (words[2 * a + 1] as number) - (words[2 * b + 1] as number)
        if (high !== 0) return high
        return ((words[2 * a] as number) >>> 0) - ((words[2 * b] as number) >>> 0)
      }
    case 'FLOAT': {
      const floats = new Float32Array(bytes.buffer, 0, bytes.length / 4)
      return (a, b) => difference(floats[a] as number, floats[b] as number)
    }
    case 'DOUBLE': {
      const doubles = new Float64Array(bytes.buffer, 0, bytes.length / 8)
      return (a, b) => difference(doubles[a] as number, doubles[b] as number)
    }
    case 'BYTE_ARRAY':
      return (a, b) => {
        const [at_a, at_b] = [
          (starts[a] as number) + LENGTH_BYTES,
          (starts[b] as number) + LENGTH_BYTES,
        ]
        const [length_a, length_b] = [
          (starts[a + 1] as number) - at_a,
          (starts[b + 1] as number) - at_b,
        ]
        for (let index = 0; index < length_a && index < length_b; index++) {
          const apart = (bytes[at_a + index] as number) - (bytes[at_b + index] as number)
          if (apart !== 0) return apart
        }
        return length_a - length_b
      }
  }
}

/** Infinities are equal to themselves; NaN to nothing. */
const difference = (a: number, b: number): number => (a === b ? 0 : a - b)
