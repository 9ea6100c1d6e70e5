import { isUtf8 } from 'node:buffer'
import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { RecordBlock } from './encode.ts'
import { EnvelopeScanner, memberName } from './envelope-scanner.ts'
import { MAX_SHAPED_BLOCK, RecordShapes, type Shape, ShapeFields } from './record-shapes.ts'

const CARRIAGE_RETURN = 0x0d
const SPACE = 0x20
const ZERO = 0x30
const NOTHING: Buffer<ArrayBuffer> = Buffer.from(new ArrayBuffer(0))
/** What is shown of a line that is refused. */
const SHOWN = 200

/** The members of a record's data. */
export interface Fields {
  /**
   * Their names: each byte of the UTF-8 a character, escapes resolved. The array is the same one for records
   * with the same names in the same order one after the other.
   */
  readonly names: readonly string[]
  /** Where their values are in the block. */
  readonly start: Int32Array
  readonly end: Int32Array
}

/**
 * Goes through the records of one stream's blocks. `next` moves to the next record; positions are of bytes in
 * the block. What it learns of the shapes of lines holds for the blocks after.
 */
export class RecordReader {
  bytes: Buffer<ArrayBuffer> = NOTHING
  /** The object `data`, braces included. */
  data_start = 0
  data_end = 0
  /** `emitted_at`, a whole number as JSON writes it. */
  emitted_start = 0
  emitted_end = 0
  /** The array `meta.changes`; -1 where there is none. */
  changes_start = -1
  changes_end = -1

  /** See `text`; undefined until it is asked for. */
  private decoded: string | undefined
  /** Records that had a known shape. */
  shaped_lines = 0
  /** Where the next record begins. */
  at = 0
  /** What it has learned; undefined in a block that is too large for it to help. */
  shapes: RecordShapes | undefined

  /** Whether the block has carriage returns, which are white space in JSON. */
  has_returns = false
  private line = 0
  private lines = 0
  private records = 0
  private shape: Shape | undefined
  private last_names: readonly string[] = []
  private readonly scanner = new EnvelopeScanner()
  private readonly shaped = new ShapeFields()
  private readonly known: RecordShapes | undefined
  private readonly stream: Pick<Stream, 'name' | 'namespace'>
  /** How the stream is written in lines that have passed; so that they are decoded once. */
  private readonly spellings = new Map<string, string>()

  /** `scan_all`: without the fast way, for comparing. */
  constructor(
    stream: Pick<Stream, 'name' | 'namespace'>,
    options: { readonly scan_all?: boolean } = {},
  ) {
    this.stream = stream
    this.known = options.scan_all === true ? undefined : new RecordShapes()
  }

  /** Begins with a block. Throws `record_invalid` where it is not UTF-8. */
  open(block: RecordBlock): void {
    const { buffer, byteOffset, length } = block.bytes
    this.bytes = Buffer.from(buffer, byteOffset, length)
    this.at = 0
    this.lines = 0
    this.records = block.records
    if (length > 0 && this.bytes[length - 1] !== 0x0a) throw new Error('a block ends within a line')
    this.decoded = undefined
    this.shapes = length <= MAX_SHAPED_BLOCK ? this.known : undefined
    if (!isUtf8(this.bytes)) this.refuseBytes()
    this.has_returns = this.bytes.includes(CARRIAGE_RETURN)
  }

  /** Lets go of the block: a reader that waits for its next one holds no memory. */
  close(): void {
    this.bytes = NOTHING
    this.decoded = undefined
  }

  /** The block, a character for a byte. */
  get text(): string {
    this.decoded ??= this.bytes.toString('latin1')
    return this.decoded
  }

  /** Moves to the next record; false after the last. Throws `record_invalid`. */
  next(): boolean {
    const { bytes, at } = this
    if (at === bytes.length) {
      if (this.lines !== this.records) {
        throw new Error(`a block of ${this.records} records has ${this.lines} lines`)
      }
      return false
    }
    this.line = at
    this.lines++
    const shape = this.shapes?.match(this.text, at)
    this.shape = shape
    if (shape === undefined) this.scan(at)
    else this.place(shape, at)
    if (this.has_returns) this.blankReturns()
    return true
  }

  /** Goes past so many records of known shapes, up to `end`: they were read by other means. */
  pass(end: number, records: number): void {
    this.at = end
    this.lines += records
    this.shaped_lines += records
    this.shapes?.pass(records)
  }

  private place(shape: Shape, at: number): void {
    this.shaped_lines++
    const end = shape.pattern.lastIndex - 1
    this.at = end + 1
    this.data_start = at + shape.before
    this.data_end = end - shape.after
    this.emitted_start = shape.emitted_start + (shape.emitted_start < 0 ? end : at)
    this.emitted_end = shape.emitted_end + (shape.emitted_end < 0 ? end : at)
    if (shape.changes_start === 0) {
      this.changes_start = -1
    } else {
      this.changes_start = shape.changes_start + (shape.changes_start < 0 ? end : at)
      this.changes_end = shape.changes_end + (shape.changes_end < 0 ? end : at)
    }
  }

