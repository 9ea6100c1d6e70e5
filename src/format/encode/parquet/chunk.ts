import { closeSync, openSync, readSync } from 'node:fs'
import type { ParquetOutput } from '../../../core/destination/output.ts'
import { ByteBuffer } from '../byte-buffer.ts'
import { type ColumnValues, columnValues } from './column-values.ts'
import { type Dictionary, dictionaryOf } from './dictionary.ts'
import type { Runs } from './frame.ts'
import { widthFor, writeHybrid, writeRun } from './hybrid.ts'
import type { Leaf } from './leaves.ts'
import { type Pack, packerOf } from './pack.ts'
import { type Range, rangeOf } from './statistics.ts'
import { i32, struct, type ThriftFields, thriftBytes } from './thrift.ts'

/** Numbers of parquet-format's `Encoding` and `PageType`. */
export const PLAIN = 0
export const RLE = 3
export const RLE_DICTIONARY = 8
export const DATA_PAGE = 0
export const DICTIONARY_PAGE = 2

/** One leaf of a row group. */
export interface ColumnJob {
  /** Path of the file that holds the frames. */
  readonly frames: string
  readonly runs: Runs
  readonly leaf: Leaf
  readonly output: ParquetOutput
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

/** Encodes a leaf of a row group: with a dictionary where that is asked for and shorter, else plainly. */
export async function encodeColumn({
  frames,
  runs,
  leaf,
  output,
}: ColumnJob): Promise<ColumnChunk> {
  const pack = await packerOf(output.codec)
  const column = readColumn(frames, runs, leaf)
  const dictionary =
    output.dictionary && leaf.type !== 'BOOLEAN'
      ? dictionaryOf(column, output.dictionary_page_bytes)
      : undefined
  const pages = new Pages(pack)
  if (dictionary !== undefined) {
    pages.add(dictionary.bytes, DICTIONARY_PAGE, {
      7: struct({ 1: i32(dictionary.size), 2: i32(PLAIN) }),
    })
  }
  const dictionary_bytes = pages.bytes
  let data_pages = 0
  const page = new ByteBuffer(
    Math.min(output.page_bytes * 2, column.bytes.length + column.levels + 64),
  )
  for (const span of spansOf(column, leaf, dictionary, output.page_bytes)) {
    page.at = 0
    writeLevels(page, column.repetitions, span, leaf.max_repetition)
    writeLevels(page, column.definitions, span, leaf.max_definition)
    if (dictionary === undefined) writePlain(page, column, span)
    else writeIndices(page, dictionary, span)
    pages.add(page.written, DATA_PAGE, {
      5: struct({
        1: i32(span.to - span.from),
        2: i32(dictionary === undefined ? PLAIN : RLE_DICTIONARY),
        3: i32(RLE),
        4: i32(RLE),
      }),
    })
    data_pages++
  }
  const chunk = {
    bytes: pages.take(),
    unpacked_bytes: pages.unpacked_bytes,
    levels: column.levels,
    nulls: column.levels - column.count,
    range: rangeOf(
      dictionary === undefined
        ? column
        : columnValues(leaf.type, {
            ...NO_LEVELS,
            levels: dictionary.size,
            bytes: dictionary.bytes,
          }),
    ),
    dictionary_bytes,
    data_pages,
  }
  // Given back at once: the collector does not see how much memory lies behind a few objects.
  const { bytes, definitions, repetitions, starts } = column
  for (const array of [bytes, definitions, repetitions, starts, dictionary?.indices]) {
    array?.buffer.transfer(0)
  }
  return chunk
}

const NO_LEVELS = { definitions: undefined, repetitions: undefined }

/** Puts the runs of a leaf behind each other. */
function readColumn(path: string, runs: Runs, leaf: Leaf): ColumnValues {
  const sum = (numbers: Uint32Array) => numbers.reduce((total, one) => total + one, 0)
  const levels = sum(runs.levels)
  const bytes = new Uint8Array(sum(runs.values))
  const definitions = runs.definitions.some((size) => size > 0)
    ? new Uint8Array(levels).fill(leaf.max_definition)
    : undefined
  const repetitions = leaf.max_repetition > 0 ? new Uint8Array(levels) : undefined
  const file = openSync(path, 'r')
  try {
    const read = (into: Uint8Array | undefined, to: number, from: number, length: number) => {
      for (let done = 0; into !== undefined && done < length; ) {
        const count = readSync(file, into, to + done, length - done, from + done)
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
      read(definitions, level, at, in_definitions)
      read(repetitions, level, at + in_definitions, in_repetitions)
      read(bytes, value, at + in_definitions + in_repetitions, in_values)
      level += runs.levels[index] as number
      value += in_values
    })
  } finally {
    closeSync(file)
  }
  return columnValues(leaf.type, { levels, definitions, repetitions, bytes })
}

/** What a page holds: levels, and the values among them. */
interface Span {
  readonly from: number
  readonly to: number
  readonly first_value: number
  readonly end_value: number
}

/** Cuts a column into pages of about `page_bytes`, between rows. */
function* spansOf(
  { levels, definitions, repetitions, starts }: ColumnValues,
  { max_definition }: Leaf,
  dictionary: Dictionary | undefined,
  page_bytes: number,
): Generator<Span> {
  const index_bytes = dictionary === undefined ? 0 : widthFor(dictionary.size - 1) / 8
  if (definitions === undefined && repetitions === undefined) {
    yield* spansOfValues(
      levels,
      page_bytes,
      index_bytes,
      dictionary === undefined ? starts : undefined,
    )
    return
  }
  let value = 0
  for (let from = 0; from < levels; ) {
    const first_value = value
    let to = from
    let size = 0
    do {
      if (definitions === undefined || definitions[to] === max_definition) {
        size +=
          dictionary === undefined
            ? (starts[value + 1] as number) - (starts[value] as number)
            : index_bytes
        value++
      }
      to++
    } while (
      to < levels &&
      ((size < page_bytes && to - from < MOST_LEVELS) ||
        (repetitions !== undefined && repetitions[to] !== 0))
    )
    yield { from, to, first_value, end_value: value }
    from = to
  }
}

/** As `spansOf` where every row is one value: of `index_bytes`, or from one of `starts` to the next. */
function* spansOfValues(
  values: number,
  page_bytes: number,
  index_bytes: number,
  starts: Int32Array | undefined,
): Generator<Span> {
  for (let from = 0; from < values; ) {
    const most = Math.min(values, from + MOST_LEVELS)
    let to = Math.min(most, from + Math.max(1, Math.ceil(page_bytes / index_bytes)))
    if (starts !== undefined) {
      // The first value that ends where the page is full, or beyond.
      const full = (starts[from] as number) + page_bytes
      let low = from + 1
      to = most
      while (low < to) {
        const middle = (low + to) >>> 1
        if ((starts[middle] as number) < full) low = middle + 1
        else to = middle
      }
    }
    yield { from, to, first_value: from, end_value: to }
    from = to
  }
}

/** Of a page, so that one whose values take no room ends, too. */
const MOST_LEVELS = 1 << 20

const LENGTH_BYTES = 4

/** Levels stand behind their length (parquet-format, Encodings.md, "RLE"); where there is but one, not at all. */
function writeLevels(
  page: ByteBuffer,
  levels: Uint8Array | undefined,
  { from, to }: Span,
  most: number,
): void {
  if (most === 0) return
  const width = widthFor(most)
  page.room(LENGTH_BYTES)
  const start = page.at
  page.at += LENGTH_BYTES
  if (levels === undefined) writeRun(page, most, to - from, width)
  else writeHybrid(page, levels, { from, to, width })
  page.bytes.writeUInt32LE(page.at - start - LENGTH_BYTES, start)
}

function writePlain(
  page: ByteBuffer,
  { type, bytes, starts }: ColumnValues,
  { first_value, end_value }: Span,
): void {
  const [from, to] = [starts[first_value] as number, starts[end_value] as number]
  page.room(to - from)
  if (type !== 'BOOLEAN') {
    page.copy(bytes, from, to)
    return
  }
  for (let value = from; value < to; value += 8) {
    let byte = 0
    for (let bit = 0; bit < 8 && value + bit < to; bit++)
      byte |= (bytes[value + bit] as number) << bit
    page.bytes[page.at++] = byte
  }
}

function writeIndices(
  page: ByteBuffer,
  { indices, size }: Dictionary,
  { first_value, end_value }: Span,
): void {
  const width = widthFor(size - 1)
  page.room(1)
  page.bytes[page.at++] = width
  writeHybrid(page, indices, { from: first_value, to: end_value, width })
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
    }
    return out
  }
}
