import { isAscii } from 'node:buffer'
import type { BadValue } from '../../core/records/bad-value.ts'
import type { EncodedBlock, Encoding, RecordBlock, Segment } from './encode.ts'
import { partitionReader } from './partition-reader.ts'
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

/** Bytes of one segment. */
export interface EncodedRecords {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** How many values were bad, and the first of them (at most 20). */
  readonly bad_values: number
  readonly examples: readonly BadValue[]
}

/** What a binary format makes of records. One is made for a stream and a sync in each thread. */
export interface BlockEncoder {
  /**
   * Encodes records of one partition into one segment. Throws `bad_value` where `on_bad_value` is `fail`,
   * and `record_invalid`.
   */
  encode(records: readonly EnvelopedRecord[]): EncodedRecords | Promise<EncodedRecords>
}

/** Records of one partition, in their order. */
export interface PartitionRecords {
  readonly partition: readonly string[]
  readonly records: EnvelopedRecord[]
}

/** Takes the records of one stream's blocks out of their messages, by partition. Throws `record_invalid`. */
export function blockRecords(
  encoding: Encoding,
): (block: RecordBlock) => readonly PartitionRecords[] {
  const reader = new RecordReader(encoding.stream)
  return (block) => {
    reader.open(block)
    const partitionOf = partitionReader(encoding.partition_by)
    const groups = new Map<readonly string[], PartitionRecords>()
    const { bytes, text } = reader
    const ascii = isAscii(bytes)
    const read = (from: number, to: number) =>
      ascii ? text.slice(from, to) : bytes.toString('utf8', from, to)
    while (reader.next()) {
      const partition = partitionOf(reader)
      let group = groups.get(partition)
      if (group === undefined) {
        group = { partition, records: [] }
        groups.set(partition, group)
      }
      const { changes_start } = reader
      const data = read(reader.data_start, reader.data_end)
      const emitted_at = reader.emittedAt()
      group.records.push(
        changes_start < 0
          ? { data, emitted_at }
          : { data, emitted_at, changes: read(changes_start, reader.changes_end) },
      )
    }
    reader.close()
    return [...groups.values()]
  }
}

/** Encodes blocks of one stream by a binary format's encoder. */
export function binaryBlocks(
  encoding: Encoding,
  encoder: BlockEncoder,
): (block: RecordBlock) => Promise<EncodedBlock> {
  const recordsOf = blockRecords(encoding)
  return async (block) => {
    const segments: Segment[] = []
    const examples: BadValue[] = []
    let bad_values = 0
    for (const { partition, records } of recordsOf(block)) {
      const encoded = await encoder.encode(records)
      segments.push({ partition, records: records.length, bytes: encoded.bytes })
      bad_values += encoded.bad_values
      examples.push(...encoded.examples.slice(0, MAX_EXAMPLES - examples.length))
    }
    return { segments, bad_values, examples }
  }
}

/** As `EncodedBlock` has it. */
const MAX_EXAMPLES = 20
