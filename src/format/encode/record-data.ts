import type { DataOfRecords } from './encode.ts'
import { RecordReader } from './record-reader.ts'

const LINE_FEED = 0x0a

/** See `DataOfRecords`. */
export const dataOfRecords: DataOfRecords = (stream) => {
  const reader = new RecordReader(stream)
  return (block) => {
    reader.open(block)
    // What stands around a record's data is longer than the line feed behind it.
    const lines = new Uint8Array(block.bytes.length)
    let length = 0
    while (reader.next()) {
      const data = reader.bytes.subarray(reader.data_start, reader.data_end)
      lines.set(data, length)
      length += data.length
      lines[length++] = LINE_FEED
    }
    reader.close()
    return lines.subarray(0, length)
  }
}
