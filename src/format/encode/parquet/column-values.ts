import { type LeafType, WIDTH_OF } from './leaves.ts'

/** One leaf's values and levels in a row group. */
export interface ColumnValues {
  readonly type: LeafType
  /** Levels: values, nulls and empty lists. */
  readonly levels: number
  /** Undefined where every value is there. */
  readonly definitions: Uint8Array<ArrayBuffer> | undefined
  /** Undefined outside of lists and maps. */
  readonly repetitions: Uint8Array<ArrayBuffer> | undefined
  readonly count: number
  /** The values in PLAIN encoding; a boolean takes a byte. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each value begins, and behind them where the last ends. */
  readonly starts: Int32Array<ArrayBuffer>
  /** The bytes as numbers of 32 bits; of values of a fixed width only. */
  readonly words: Int32Array
}

/** `bytes` stand at the beginning of memory of their own. */
export function columnValues(
  type: LeafType,
  parts: Pick<ColumnValues, 'levels' | 'definitions' | 'repetitions' | 'bytes'>,
): ColumnValues {
  const { bytes } = parts
  if (type === 'BYTE_ARRAY') {
    const starts = startsOfTexts(bytes, parts.levels)
    return { ...parts, type, count: starts.length - 1, starts, words: new Int32Array() }
  }
  const width = WIDTH_OF[type]
  const count = bytes.length / width
  const starts = new Int32Array(count + 1)
  for (let value = 0; value <= count; value++) starts[value] = value * width
  const words = width < 4 ? new Int32Array() : new Int32Array(bytes.buffer, 0, bytes.length / 4)
  return { ...parts, type, count, starts, words }
}

/** Each text is its length (32 bits) and its bytes. */
function startsOfTexts(bytes: Uint8Array, most: number): Int32Array<ArrayBuffer> {
  const starts = new Int32Array(most + 1)
  let count = 0
  let at = 0
  while (at < bytes.length) {
    starts[count++] = at
    const length =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    at += 4 + length
  }
  starts[count] = at
  return starts.subarray(0, count + 1)
}
