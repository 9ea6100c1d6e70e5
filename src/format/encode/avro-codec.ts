import { promisify } from 'node:util'
import { constants, crc32, deflateRaw, zstdCompress } from 'node:zlib'
import type { AvroCodec } from '../../core/destination/output.ts'
import { SNAPPY_OPTIONS } from './parquet/pack.ts'

/** Packs the data of one Avro block; may be called again before it is done. */
export type PackBlock = (data: Uint8Array) => Promise<Uint8Array>

/** The codec as it is named in a file's header (Avro 1.11 specification, "Object Container Files"). */
export function avroCodecName(codec: AvroCodec): string {
  return codec.codec === 'none' ? 'null' : codec.codec
}

/** What packs blocks as `codec` says. Its library is loaded when first needed. */
export async function openAvroCodec(codec: AvroCodec): Promise<PackBlock> {
  switch (codec.codec) {
    case 'none':
      return async (data) => data
    case 'deflate': {
      // "raw" deflate, RFC 1951 without the zlib frame, as the specification asks.
      const pack = promisify<Uint8Array, { level: number }, Buffer>(deflateRaw)
      return (data) => pack(data, { level: codec.level })
    }
    case 'zstandard': {
      const pack = promisify<Uint8Array, { params: Record<number, number> }, Buffer>(zstdCompress)
      const params = {
        [constants.ZSTD_c_compressionLevel]: codec.level,
        [constants.ZSTD_c_checksumFlag]: codec.checksum ? 1 : 0,
      }
      return (data) => pack(data, { params })
    }
    case 'snappy': {
      const { compress } = await import('snappy')
      // "followed by the 4-byte, big-endian CRC32 checksum of the uncompressed data in the block".
      return async (data) => {
        const packed = await compress(data, SNAPPY_OPTIONS)
        const out = Buffer.allocUnsafe(packed.length + 4)
        packed.copy(out)
        out.writeUInt32BE(crc32(data), packed.length)
        return out
      }
    }
    case 'bzip2': {
      const { default: BZip2 } = await import('bzip2-wasm')
      const bzip2 = new BZip2()
      await bzip2.init()
      // It leaves these behind for its own loading; other modules take their presence for CommonJS.
      Reflect.deleteProperty(globalThis, 'require')
      Reflect.deleteProperty(globalThis, '__dirname')
      // Data that does not shrink grows by at most 1 % and 600 bytes (bzlib.h). 900 kB: as others write it.
      return async (data) => bzip2.compress(data, 9, Math.ceil(data.length * 1.01) + 600)
    }
    case 'xz': {
      const { default: lzma } = await import('lzma-native')
      return (data) =>
        new Promise((resolve, reject) => {
          const packer = lzma.createCompressor({ preset: codec.level })
          const chunks: Buffer[] = []
          packer.on('data', (chunk: Buffer) => chunks.push(chunk))
          packer.on('end', () => resolve(Buffer.concat(chunks)))
          packer.on('error', reject)
          packer.end(data)
        })
    }
  }
}
