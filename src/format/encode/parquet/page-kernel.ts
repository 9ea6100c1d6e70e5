import { Kernel, SLACK, Space } from '../kernel/kernel.ts'
import { type Leaf, TYPES, WIDTH_OF } from './leaves.ts'
import { type Range, shownRange } from './statistics.ts'

interface Calls {
  readonly size: WebAssembly.Global
  readonly bytes: WebAssembly.Global
  readonly least: WebAssembly.Global
  readonly greatest: WebAssembly.Global
  open(
    type: number,
    width: number,
    levels: number,
    definitions: number,
    max_definition: number,
    repetitions: number,
    max_repetition: number,
    plain: number,
    plain_end: number,
  ): void
  absent(): number
  countUuids(out: number, count: number): void
  findRange(from: number, to: number): number
  findDictionary(
    numbers: number,
    different: number,
    most_bytes: number,
    entries: number,
    slots: number,
    most_size: number,
  ): number
  useDictionary(numbers: number, width: number): void
  next(page_bytes: number): number
  room(): number
  write(out: number): number
}

/** What is known of a column before it is read. */
export interface ColumnSize {
  readonly levels: number
  /** Whether its definition levels are kept; else every value is there. */
  readonly defined: boolean
  /** Bytes of the values in PLAIN encoding; a boolean takes a byte. */
  readonly values: number
}

/** Where a column is to be put into the kernel's memory before anything else is asked of it. */
export interface ColumnPlaces {
  /** 0 where there are none. */
  readonly definitions: number
  /** 0 where there are none. */
  readonly repetitions: number
  readonly values: number
}

/** The different values of a column. */
export interface Dictionary {
  readonly size: number
  /** In PLAIN encoding, in the order in which they first came. Valid until the next call. */
  readonly bytes: Uint8Array
}

/** Numbers of more bits are none that anything here is counted by. */
const WIDEST = 24
/** No value is shorter but booleans, which have no dictionary. */
const LEAST_VALUE_BYTES = 4
/** As kernel/assembly/shared/dictionary.ts has it. */
const TRIAL = 1 << 14
const ENTRY_BYTES = 8
const WORD = 4
/** Memory of WebAssembly ends at 4 GB; a column that comes near it has no dictionary. */
const MOST_MEMORY = 2 ** 32 - 2 ** 28

/** Bits that the numbers up to `most` need. */
const widthFor = (most: number): number => 32 - Math.clz32(most)

/** Makes pages of a column. Its memory serves one column after the other. */
export class PageKernel {
  private readonly kernel = new Kernel<Calls>('pages.wasm')
  private space = new Space(0)
  private values = 0
  private value_bytes = 0
  private count = 0
  /** Where all different values are: the dictionary's, or else the column's own. */
  private different = { from: 0, to: 0 }

  /** Bytes of its memory, which does not shrink. */
  get memory(): number {
    return this.kernel.bytes.length
  }

  /** Where the kernel takes a column from. Valid until the next call. */
  get bytes(): Uint8Array {
    return this.kernel.bytes
  }

  open(
    { type, max_definition, max_repetition }: Leaf,
    { levels, defined, values }: ColumnSize,
  ): ColumnPlaces {
    const space = this.kernel.space()
    const places = {
      definitions: defined ? space.take(levels) : 0,
      repetitions: max_repetition > 0 ? space.take(levels) : 0,
      values: space.take(values),
    }
    this.kernel.room(space.end)
    this.space = space
    this.values = places.values
    this.value_bytes = values
    this.different = { from: places.values, to: places.values + values }
    this.kernel.calls.open(
      TYPES[type],
      type === 'BYTE_ARRAY' ? 0 : WIDTH_OF[type],
      levels,
      places.definitions,
      max_definition,
      places.repetitions,
      max_repetition,
      places.values,
      places.values + values,
    )
    this.count = levels
    return places
  }

  /** How many levels are no values. Asked once the column has been put there. */
  countAbsent(): number {
    const absent = this.kernel.calls.absent()
    this.count -= absent
    return absent
  }

  /** Makes the values: UUIDs that are counted up from the first. */
  countUuids(first: string): void {
    if (this.count === 0) return
    this.kernel.bytes.write(first, this.values + WORD, 'latin1')
    this.kernel.calls.countUuids(this.values, this.count)
  }

  /**
   * Finds the different values, which pages then name by number; undefined, and nothing changed, where they take more
   * than `most_bytes`, seem to, or where this would not be shorter.
   */
  findDictionary(most_bytes: number): Dictionary | undefined {
    const { kernel, count, space, value_bytes } = this
    if (count === 0) return undefined
    const most_size = Math.min(2 ** WIDEST, count, Math.floor(most_bytes / LEAST_VALUE_BYTES))
    const beside = new Space(space.end)
    const numbers = beside.take(count * WORD)
    const different = beside.take(Math.min(most_bytes, value_bytes))
    const numbered = beside.end
    const entries = beside.take(most_size * ENTRY_BYTES)
    const slots = beside.take(Math.max(most_size, TRIAL) * 4 * WORD)
    if (beside.end > MOST_MEMORY) return undefined
    kernel.room(beside.end)
    const { calls } = kernel
    if (!calls.findDictionary(numbers, different, most_bytes, entries, slots, most_size))
      return undefined
    const [size, bytes] = [calls.size.value, calls.bytes.value]
    const width = widthFor(size - 1)
    if (bytes + (count * width) / 8 >= value_bytes) return undefined
    calls.useDictionary(numbers, width)
    // What finds values is of no more use.
    space.end = numbered
    this.different = { from: different, to: different + bytes }
    return { size, bytes: kernel.bytes.subarray(different, different + bytes) }
  }

  /** The least and the greatest value. */
  range(type: Leaf['type']): Range | undefined {
    const { kernel, different } = this
    const { calls } = kernel
    if (!calls.findRange(different.from, different.to)) return undefined
    const valueAt = (place: number) => {
      const at = place >>> 0
      const bytes = type === 'BYTE_ARRAY' ? WORD + kernel.bytes.readUInt32LE(at) : WIDTH_OF[type]
      return new Uint8Array(kernel.bytes.subarray(at, at + bytes))
    }
    return shownRange(type, valueAt(calls.least.value), valueAt(calls.greatest.value))
  }

  /** Goes on to the next page, of about `page_bytes`: how many levels it has; 0 at the end. */
  next(page_bytes: number): number {
    return this.kernel.calls.next(page_bytes)
  }

  /** The page. Valid until the next call. */
  write(): Uint8Array {
    const { kernel, space } = this
    const at = space.end
    kernel.room(at + kernel.calls.room() + SLACK)
    return kernel.bytes.subarray(at, at + kernel.calls.write(at))
  }
}
