import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import type { ParquetCodec } from '../../../core/destination/output.ts'
import { packLz4 } from './lz4.ts'

/** Numbers of parquet-format's `CompressionCodec`; 7 is LZ4_RAW. */
export const CODECS: Record<ParquetCodec, number> = {
  uncompressed: 0,
  snappy: 1,
  gzip: 2,
  brotli: 4,
  zstd: 6,
  lz4: 7,
}

/** The highest quality, which is the library's default, takes minutes for what this does in a second. */
const BROTLI_QUALITY = 5

/**
 * What is packed is copied out of the library's memory: else each page holds, until the collector comes to it, as much
 * as a page that cannot be packed would, newly taken from the system.
 */
export const SNAPPY_OPTIONS = { copyOutputData: true }

export type Pack = (bytes: Uint8Array) => Uint8Array

/** What packs pages; libraries are loaded when they are asked for. */
export async function packerOf(codec: ParquetCodec): Promise<Pack> {
  switch (codec) {
    case 'uncompressed':
      return (bytes) => bytes
    case 'snappy': {
      const { compressSync } = await import('snappy')
      return (bytes) => compressSync(asBuffer(bytes), SNAPPY_OPTIONS)
    }
    case 'gzip':
      return (bytes) => gzipSync(bytes)
    case 'brotli':
      return (bytes) =>
        brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } })
    case 'zstd':
      return (bytes) => zstdCompressSync(bytes)
    case 'lz4':
      return packLz4
  }
}

const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length)
