import type { BadValue } from '../../core/records/bad-value.ts'
import { type RecordMaker, recordMaker } from './avro-record-of.ts'
import type { EncodedBlock, Encoding, RecordBlock, Segment } from './encode.ts'
import { partitionReader } from './partition-reader.ts'
import type { PlainRows } from './plain-rows.ts'
import { RecordReader } from './record-reader.ts'

/** One record taken out of its message. */
export interface EnvelopedRecord {
  /** JSON text of an object, as the source wrote it. */
  readonly data: string
  /** Milliseconds since 1970. */
  readonly emitted_at: number
  /** JSON text of `meta.changes`, an array; absent where the source gave none. */
  readonly changes?: string
}

/** What a binary format makes of one partition's records. Used for one block after the other. */
export interface Rows {
  /** The fast way in. */
  readonly plain: PlainRows | undefined
  /**
   * The fastest: adds records from the reader's place on, as many as come to it in one go, and takes the reader past
   * them. How many; 0 where the next one is to be read.
   */
  takeRun?(reader: RecordReader, now: number): number
  /** Adds a record by converting it. */
  add(record: EnvelopedRecord): void
  /** A record was added one way or the other; `bytes`: of its data. */
  added(bytes: number): void
  /** The segment of all that was added; the next record begins another. */
  end(): Promise<Uint8Array> | Uint8Array
}

export interface RecordBlocksOptions {
  /** Without the fast way, for comparing. */
  readonly convert_all?: boolean
}

/** Rows kept for the next block, by partitions. */
const MAX_SPARE = 16
/** As `EncodedBlock` has it. */
const MAX_EXAMPLES = 20

/** Encodes blocks of one stream. Throws `bad_value` where `on_bad_value` is `fail`, and `record_invalid`. */
export function recordBlocks(
  encoding: Encoding,
  openRows: (maker: RecordMaker) => Rows,
  options: RecordBlocksOptions = {},
): (block: RecordBlock) => Promise<EncodedBlock> {
  const maker = recordMaker(encoding)
  const reader = new RecordReader(encoding.stream)
  /** Kept for their memory and what they have learned. */
  const spare: Rows[] = []

  return async (block) => {
    maker.takeBad()
    reader.open(block)
    const partitionOf = partitionReader(encoding.partition_by)
    const partitions = new Map<readonly string[], { readonly rows: Rows; records: number }>()
    const now = Date.now()
    try {
      const open = (partition: readonly string[]) => {
        const part = { rows: spare.pop() ?? openRows(maker), records: 0 }
        partitions.set(partition, part)
        return part
      }
      const whole = encoding.partition_by.length === 0 ? open([]) : undefined
      for (;;) {
        const taken = options.convert_all === true ? 0 : (whole?.rows.takeRun?.(reader, now) ?? 0)
        if (whole !== undefined && taken > 0) {
          whole.records += taken
          continue
        }
        if (!reader.next()) break
        const partition = partitionOf(reader)
        const part = whole ?? partitions.get(partition) ?? open(partition)
        const { rows } = part
        const plain = options.convert_all === true ? undefined : rows.plain
        if (!plain?.add(reader, now)) rows.add(recordOf(reader))
        rows.added(reader.data_end - reader.data_start)
        part.records++
      }
    } finally {
      reader.close()
    }
    const bad: { bad_values: number; examples: readonly BadValue[] } = maker.takeBad()
    const segments: Segment[] = []
    for (const [partition, { rows, records }] of partitions) {
      if (records > 0) segments.push({ partition, records, bytes: await rows.end() })
      if (spare.length < MAX_SPARE) spare.push(rows)
    }
    return { segments, ...bad, examples: bad.examples.slice(0, MAX_EXAMPLES) }
  }
}

function recordOf(reader: RecordReader): EnvelopedRecord {
  const { bytes, changes_start, changes_end } = reader
  const data = bytes.toString('utf8', reader.data_start, reader.data_end)
  const emitted_at = reader.emittedAt()
  if (changes_start < 0) return { data, emitted_at }
  return { data, emitted_at, changes: bytes.toString('utf8', changes_start, changes_end) }
}