  /** To many readers of text a carriage return ends a line: a space says the same within JSON. */
  private blankReturns(): void {
    const { bytes, data_start, data_end, changes_start, changes_end } = this
    for (let p = data_start; p < data_end; p++) if (bytes[p] === CARRIAGE_RETURN) bytes[p] = SPACE
    if (changes_start < 0) return
    for (let p = changes_start; p < changes_end; p++)
      if (bytes[p] === CARRIAGE_RETURN) bytes[p] = SPACE
  }

  /** Milliseconds since 1970. */
  emittedAt(): number {
    const { bytes, emitted_start, emitted_end } = this
    let value = 0
    for (let p = emitted_start; p < emitted_end; p++) {
      const digit = (bytes[p] as number) - ZERO
      // A safe number may be written otherwise.
      if (digit < 0 || digit > 9) return Number(this.text.slice(emitted_start, emitted_end))
      value = value * 10 + digit
    }
    return value
  }

  /** The members of the record's data; valid until the next call. */
  fields(): Fields {
    const { shape, scanner } = this
    const names = this.names()
    if (shape === undefined) return { names, start: scanner.value_start, end: scanner.value_end }
    this.shaped.locate(shape, this.bytes, this.data_start)
    const { start, end } = this.shaped
    return { names, start, end }
  }

  /** The names of `fields`, which costs less than all of it. */
  names(): readonly string[] {
    if (this.shape !== undefined) return this.shape.names
    const { scanner, text } = this
    const { fields, name_start, name_end } = scanner
    let same = this.last_names.length === fields
    const names: string[] = []
    for (let field = 0; field < fields; field++) {
      const name = memberName(text.slice(name_start[field], name_end[field]))
      same &&= this.last_names[field] === name
      names.push(name)
    }
    if (!same) this.last_names = names
    return this.last_names
  }

  private scan(at: number): void {
    const { bytes, scanner, text } = this
    const end = bytes.indexOf(0x0a, at)
    this.at = end + 1
    if (!scanner.scan(bytes, at, end)) this.refuse(scanner.fault, scanner.fault_at)
    this.check()
    this.data_start = scanner.data_start
    this.data_end = scanner.data_end
    this.emitted_start = scanner.emitted_start
    this.emitted_end = scanner.emitted_end
    this.changes_start = scanner.changes_start
    this.changes_end = scanner.changes_end
    this.shapes?.learn(scanner, text, at, end)
  }

  /** A line is valid JSON; here it shows whether it is a record, and one of this stream. */
  private check(): void {
    const { scanner, stream } = this
    const type = this.spelling(scanner.type_start, scanner.type_end)
    if (type !== 'RECORD') this.refuse(`its type is ${type ?? 'missing'} and not RECORD`)
    const name = this.spelling(scanner.stream_start, scanner.stream_end)
    const namespace = this.spelling(scanner.namespace_start, scanner.namespace_end)
    if (name === undefined) this.refuse('it names no stream')
    if (name !== stream.name || namespace !== stream.namespace) {
      this.refuse(
        `it is of the stream ${streamLabel({ name, ...(namespace === undefined ? {} : { namespace }) })}`,
      )
    }
    if (scanner.data_start < 0) this.refuse('it has no data')
    if (scanner.emitted_start < 0) this.refuse('it has no emitted_at')
  }

  private spelling(start: number, end: number): string | undefined {
    if (start < 0) return undefined
    const quoted = this.text.slice(start, end)
    const known = this.spellings.get(quoted)
    if (known !== undefined) return known
    const text = JSON.parse(this.bytes.toString('utf8', start, end)) as string
    if (this.spellings.size < 100) this.spellings.set(quoted, text)
    return text
  }

  private refuse(what: string, at = -1): never {
    const end = this.bytes.indexOf(0x0a, this.line)
    const where = at < 0 ? '' : ` (byte ${at - this.line + 1})`
    throw new ExchangeError(
      'record_invalid',
      `A line of stream "${streamLabel(this.stream)}" is no RECORD message of it: ${what}${where}.`,
      {
        details: { line: this.bytes.toString('utf8', this.line, Math.min(end, this.line + SHOWN)) },
      },
    )
  }

  private refuseBytes(): never {
    const { bytes } = this
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(0x0a, start) + 1
      this.line = start
      if (!isUtf8(bytes.subarray(start, end))) this.refuse('it holds bytes that are not UTF-8')
      start = end
    }
    throw new Error('no line holds the bytes that are not UTF-8')
  }
}
