import { open, rm } from 'node:fs/promises'
import { AvroBuffer } from './avro-binary.ts'
import { avroCodecName } from './avro-codec.ts'
import { avroSchemaOf } from './avro-record-of.ts'
import { avroSyncMarker } from './avro-sync-marker.ts'
import type { Encoding, OpenPart, Part } from './encode.ts'

/**
 * Begins an Avro object container file: the header now, then segments, each of which is whole blocks that
 * end with the file's sync marker. There is nothing to write at the end, so a part can be cut after any segment.
 */
export const openAvroPart: OpenPart = async (encoding, path): Promise<Part> => {
  const header = avroHeader(encoding)
  const file = await open(path, 'w')
  let records = 0
  let bytes = 0
  const write = async (data: Uint8Array) => {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await file.write(data, done, data.length - done, bytes + done)
      done += bytesWritten
    }
    bytes += data.length
  }
  await write(header)
  return {
    path,
    get settled_bytes() {
      return bytes
    },
    get records() {
      return records
    },
    get bytes() {
      return bytes
    },
    get disk_bytes() {
      return bytes
    },
    async append(segment) {
      await write(segment.bytes)
      records += segment.records
    },
    mark: () => ({ records, bytes }),
    async cut(mark) {
      await file.truncate(mark.bytes)
      ;({ records, bytes } = mark)
    },
    async finish() {
      await file.close()
      return { path, bytes, records }
    },
    async discard() {
      await file.close()
      await rm(path, { force: true })
    },
  }
}

/** "Obj" and 1, the metadata as a map of bytes, the sync marker (Avro 1.11, "Object Container Files"). */
function avroHeader(encoding: Encoding): Uint8Array {
  const { output } = encoding
  if (output.type !== 'avro') throw new Error(`an Avro part of ${output.type} output`)
  const out = new AvroBuffer(1 << 12)
  out.append(Buffer.from([0x4f, 0x62, 0x6a, 1]))
  const meta = {
    'avro.schema': JSON.stringify(avroSchemaOf(encoding)),
    'avro.codec': avroCodecName(output.codec),
  }
  const entries = Object.entries(meta)
  out.long(entries.length)
  for (const [key, value] of entries) {
    out.string(key)
    out.string(value)
  }
  out.long(0)
  out.append(avroSyncMarker(encoding.id))
  return out.take()
}
