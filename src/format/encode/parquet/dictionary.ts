import { Kernel } from '../kernel/kernel.ts'
import type { ColumnValues } from './column-values.ts'
import { WIDEST, widthFor } from './hybrid.ts'
import { WIDTH_OF } from './leaves.ts'

/** The different values of a column, and for each of its values which one it is. */
export interface Dictionary {
  /** The different values in PLAIN encoding, in the order in which they first came, in memory of their own. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly size: number
  readonly indices: Uint32Array<ArrayBuffer>
}

interface Calls {
  readonly size: WebAssembly.Global
  readonly bytes: WebAssembly.Global
  open(
    width: number,
    values: number,
    most_bytes: number,
    entries: number,
    slots: number,
    most_size: number,
  ): void
  add(from: number, to: number, out: number): number
}

/** After so many values it shows whether they repeat. */
const TRIAL = 1 << 14
/** Values that the kernel is given at once, in bytes; a longer one is not worth a dictionary. */
const PIECE_BYTES = 1 << 20
/** No value is shorter but booleans, which have no dictionary. */
const LEAST_VALUE_BYTES = 4
const ENTRY_BYTES = 8
const SLOT_BYTES = 4

/** One for a thread, which encodes one column after the other. */
let kernel: Kernel<Calls> | undefined

/**
 * Finds the different values of a column; undefined where they take more than `most_bytes`, seem to, or where
 * naming them by number would not be shorter.
 */
export function dictionaryOf(column: ColumnValues, most_bytes: number): Dictionary | undefined {
  const { count, bytes, starts, type } = column
  if (count === 0) return undefined
  kernel ??= new Kernel<Calls>('dictionary.wasm')
  const { calls } = kernel
  const most_size = Math.min(2 ** WIDEST, count, Math.floor(most_bytes / LEAST_VALUE_BYTES))
  const space = kernel.space()
  const piece = space.take(PIECE_BYTES)
  const numbers = space.take((PIECE_BYTES / LEAST_VALUE_BYTES) * SLOT_BYTES)
  const values = space.take(Math.min(most_bytes, bytes.length))
  const entries = space.take(most_size * ENTRY_BYTES)
  const slots = space.take(Math.max(most_size, TRIAL) * 4 * SLOT_BYTES)
  kernel.room(space.end)
  calls.open(
    type === 'BYTE_ARRAY' ? 0 : WIDTH_OF[type],
    values,
    most_bytes,
    entries,
    slots,
    most_size,
  )

  const indices = new Uint32Array(count)
  for (let from = 0; from < count; ) {
    const to =
      from < TRIAL ? Math.min(count, TRIAL, pieceEnd(starts, from)) : pieceEnd(starts, from)
    if (to === from) return undefined
    const [start, end] = [starts[from] as number, starts[to] as number]
    kernel.bytes.set(bytes.subarray(start, end), piece)
    if (calls.add(piece, piece + end - start, numbers) === 0) return undefined
    indices.set(kernel.words.subarray(numbers / SLOT_BYTES, numbers / SLOT_BYTES + to - from), from)
    from = to
    const { size } = calls
    if (from === TRIAL && tooMany(size.value, (most_bytes * size.value) / calls.bytes.value))
      return undefined
  }
  const [size, size_bytes] = [calls.size.value, calls.bytes.value]
  if (size_bytes + (count * widthFor(size - 1)) / 8 >= bytes.length) return undefined
  return {
    bytes: new Uint8Array(kernel.bytes.subarray(values, values + size_bytes)),
    size,
    indices,
  }
}

/** The value before which a piece ends that begins with the value `from`: the values `starts` tells of that fit. */
function pieceEnd(starts: Int32Array, from: number): number {
  const limit = (starts[from] as number) + PIECE_BYTES
  let low = from
  let high = Math.min(starts.length - 1, from + PIECE_BYTES / LEAST_VALUE_BYTES)
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] as number) <= limit) low = middle
    else high = middle - 1
  }
  return low
}

/**
 * Whether more than `most` different values are to be expected, as `size` of the first were different: drawn from
 * `most` at random, about TRIAL² / 2 `most` of them would be there for the second time.
 */
const tooMany = (size: number, most: number): boolean => TRIAL - size < TRIAL ** 2 / (2 * most) / 2
