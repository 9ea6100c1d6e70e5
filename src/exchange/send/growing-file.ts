import { open } from 'node:fs/promises'

const PIECE_BYTES = 1 << 20

/** A file that is read from its beginning while it is still written at its end. */
export class GrowingFile {
  /** What is there and stays as it is, in bytes. */
  private settled = 0
  private ended = false
  private abandoned = false
  private woken: (() => void) | undefined
  private readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** So many bytes can be read. */
  grow(bytes: number): void {
    this.settled = bytes
    this.wake()
  }

  /** The file is whole, and has so many bytes. */
  end(bytes: number): void {
    this.ended = true
    this.grow(bytes)
  }

  /** Nothing more comes: `pieces` throws. */
  abandon(): void {
    this.abandoned = true
    this.wake()
  }

  /** All of the file, once. The pieces are in one memory, as those of `filePieces`. */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
    const file = await open(this.path)
    try {
      for (let at = 0; ; ) {
        if (this.abandoned) throw new Error(`${this.path} was given up while it was read`)
        if (at < this.settled) {
          const wanted = Math.min(PIECE_BYTES, this.settled - at)
          const { bytesRead } = await file.read(piece, 0, wanted, at)
          if (bytesRead === 0) throw new Error(`${this.path} is shorter than was said`)
          at += bytesRead
          yield piece.subarray(0, bytesRead)
        } else if (this.ended) return
        else {
          await new Promise<void>((resolve) => {
            this.woken = resolve
          })
        }
      }
    } finally {
      await file.close()
    }
  }

  private wake(): void {
    this.woken?.()
    this.woken = undefined
  }
}
