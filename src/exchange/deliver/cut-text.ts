import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import type { DeliveryOutput } from './output.ts'
import type { WrittenFile } from './write-files.ts'

export interface CutTextOptions {
  readonly dir: string
  readonly compression: DeliveryOutput['compression']
  /** A file ends with the record that passes this size as stored. */
  readonly file_bytes: number
  readonly file_rows?: number
  /** Records may hold line breaks between these; without it each line is one. */
  readonly quote?: string
  readonly escape?: string
  /** First line of each file. */
  readonly header?: string
  readonly signal?: AbortSignal
}

const NEWLINE = 10
const PIECE = 65_536

/** Cuts a text of whole records into files, compressing each on its way. No file without a record. */
export async function cutText(path: string, options: CutTextOptions): Promise<WrittenFile[]> {
  const written: WrittenFile[] = []
  const ends = recordEnds(options)
  const { file_bytes, file_rows = Number.POSITIVE_INFINITY, signal } = options
  let part: Part | undefined
  const close = async () => {
    if (part === undefined) return
    written.push(await part.close())
    part = undefined
  }
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: PIECE, signal })) {
      const bytes = chunk as Buffer
      const found = ends(bytes)
      let from = 0
      let rows = 0
      for (const end of found) {
        rows += 1
        part ??= await Part.open(join(options.dir, `part-${written.length}`), options)
        if (part.bytes < file_bytes && part.rows + rows < file_rows) continue
        await part.write(bytes.subarray(from, end), rows)
        from = end
        rows = 0
        await close()
      }
      if (from < bytes.length) {
        part ??= await Part.open(join(options.dir, `part-${written.length}`), options)
        await part.write(bytes.subarray(from), rows)
      }
    }
    await close()
  } catch (error) {
    part?.abort()
    throw error
  }
  return written
}

/** One file that is being written. */
class Part {
  rows = 0
  /** Stored so far; what the compressor still holds is not counted. */
  bytes = 0
  readonly #path: string
  readonly #into: Writable
  readonly #file: Writable
  readonly #done: Promise<void>

  private constructor(path: string, compression: DeliveryOutput['compression']) {
    this.#path = path
    this.#file = createWriteStream(path)
    if (compression === 'none') this.#into = this.#file
    else {
      const packer = compression === 'gzip' ? createGzip() : createZstdCompress()
      packer.on('data', (chunk: Buffer) => {
        this.bytes += chunk.length
      })
      packer.on('error', (error) => this.#file.destroy(error))
      packer.pipe(this.#file)
      this.#into = packer
    }
    this.#done = finished(this.#file)
    // Waited for in `close`; a failure before that shows there, or in a write.
    this.#done.catch(() => undefined)
  }

  static async open(path: string, { compression, header }: CutTextOptions): Promise<Part> {
    const part = new Part(path, compression)
    if (header !== undefined) await part.write(Buffer.from(header), 0)
    return part
  }

  async write(bytes: Uint8Array, rows: number): Promise<void> {
    this.rows += rows
    if (this.#into === this.#file) this.bytes += bytes.length
    // The piece is a view of a buffer that the reader does not use again.
    if (!this.#into.write(bytes)) await Promise.race([once(this.#into, 'drain'), this.#done])
  }

  async close(): Promise<WrittenFile> {
    this.#into.end()
    await this.#done
    return { path: this.#path, rows: this.rows, bytes: (await stat(this.#path)).size }
  }

  abort(): void {
    this.#into.destroy()
    this.#file.destroy()
  }
}

/** Offsets behind the last byte of each record that ends in a piece; called with the pieces in order. */
function recordEnds({ quote, escape: mark }: CutTextOptions): (bytes: Buffer) => number[] {
  if (quote === undefined) {
    return (bytes) => {
      const ends: number[] = []
      for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1))
        ends.push(at + 1)
      return ends
    }
  }
  // Signs of one byte only: others cannot be told apart byte by byte, and no dialect has them.
  const [open, skip] = [quote, mark ?? quote].map((sign) => sign.charCodeAt(0))
  let inside = false
  let escaped = false
  return (bytes) => {
    const ends: number[] = []
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at]
      if (escaped) escaped = false
      else if (inside && byte === skip && skip !== open) escaped = true
      else if (byte === open) inside = !inside
      else if (byte === NEWLINE && !inside) ends.push(at + 1)
    }
    return ends
  }
}
