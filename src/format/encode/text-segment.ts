import { constants, crc32, deflateRawSync, zstdCompressSync } from 'node:zlib'
import type { TextCompression } from '../../core/destination/output.ts'

/**
 * Measured on JSON lines of 12 flat fields: level 1 packs 300 MB/s a core to 19.9 %, 2 260 MB/s to 19.1 %, 6
 * (zlib's default) 90 MB/s to 17.2 %.
 */
const DEFLATE = {
  level: 1,
  memLevel: 9,
  chunkSize: 1 << 18,
  // Ends at a whole byte without ending the stream, so that pieces made apart stand one after the other.
  finishFlush: constants.Z_SYNC_FLUSH,
}
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** What a text part is appended: see `openTextPart`. */
export interface TextBytes {
  readonly bytes: Uint8Array
  readonly plain?: { readonly bytes: number; readonly crc: number }
}

/**
 * Compresses a piece of text so that pieces one after the other are one whole: of gzip raw deflate data
 * (RFC 1951 §3.2.4) without an end, of zstd a frame. The answer shares no memory with `text`.
 */
export function packText(text: Uint8Array, compression: TextCompression): TextBytes {
  switch (compression) {
    case 'none':
      return { bytes: new Uint8Array(text) }
    case 'zstd':
      return { bytes: zstdCompressSync(text, ZSTD) }
    case 'gzip':
      return {
        bytes: deflateRawSync(text, DEFLATE),
        plain: { bytes: text.length, crc: crc32(text) },
      }
  }
}
