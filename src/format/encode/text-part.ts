import { type FileHandle, open, rm } from 'node:fs/promises'
import type { TextCompression } from '../../core/destination/output.ts'
import { crc32Combine } from './crc32-combine.ts'
import { csvHead } from './csv-rows.ts'
import type { Encoding, OpenPart, Part, PartMark } from './encode.ts'
import { packText, type TextBytes } from './text-segment.ts'

/** A member of deflate data, without a time, written by a system that is not told (RFC 1952 §2.3.1). */
const GZIP_HEAD = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** A last block, which is empty (RFC 1951 §3.2.3): pieces of the data before have none. */
const DEFLATE_END = Buffer.from([3, 0])
const EMPTY = { plain_bytes: 0, crc: 0 }

interface TextMark extends PartMark {
  /** Size and CRC-32 of the text. */
  readonly plain_bytes: number
  readonly crc: number
}

/**
 * Begins a CSV or JSON lines file: its header now, where it has one, then segments. A gzip file is one member
 * (RFC 1952) whose deflate data are the segments one after the other; a zstd file a row of frames.
 */
export const openTextPart: OpenPart = async (encoding, path): Promise<Part> => {
  const compression = compressionOf(encoding)
  const file = await open(path, 'w')
  try {
    const part = new TextPart(file, path, compression)
    await part.begin(encoding)
    return part
  } catch (error) {
    await file.close()
    await rm(path, { force: true })
    throw error
  }
}

class TextPart implements Part {
  records = 0
  bytes = 0
  private plain: { readonly plain_bytes: number; readonly crc: number } = EMPTY
  private readonly file: FileHandle
  readonly path: string
  private readonly compression: TextCompression

  constructor(file: FileHandle, path: string, compression: TextCompression) {
    this.file = file
    this.path = path
    this.compression = compression
  }

  async begin(encoding: Encoding): Promise<void> {
    if (this.compression === 'gzip') await this.write(GZIP_HEAD)
    if (encoding.output.type !== 'csv') return
    const head = csvHead(encoding, encoding.output)
    if (head.length > 0) await this.add(packText(head, this.compression))
  }

  get disk_bytes(): number {
    return this.bytes
  }

  get settled_bytes(): number {
    return this.bytes
  }

  async append(segment: TextBytes & { readonly records: number }): Promise<void> {
    await this.add(segment)
    this.records += segment.records
  }

  mark(): TextMark {
    const { records, bytes, plain } = this
    return { records, bytes, ...plain }
  }

  async cut(mark: PartMark): Promise<void> {
    const { records, bytes, plain_bytes, crc } = mark as TextMark
    await this.file.truncate(bytes)
    this.records = records
    this.bytes = bytes
    this.plain = { plain_bytes, crc }
  }

  async finish() {
    if (this.compression === 'gzip') {
      const trailer = Buffer.alloc(8)
      trailer.writeUInt32LE(this.plain.crc, 0)
      trailer.writeUInt32LE(this.plain.plain_bytes % 2 ** 32, 4)
      await this.write(DEFLATE_END)
      await this.write(trailer)
    }
    await this.file.close()
    return { path: this.path, bytes: this.bytes, records: this.records }
  }

  async discard(): Promise<void> {
    await this.file.close()
    await rm(this.path, { force: true })
  }

  private async add({ bytes, plain }: TextBytes): Promise<void> {
    await this.write(bytes)
    if (this.compression !== 'gzip') return
    if (plain === undefined) throw new Error('a segment of gzip text without its CRC')
    const { plain_bytes, crc } = this.plain
    this.plain = {
      plain_bytes: plain_bytes + plain.bytes,
      crc: crc32Combine(crc, plain.crc, plain.bytes),
    }
  }

  private async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const left = bytes.length - done
      const { bytesWritten } = await this.file.write(bytes, done, left, this.bytes + done)
      done += bytesWritten
    }
    this.bytes += bytes.length
  }
}

function compressionOf({ output }: Encoding): TextCompression {
  if (output.type === 'csv' || output.type === 'jsonl') return output.compression
  throw new Error(`a part of text of ${output.type} output`)
}
