import { AvroBuffer, compileAvro } from './avro-binary.ts'
import { openAvroCodec } from './avro-codec.ts'
import { avroSyncMarker } from './avro-sync-marker.ts'
import type { EncodedBlock, Encoding, RecordBlock } from './encode.ts'
import { plainAvro } from './plain-avro.ts'
import { type RecordBlocksOptions, recordBlocks } from './record-blocks.ts'

/**
 * Bytes of an Avro block before compression. Deflate and snappy gain nothing from larger ones, bzip2 and xz a
 * few per cent, and a reader has to hold a whole one.
 */
const BLOCK_BYTES = 256 * 1024

/** One block of a file on its way. */
interface AvroBlock {
  readonly records: number
  readonly data: Promise<Uint8Array>
}

/** Encodes blocks of records as Avro blocks, each with its count, size and sync marker: segments of an Avro part. */
export async function avroBlocks(
  encoding: Encoding,
  options: RecordBlocksOptions = {},
): Promise<(block: RecordBlock) => Promise<EncodedBlock>> {
  const { output } = encoding
  if (output.type !== 'avro') throw new Error(`an Avro encoder of ${output.type} output`)
  const pack = await openAvroCodec(output.codec)
  const sync = avroSyncMarker(encoding.id)

  return recordBlocks(
    encoding,
    (maker) => {
      const buffer = new AvroBuffer(1 << 12)
      const write = compileAvro(maker.schema)
      let blocks: AvroBlock[] = []
      let records = 0
      const endBlock = () => {
        if (records === 0) return
        const data = pack(buffer.take())
        // A record further on may throw before it is awaited.
        data.catch(() => undefined)
        blocks.push({ records, data })
        buffer.at = 0
        records = 0
      }
      return {
        plain: plainAvro(encoding, maker.schema, buffer),
        add: (record) => write(maker.make(record), buffer),
        added() {
          records++
          if (buffer.at >= BLOCK_BYTES) endBlock()
        },
        async end() {
          endBlock()
          const ended = blocks
          blocks = []
          const out = new AvroBuffer(1 << 16)
          for (const block of ended) {
            const data = await block.data
            out.long(block.records)
            out.long(data.length)
            out.append(data)
            out.append(sync)
          }
          return out.take()
        },
      }
    },
    options,
  )
}
