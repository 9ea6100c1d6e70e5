import type { BadValue } from '../../../core/records/bad-value.ts'
import { recordMaker } from '../avro-record-of.ts'
import type { EncodedBlock, Encoding, RecordBlock, Segment } from '../encode.ts'
import { partitionReader } from '../partition-reader.ts'
import { RecordReader } from '../record-reader.ts'
import type { EnvelopedRecord } from '../records-of-block.ts'
import { frameOf } from './frame.ts'
import { LeafColumn } from './leaf-column.ts'
import { columnsOf, leavesOf } from './leaves.ts'
import { PlainRows } from './plain-rows.ts'
import { type Shred, shredders } from './shred.ts'

/** A row group is of so many frames at least, so that it can be near its size. */
const FRAMES_IN_GROUP = 4
const MOST_FRAME_BYTES = 4 << 20
/** Columns kept for the next block, by partitions. */
const MAX_SPARE = 16
/** As `EncodedBlock` has it. */
const MAX_EXAMPLES = 20

/** Rows of one partition. */
interface Rows {
  readonly partition: readonly string[]
  readonly columns: readonly LeafColumn[]
  readonly plain: PlainRows | undefined
  readonly add: (record: EnvelopedRecord) => void
  readonly frames: Buffer<ArrayBuffer>[]
  records: number
  /** How many of them are in frames, and the bytes of JSON of the others. */
  framed: number
  unframed_bytes: number
}

/**
 * Encodes the blocks of one stream as frames for a Parquet part. `convert_all`: without the fast way, for comparing.
 * Throws `schema_unsupported`.
 */
export function parquetBlocks(
  encoding: Encoding,
  options: { readonly convert_all?: boolean } = {},
): (block: RecordBlock) => EncodedBlock {
  const { output } = encoding
  if (output.type !== 'parquet') throw new Error(`a Parquet encoder of ${output.type} output`)
  const columns = columnsOf(encoding)
  const leaves = leavesOf(columns)
  const maker = recordMaker(encoding)
  const frame_bytes = Math.min(MOST_FRAME_BYTES, output.row_group_bytes / FRAMES_IN_GROUP)
  const reader = new RecordReader(encoding.stream)
  /** Kept from block to block for their memory and what they have learned. */
  const spare: Rows[] = []

  const rowsFor = (partition: readonly string[]): Rows => {
    const used = spare.pop()
    const none = { partition, frames: [], records: 0, framed: 0, unframed_bytes: 0 }
    if (used !== undefined) return { ...used, ...none }
    const of_leaves = leaves.map((leaf) => new LeafColumn(leaf))
    const shreds = shredders(columns, of_leaves)
    const plain =
      options.convert_all === true
        ? undefined
        : PlainRows.of(encoding, { columns, leaves: of_leaves, shreds })
    const add = (record: EnvelopedRecord) => {
      const made = maker.make(record)
      columns.forEach(({ name }, index) => {
        ;(shreds[index] as Shred)(made[name], 0, 0)
      })
    }
    return { columns: of_leaves, plain, add, ...none }
  }

  const endFrame = (rows: Rows): void => {
    if (rows.records === rows.framed) return
    rows.frames.push(frameOf(rows.columns, rows.records - rows.framed))
    rows.framed = rows.records
    rows.unframed_bytes = 0
    for (const column of rows.columns) column.clear()
  }

  return (block) => {
    maker.takeBad()
    reader.open(block)
    const partitionOf = partitionReader(encoding.partition_by)
    const partitions = new Map<readonly string[], Rows>()
    const now = Date.now()
    try {
      while (reader.next()) {
        const partition = partitionOf(reader)
        let rows = partitions.get(partition)
        if (rows === undefined) {
          rows = rowsFor(partition)
          partitions.set(partition, rows)
        }
        if (!rows.plain?.add(reader, now)) rows.add(recordOf(reader))
        rows.records++
        rows.unframed_bytes += reader.data_end - reader.data_start
        if (rows.unframed_bytes >= frame_bytes) endFrame(rows)
      }
    } finally {
      reader.close()
    }
    const segments: Segment[] = []
    for (const rows of partitions.values()) {
      endFrame(rows)
      const { partition, records, frames } = rows
      segments.push({ partition, records, bytes: joined(frames) })
      if (spare.length < MAX_SPARE) spare.push(rows)
    }
    const bad: { bad_values: number; examples: readonly BadValue[] } = maker.takeBad()
    return { segments, ...bad, examples: bad.examples.slice(0, MAX_EXAMPLES) }
  }
}

/** Takes the record out of its message, as text. */
function recordOf(reader: RecordReader): EnvelopedRecord {
  const { bytes, changes_start, changes_end } = reader
  const data = bytes.toString('utf8', reader.data_start, reader.data_end)
  const emitted_at = reader.emittedAt()
  if (changes_start < 0) return { data, emitted_at }
  return { data, emitted_at, changes: bytes.toString('utf8', changes_start, changes_end) }
}

function joined(frames: readonly Buffer<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const [first] = frames
  return first !== undefined && frames.length === 1 ? first : Buffer.concat(frames)
}
