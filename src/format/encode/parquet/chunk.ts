import { closeSync, openSync, readSync } from 'node:fs'
import type { ParquetOutput } from '../../../core/destination/output.ts'
import type { Runs } from './frame.ts'
import { type Leaf, ROW_ID_BYTES } from './leaves.ts'
import { type Pack, packerOf } from './pack.ts'
import { PageKernel } from './page-kernel.ts'
import type { Range } from './statistics.ts'
import { i32, struct, type ThriftFields, thriftBytes } from './thrift.ts'

/** Numbers of parquet-format's `Encoding` and `PageType`. */
export const PLAIN = 0
export const RLE = 3
export const RLE_DICTIONARY = 8
export const DATA_PAGE = 0
export const DICTIONARY_PAGE = 2

/** Leaves of a row group. */
export interface ColumnsJob {
  /** Path of the file that holds the frames. */
  readonly frames: string
  readonly output: ParquetOutput
  readonly columns: readonly Column[]
}

/** One of them, and where it lies in the frames. */
export interface Column {
  readonly leaf: Leaf
  readonly runs: Runs
  /** Of a column of row ids: the first, from which the others are counted up. */
  readonly first_id?: string | undefined
}

/** A leaf's pages in a row group, one behind the other, and what the footer says of them. */
export interface ColumnChunk {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly unpacked_bytes: number
  /** Values, nulls and empty lists. */
  readonly levels: number
  readonly nulls: number
  readonly range: Range | undefined
  /** Bytes of the dictionary's page, which comes first; 0 where there is none. */
  readonly dictionary_bytes: number
  readonly data_pages: number
}

/** A kernel that has grown beyond this is given back. */
const KEPT_MEMORY = 64 << 20

/** One for a thread, which encodes one column after the other. */
let kernel: PageKernel | undefined

/** Encodes leaves of a row group: with a dictionary where that is asked for and shorter, else plainly. */
export async function encodeColumns(job: ColumnsJob): Promise<ColumnChunk[]> {
  const { frames, output, columns } = job
  const pack = await packerOf(output.codec)
  const file = openSync(frames, 'r')
  try {
    return columns.map((column) => encodeColumn(column, { file, output, pack }))
  } finally {
    closeSync(file)
  }
}

interface ColumnContext {
  /** Of the frames. */
  readonly file: number
  readonly output: ParquetOutput
  readonly pack: Pack
}

function encodeColumn(
  { leaf, runs, first_id }: Column,
  { file, output, pack }: ColumnContext,
): ColumnChunk {
  kernel ??= new PageKernel()
  const column = kernel
  const levels = readColumn(column, file, { leaf, runs })
  const nulls = column.countAbsent()
  if (first_id !== undefined) column.countUuids(first_id)
  const dictionary =
    output.dictionary && leaf.type !== 'BOOLEAN' && first_id === undefined
      ? column.findDictionary(output.dictionary_page_bytes)
      : undefined
  const pages = new Pages(pack)
  if (dictionary !== undefined) {
    pages.add(dictionary.bytes, DICTIONARY_PAGE, {
      7: struct({ 1: i32(dictionary.size), 2: i32(PLAIN) }),
    })
  }
  const dictionary_bytes = pages.bytes
  const range = column.range(leaf.type)
  let data_pages = 0
  for (;;) {
    const in_page = column.next(output.page_bytes)
    if (in_page === 0) break
    pages.add(column.write(), DATA_PAGE, {
      5: struct({
        1: i32(in_page),
        2: i32(dictionary === undefined ? PLAIN : RLE_DICTIONARY),
        3: i32(RLE),
        4: i32(RLE),
      }),
    })
    data_pages++
  }
  if (column.memory > KEPT_MEMORY) kernel = undefined
  return {
    bytes: pages.take(),
    unpacked_bytes: pages.unpacked_bytes,
    levels,
    nulls,
    range,
    dictionary_bytes,
    data_pages,
  }
}

/** Puts the runs of a leaf behind each other into the kernel: how many levels they have. */
function readColumn(column: PageKernel, file: number, { leaf, runs }: Column): number {
  const sum = (numbers: Uint32Array) => numbers.reduce((total, one) => total + one, 0)
  const levels = sum(runs.levels)
  const defined = runs.definitions.some((size) => size > 0)
  const values = leaf.row_id ? levels * ROW_ID_BYTES : sum(runs.values)
  const places = column.open(leaf, { levels, defined, values })
  const { bytes } = column
  if (defined) bytes.fill(leaf.max_definition, places.definitions, places.definitions + levels)
  const read = (to: number, from: number, length: number) => {
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, to + done, length - done, from + done)
      if (count === 0) throw new Error('the rows of a part end within a frame')
      done += count
    }
  }
  let level = 0
  let value = 0
  runs.at.forEach((at, index) => {
    const in_definitions = runs.definitions[index] as number
    const in_repetitions = runs.repetitions[index] as number
    const in_values = runs.values[index] as number
    read(places.definitions + level, at, in_definitions)
    read(places.repetitions + level, at + in_definitions, in_repetitions)
    read(places.values + value, at + in_definitions + in_repetitions, in_values)
    level += runs.levels[index] as number
    value += in_values
  })
  return levels
}

/** Pages as they lie in the file. */
class Pages {
  bytes = 0
  unpacked_bytes = 0
  private readonly pieces: Uint8Array[] = []
  private readonly pack: Pack

  constructor(pack: Pack) {
    this.pack = pack
  }

  /** `kind`: the part of the header that is of this type of page. The page's memory stays the caller's. */
  add(page: Uint8Array, type: number, kind: ThriftFields): void {
    const packed = this.pack(page)
    const header = thriftBytes({
      1: i32(type),
      2: i32(page.length),
      3: i32(packed.length),
      ...kind,
    })
    // A codec that packs nothing gives the page itself, whose memory stays the kernel's.
    this.pieces.push(header, packed.buffer === page.buffer ? new Uint8Array(packed) : packed)
    this.bytes += header.length + packed.length
    this.unpacked_bytes += header.length + page.length
  }

  /** All of them in memory of their own. */
  take(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.bytes)
    let at = 0
    for (const piece of this.pieces.splice(0)) {
      out.set(piece, at)
      at += piece.length
      release(piece)
    }
    return out
  }
}

/** Given back at once, where nothing else is in its memory: the collector does not see how much lies behind it. */
function release({ buffer, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0)
}
