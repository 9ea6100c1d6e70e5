import { AvroBuffer, compileAvro } from './avro-binary.ts'
import { openAvroCodec } from './avro-codec.ts'
import { recordMaker } from './avro-record-of.ts'
import { avroSyncMarker } from './avro-sync-marker.ts'
import type { Encoding } from './encode.ts'
import type { BlockEncoder } from './records-of-block.ts'

/**
 * Bytes of an Avro block before compression. Deflate and snappy gain nothing from larger ones, bzip2 and xz a
 * few per cent, and a reader has to hold a whole one.
 */
const BLOCK_BYTES = 256 * 1024

/** Encodes records into Avro blocks, each with its count, size and sync marker: whole segments of an Avro part. */
export function avroBlockEncoder(encoding: Encoding): BlockEncoder {
  const { output } = encoding
  if (output.type !== 'avro') throw new Error(`an Avro encoder of ${output.type} output`)
  const maker = recordMaker(encoding)
  const write = compileAvro(maker.schema)
  const codec = openAvroCodec(output.codec)
  const sync = avroSyncMarker(encoding.id)
  const plain = new AvroBuffer(BLOCK_BYTES + (1 << 16))

  return {
    async encode(records) {
      const pack = await codec
      const blocks: { readonly count: number; readonly data: Promise<Uint8Array> }[] = []
      let count = 0
      const close = () => {
        if (count === 0) return
        const data = pack(plain.take())
        // A record further on may throw before it is awaited.
        data.catch(() => undefined)
        blocks.push({ count, data })
        plain.at = 0
        count = 0
      }
      plain.at = 0
      maker.takeBad()
      for (const record of records) {
        write(maker.make(record), plain)
        count++
        if (plain.at >= BLOCK_BYTES) close()
      }
      close()
      const out = new AvroBuffer(1 << 16)
      for (const block of blocks) {
        const data = await block.data
        out.long(block.count)
        out.long(data.length)
        out.append(data)
        out.append(sync)
      }
      return { bytes: out.take(), ...maker.takeBad() }
    },
  }
}
