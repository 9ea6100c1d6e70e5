import { ByteBuffer } from './byte-buffer.ts'
import { csvRows } from './csv-rows.ts'
import type { EncodedBlock, Encoding, RecordBlock, Segment } from './encode.ts'
import { jsonlRows } from './jsonl-rows.ts'
import { partitionReader } from './partition-reader.ts'
import { RecordReader } from './record-reader.ts'
import { RowRuns } from './row-runs.ts'
import type { RowWriter } from './row-writer.ts'
import { packText } from './text-segment.ts'

/** Memory kept from block to block for what is written. */
const KEPT_BYTES = 8 << 20
const FIRST_BYTES = 1 << 16

/** One for all encodings of a thread, which encodes one block at a time: memory must not grow with streams. */
let whole = new ByteBuffer(FIRST_BYTES)

interface Rows {
  readonly out: ByteBuffer
  records: number
}

/** Encodes blocks of one stream as CSV or JSON lines. What it returns throws `record_invalid`. */
export function textBlocks(encoding: Encoding): (block: RecordBlock) => EncodedBlock {
  const { output, partition_by } = encoding
  if (output.type !== 'csv' && output.type !== 'jsonl') {
    throw new Error(`rows of text of ${output.type} output`)
  }
  const { compression } = output
  const writer = rowWriter(encoding)
  const reader = new RecordReader(encoding.stream)
  const runs = writer.template && new RowRuns(writer.template, writer.ids)

  /** All records into one buffer, which serves every block. */
  const unparted = (now: number): Map<readonly string[], Rows> => {
    if (whole.bytes.length > KEPT_BYTES) whole = new ByteBuffer(FIRST_BYTES)
    whole.at = 0
    let records = 0
    for (;;) {
      const taken = runs?.take(reader, whole, now) ?? 0
      records += taken
      if (taken > 0) continue
      if (!reader.next()) break
      writer.write(reader, whole, now)
      records++
    }
    return new Map(records === 0 ? [] : [[[], { out: whole, records }]])
  }
  const parted = (now: number): Map<readonly string[], Rows> => {
    const partitionOf = partitionReader(partition_by)
    const partitions = new Map<readonly string[], Rows>()
    while (reader.next()) {
      const partition = partitionOf(reader)
      let rows = partitions.get(partition)
      if (rows === undefined) {
        rows = { out: new ByteBuffer(FIRST_BYTES >> 4), records: 0 }
        partitions.set(partition, rows)
      }
      writer.write(reader, rows.out, now)
      rows.records++
    }
    return partitions
  }
  return (block) => {
    reader.open(block)
    const now = Date.now()
    try {
      return packed(now)
    } finally {
      reader.close()
    }
  }
  function packed(now: number): EncodedBlock {
    const partitions = partition_by.length === 0 ? unparted(now) : parted(now)
    const segments: Segment[] = []
    for (const [partition, { out, records }] of partitions) {
      segments.push({ partition, records, ...packText(out.written, compression) })
    }
    return { segments, bad_values: 0, examples: [] }
  }
}

function rowWriter(encoding: Encoding): RowWriter {
  const { output } = encoding
  if (output.type === 'csv') return csvRows(encoding, output)
  if (output.type === 'jsonl') return jsonlRows(encoding, output.flatten)
  throw new Error(`rows of text of ${output.type} output`)
}
