import { open } from 'node:fs/promises'

const PIECE_BYTES = 1 << 20

/**
 * A file's bytes in pieces, for a store to write. All are in the same memory: the collector, which sees small objects
 * and not what lies behind them, would otherwise let hundreds of megabytes pile up.
 */
export async function* filePieces(path: string): AsyncGenerator<Uint8Array> {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  const file = await open(path)
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, null)
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
