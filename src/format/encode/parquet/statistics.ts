import type { LeafType } from './leaves.ts'

/** Longer texts are left out of the footer, in bytes. */
const LONGEST_TEXT = 64
/** A text's length stands before it. */
const LENGTH_BYTES = 4

/** The least and the greatest value of a column, in PLAIN encoding; a text without its length. */
export interface Range {
  readonly min: Uint8Array
  readonly max: Uint8Array
}

/** As the footer says it, from both values in PLAIN encoding; undefined where one is long. */
export function shownRange(type: LeafType, min: Uint8Array, max: Uint8Array): Range | undefined {
  switch (type) {
    case 'BYTE_ARRAY':
      if (Math.max(min.length, max.length) > LENGTH_BYTES + LONGEST_TEXT) return undefined
      return { min: min.subarray(LENGTH_BYTES), max: max.subarray(LENGTH_BYTES) }
    case 'FLOAT':
    case 'DOUBLE':
      return withZeros({ min, max })
    default:
      return { min, max }
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
