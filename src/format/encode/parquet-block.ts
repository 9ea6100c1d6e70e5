import { isUtf8 } from 'node:buffer'
import type { BadValue } from '../../core/records/bad-value.ts'
import { recordMaker } from './avro-record-of.ts'
import type { EncodedBlock, Encoding, RecordBlock } from './encode.ts'
import { columnsOf } from './parquet-columns.ts'
import { frameWriter } from './parquet-frames.ts'
import { jsonRowWriter } from './parquet-json.ts'
import { parquetWriterFor } from './parquet-part.ts'
import { plainRowsOf } from './parquet-plain.ts'
import { PlainLines } from './parquet-plain-lines.ts'
import { RecordReader } from './record-reader.ts'
import { MAX_SHAPED_BLOCK } from './record-shapes.ts'
import { type BlockEncoder, binaryBlocks, type EnvelopedRecord } from './records-of-block.ts'

/** Bytes of JSON in a frame, at most; a row group is a number of frames. */
const FRAME_BYTES = 256 * 1024
const FRAMES_IN_GROUP = 4

export interface ParquetBlockEncoder extends BlockEncoder {
  /**
   * Encodes a whole block, keeping plain lines as they are; undefined where the stream or the block has none, and
   * `encode` is to be used. Throws as `encode` does.
   */
  encodeBlock(block: RecordBlock): EncodedBlock | undefined
}

/** Encodes records into the rows that a Parquet part collects. Throws `schema_unsupported`. */
export function parquetBlockEncoder(encoding: Encoding): ParquetBlockEncoder {
  const { output } = encoding
  if (output.type !== 'parquet') throw new Error(`a Parquet encoder of ${output.type} output`)
  const columns = columnsOf(encoding)
  const maker = recordMaker(encoding)
  if (parquetWriterFor(output, columns) === 'pages') {
    const frameOf = frameWriter(columns)
    const most = Math.min(FRAME_BYTES, output.row_group_bytes / FRAMES_IN_GROUP)
    return {
      encode(records) {
        maker.takeBad()
        const frames: Uint8Array[] = []
        let from = 0
        let size = 0
        records.forEach(({ data }, index) => {
          size += data.length
          if (size < most && index + 1 < records.length) return
          frames.push(frameOf(records.slice(from, index + 1).map(maker.make)))
          from = index + 1
          size = 0
        })
        return { bytes: joined(frames), ...maker.takeBad() }
      },
      encodeBlock: () => undefined,
    }
  }
  const rowOf = jsonRowWriter(columns)
  const rowsOf = (records: readonly EnvelopedRecord[]) =>
    Buffer.from(records.map((record) => rowOf(maker.make(record))).join(''))
  const plain = plainRowsOf(encoding, columns)
  const plain_blocks =
    plain === undefined ? undefined : plainBlocks(encoding, new PlainLines(plain.fields), rowsOf)
  return {
    encode(records) {
      maker.takeBad()
      return { bytes: joined([rowsOf(records)]), ...maker.takeBad() }
    },
    encodeBlock(block) {
      maker.takeBad()
      const rows = plain_blocks?.(block)
      if (rows === undefined) return undefined
      const bad: { bad_values: number; examples: readonly BadValue[] } = maker.takeBad()
      return { segments: [{ partition: [], records: block.records, ...rows }], ...bad }
    },
  }
}

/** Encodes the blocks of one stream: as plain lines where that is possible, else record by record. */
export function parquetBlocks(
  encoding: Encoding,
): (block: RecordBlock) => EncodedBlock | Promise<EncodedBlock> {
  const encoder = parquetBlockEncoder(encoding)
  const exactly = binaryBlocks(encoding, encoder)
  return (block) => encoder.encodeBlock(block) ?? exactly(block)
}

/** Where fewer lines than one in so many are plain, looking for them is given up. */
const LEAST_PLAIN = 8
/** After so many lines it is clear. */
const ENOUGH_LINES = 2000

interface PlainBlock {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly converted: number
}

/** Makes rows of blocks: plain lines are left as they are, runs of others are converted. */
function plainBlocks(
  encoding: Encoding,
  lines: PlainLines,
  rowsOf: (records: readonly EnvelopedRecord[]) => Uint8Array,
): (block: RecordBlock) => PlainBlock | undefined {
  const reader = new RecordReader(encoding.stream)
  let seen = 0
  let plain = 0

  /** Reads `records` lines from `from` to `to` by the exact way. */
  const convert = (block: RecordBlock, from: number, to: number, records: number): Uint8Array => {
    reader.open({ bytes: block.bytes.subarray(from, to), records })
    const out: EnvelopedRecord[] = []
    while (reader.next()) {
      const { bytes, changes_start } = reader
      const data = bytes.toString('utf8', reader.data_start, reader.data_end)
      const emitted_at = reader.emittedAt()
      out.push(
        changes_start < 0
          ? { data, emitted_at }
          : {
              data,
              emitted_at,
              changes: bytes.toString('utf8', changes_start, reader.changes_end),
            },
      )
    }
    reader.close()
    return rowsOf(out)
  }

  /** Learns from a line, which has to be a record of the stream. */
  const learn = (block: RecordBlock, from: number, to: number): void => {
    reader.open({ bytes: block.bytes.subarray(from, to), records: 1 })
    if (reader.next()) lines.learn(reader, 0, to - from - 1)
  }

  return (block) => {
    const { length } = block.bytes
    if (length > MAX_SHAPED_BLOCK) return undefined
    if (seen > ENOUGH_LINES && plain * LEAST_PLAIN < seen) return undefined
    const whole = Buffer.from(block.bytes.buffer, block.bytes.byteOffset, length)
    // The exact way says where it is not.
    if (!isUtf8(whole)) return undefined
    const text = whole.toString('latin1')
    const pieces: Uint8Array[] = []
    let counted = 0
    let converted = 0
    const lineEnd = (at: number): number => {
      const feed = whole.indexOf(0x0a, at)
      if (feed < 0) throw new Error('a block ends within a line')
      return feed + 1
    }
    /** Where the plain line at `at` ends, if it is one, or is one now that it has been learned from. */
    const plainEnd = (at: number): number => {
      const end = lines.endOf(text, at)
      if (end > 0 || !lines.learns) return end
      learn(block, at, lineEnd(at))
      return lines.endOf(text, at)
    }
    let at = 0
    while (at < length) {
      const from = at
      for (let end = plainEnd(at); end > 0; end = at < length ? plainEnd(at) : -1) {
        at = end
        counted++
        plain++
      }
      if (at > from) pieces.push(block.bytes.subarray(from, at))
      if (at === length) break
      const other = at
      let records = 0
      do {
        at = lineEnd(at)
        records++
      } while (at < length && lines.endOf(text, at) < 0)
      pieces.push(convert(block, other, at, records))
      counted += records
      converted += records
    }
    if (counted !== block.records) {
      throw new Error(`a block of ${block.records} records has ${counted} lines`)
    }
    seen += counted
    return { bytes: joined(pieces), converted }
  }
}

/** Bytes of memory of their own, so that they can be given to another thread. */
function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const [only] = pieces
  const { buffer } = only ?? {}
  if (only !== undefined && pieces.length === 1 && buffer instanceof ArrayBuffer) {
    if (buffer.byteLength === only.length) return new Uint8Array(buffer)
  }
  const out = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}
