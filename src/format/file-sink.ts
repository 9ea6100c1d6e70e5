import { closeSync, openSync, writeSync } from 'node:fs'

const BUFFER = 1 << 16

/**
 * Writes a local file through one buffer. Synchronous: a gate appends millions of small pieces,
 * and the page cache takes them faster than a promise per piece would.
 */
export class FileSink {
  /** Bytes of the longest record, as given to `record`. */
  longest = 0
  private readonly file: number
  private buffer = Buffer.allocUnsafe(BUFFER)
  private used = 0

  constructor(path: string) {
    this.file = openSync(path, 'w')
  }

  append(bytes: Uint8Array): void {
    if (this.used + bytes.length > BUFFER) this.flush()
    if (bytes.length >= BUFFER) {
      this.write(bytes)
    } else {
      this.buffer.set(bytes, this.used)
      this.used += bytes.length
    }
  }

  appendText(text: string): void {
    // Three bytes are the most one UTF-16 unit takes.
    if (text.length * 3 < BUFFER) {
      if (this.used + text.length * 3 > BUFFER) this.flush()
      this.used += this.buffer.write(text, this.used)
    } else this.append(Buffer.from(text))
  }

  /** Room for `most` bytes from `at` on, to be written into directly and then committed. */
  reserve(most: number): { readonly bytes: Uint8Array; readonly at: number } {
    if (this.used + most > this.buffer.length) {
      this.flush()
      if (most > this.buffer.length) this.buffer = Buffer.allocUnsafe(most)
    }
    return { bytes: this.buffer, at: this.used }
  }

  commit(length: number): void {
    this.used += length
  }

  record(length: number): void {
    if (length > this.longest) this.longest = length
  }

  /** Writes what is left; the file is whole afterwards. */
  close(): void {
    try {
      this.flush()
    } finally {
      closeSync(this.file)
    }
  }

  private flush(): void {
    this.write(this.buffer.subarray(0, this.used))
    this.used = 0
  }

  private write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.file, bytes, at, bytes.length - at)
  }
}
