import { open } from 'node:fs/promises'
import type { DataOfRecords } from '../../format/encode/encode.ts'
import type { NamedStream } from '../send/messages.ts'
import type { Lines } from '../send/stream-writer.ts'

/** Messages that are taken out of their envelopes together, in bytes. */
const BLOCK_BYTES = 1 << 20

/** A file of the data of one stream's records, as JSON lines. Disposing of it closes it. */
export interface RecordFile extends AsyncDisposable {
  /** Takes a copy of RECORD messages. */
  add(lines: Lines): void
  /** Writes what there is once it is worth it. Throws `record_invalid`. */
  writeFull(stream: NamedStream | undefined): Promise<void>
  /** Writes what there is. Throws `record_invalid`. */
  writeRest(stream: NamedStream): Promise<void>
}

export async function openRecordFile(
  path: string,
  dataOfRecords: DataOfRecords,
): Promise<RecordFile> {
  const file = await open(path, 'w')
  let block = Buffer.alloc(BLOCK_BYTES)
  let used = 0
  let records = 0
  let dataOf: ReturnType<DataOfRecords> | undefined
  const writeRest = async (stream: NamedStream) => {
    if (records === 0) return
    dataOf ??= dataOfRecords(stream)
    const lines = dataOf({ bytes: block.subarray(0, used), records })
    used = 0
    records = 0
    await file.appendFile(lines)
  }
  return {
    add({ source, from, to, records: more }) {
      const size = to - from
      if (used + size > block.length) {
        const larger = Buffer.alloc(Math.max(2 * block.length, used + size))
        block.copy(larger, 0, 0, used)
        block = larger
      }
      block.set(source.subarray(from, to), used)
      used += size
      records += more
    },
    async writeFull(stream) {
      if (stream !== undefined && used >= BLOCK_BYTES) await writeRest(stream)
    },
    writeRest,
    [Symbol.asyncDispose]: () => file.close(),
  }
}
