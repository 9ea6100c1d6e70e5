import { isUtf8 } from 'node:buffer'
import { join } from 'node:path'
import { type Codec, expand } from './codecs.ts'
import { FieldTable, HOLE, INTEGER, KINDS, NULL, SHORT_INTEGER } from './field-table.ts'
import { FileSink } from './file-sink.ts'
import type { Gate, GateOptions, PassedObject, StagedObject } from './format.ts'
import { LineScanner, type Problem } from './json-scanner.ts'
import { LineShapes } from './line-shapes.ts'
import { invalidUtf8, LongRow, rawText } from './raw-text.ts'
import { settle } from './refusal.ts'
import { openText } from './text-source.ts'

const LF = 0x0a
const CR = 0x0d
const HOLE_LINE = `{"${HOLE}":1}\n`
const BUFFER = 1 << 16
/** Lines of more bytes together are scanned: a string of them would weigh on memory. */
const MAX_TEXT = 8 << 20

/**
 * The gate for JSON lines. A file that is not compressed and whose every line is proved clean is
 * handed out as it was delivered; any other is written anew, line for line, so that the n-th line of
 * the written file is the n-th of the delivered one. Compressed text is written expanded: it has been
 * expanded here anyway, and DuckDB reads it several times faster then.
 */
export const jsonlGate: Gate = (object, options) => settle(() => passJsonl(object, options))

async function passJsonl(object: StagedObject, options: GateOptions): Promise<PassedObject> {
  const { settings } = options
  if (settings.type !== 'jsonl' && settings.type !== 'auto') throw new Error('not JSON lines')
  const text = await openText(object, settings)
  const pass = new JsonlPass(object, options, text.codec)
  const as_delivered = text.as_delivered && text.codec === 'none'
  if (!as_delivered) pass.openSink()
  const source = text.read({
    max_expanded_bytes: settings.max_expanded_bytes,
    progress: options.progress,
    signal: options.signal,
  })
  return await pass.run(source, text.not_in_encoding)
}

class JsonlPass {
  private readonly object: StagedObject
  private readonly options: GateOptions
  private readonly codec: Codec
  private readonly fields: FieldTable
  private readonly scanner: LineScanner
  private readonly shapes = new LineShapes()
  private readonly max_row_bytes: number
  private readonly rewritten_path: string
  private sink: FileSink | undefined
  private buffer = Buffer.allocUnsafe(BUFFER)
  private used = 0
  /** Expanded bytes before the buffer's first one. */
  private base = 0
  private line = 0
  private rows_read = 0
  private rows_refused = 0
  private longest = 0
  /** Blank lines not yet followed by a row: at the end of a file they shift no number. */
  private blanks = 0
  private blanks_at = 0
  /** The line that is gone through, where it is too long to be held. */
  private long: LongRow | undefined
  private long_at = 0
  private not_in_encoding: number | undefined
  /** What the written file has that the delivered one has not. */
  private holes = 0
  private marked = 0
  private readonly repairs = { insert: 0, remove: 0 }
  /** The buffer's lines as latin1, `''` where they are not to be matched; made when first asked for. */
  private text: string | undefined

  constructor(object: StagedObject, options: GateOptions, codec: Codec) {
    const { settings } = options
    if (settings.type !== 'jsonl' && settings.type !== 'auto') throw new Error('not JSON lines')
    this.object = object
    this.options = options
    this.codec = codec
    this.max_row_bytes = settings.max_row_bytes
    this.fields = new FieldTable(options)
    this.scanner = new LineScanner(settings, this.fields)
    this.rewritten_path = join(options.dir, `${options.prefix}.jsonl`)
  }

  openSink(): void {
    this.sink = new FileSink(this.rewritten_path)
  }

  async run(
    source: AsyncIterable<Uint8Array>,
    not_in_encoding: number | undefined,
  ): Promise<PassedObject> {
    this.not_in_encoding = not_in_encoding
    try {
      for await (const chunk of source) {
        this.put(chunk)
        const last = this.buffer.lastIndexOf(LF, this.used - 1)
        if (last >= this.used - chunk.length) await this.take(last + 1)
        this.dropLongLine()
      }
      if (this.used > 0 || this.long !== undefined) {
        this.put(Buffer.of(LF))
        await this.take(this.used)
      }
    } finally {
      this.sink?.close()
    }
    return {
      format: 'jsonl',
      path: this.sink === undefined ? this.object.path : this.rewritten_path,
      rows: { by: 'ordinal', first_row: 1 },
      holes: this.holes > 0,
      marked: this.marked > 0,
      verbatim: this.marked + this.repairs.insert + this.repairs.remove === 0,
      records: this.rows_read - this.rows_refused + this.holes,
      longest_record: Math.max(this.longest, this.sink?.longest ?? 0),
      rows_read: this.rows_read,
      rows_refused: this.rows_refused,
      fields: this.fields.fields(),
      notes: this.notes(),
    }
  }

  private put(chunk: Uint8Array): void {
    if (this.used + chunk.length > this.buffer.length) {
      const size = Math.max(this.buffer.length * 2, this.used + chunk.length)
      const grown = Buffer.allocUnsafe(size)
      grown.set(this.buffer.subarray(0, this.used))
      this.buffer = grown
    }
    this.buffer.set(chunk, this.used)
    this.used += chunk.length
  }

  /** Takes the whole lines before `end`; what follows moves to the front of the buffer. */
  private async take(end: number): Promise<void> {
    let from = 0
    this.text = undefined
    while (from < end) {
      const stopped = this.takeLines(from, end)
      if (stopped < end) await this.beginRewriting(stopped)
      from = stopped
    }
    this.buffer.copyWithin(0, end, this.used)
    this.base += end
    this.used -= end
  }

  /**
   * Takes lines from `from` on. Returns where it stopped: at `end`, or at a line that cannot stay as
   * it is while nothing is being written yet.
   */
  private takeLines(from: number, end: number): number {
    const { buffer, scanner, shapes, sink } = this
    let at = from
    /** Clean lines from here on are not yet in the written file. */
    let clean_from = from
    while (at < end) {
      if (shapes.known && this.long === undefined && (this.blanks === 0 || sink !== undefined)) {
        const matched = shapes.match(this.lines(end), at, this.max_row_bytes)
        if (matched > at) {
          this.countMatched()
          at = matched
          continue
        }
      }
      const first = buffer[at] as number
      if ((first === LF || first <= 0x20) && this.long === undefined) {
        const line_end = blankEnd(buffer, at)
        if (line_end >= 0) {
          this.line++
          if (sink !== undefined) {
            sink.append(buffer.subarray(clean_from, at))
            this.writeHole(sink)
            clean_from = line_end + 1
          } else if (this.blanks++ === 0) this.blanks_at = this.base + at
          at = line_end + 1
          continue
        }
      }
      if (this.blanks > 0 && sink === undefined) return at
      const line_end = this.long !== undefined ? -1 : scanner.scan(buffer, at)
      const length = line_end - at - (buffer[line_end - 1] === CR ? 1 : 0)
      if (line_end >= 0 && length <= this.max_row_bytes) {
        // Asked first: a line may have to be written for more than one reason.
        const written = this.hasHoleName() || scanner.marks > 0 || scanner.patches.length > 0
        if (written && sink === undefined) return at
        this.line++
        this.rows_read++
        this.countScanned()
        if (line_end - at > this.longest) this.longest = line_end - at
        if (written && sink !== undefined) {
          sink.append(buffer.subarray(clean_from, at))
          this.writeLine(sink, at, line_end)
          clean_from = line_end + 1
        }
        if (!written) shapes.learn(scanner, buffer, at, line_end)
        at = line_end + 1
        continue
      }
      if (sink === undefined) return at
      const break_at = line_end >= 0 ? line_end : buffer.indexOf(LF, at)
      this.line++
      this.rows_read++
      this.rows_refused++
      this.refuse(at, break_at)
      sink.append(buffer.subarray(clean_from, at))
      this.writeHole(sink)
      at = break_at + 1
      clean_from = at
    }
    sink?.append(buffer.subarray(clean_from, at))
    return at
  }

  /** Opens the written file with all that came before the buffer's position `at`. */
  private async beginRewriting(at: number): Promise<void> {
    this.openSink()
    const sink = this.sink as FileSink
    let left = this.base + at
    if (this.long !== undefined) left = this.long_at
    if (this.blanks > 0) left = this.blanks_at
    const { codec, object, options } = this
    const again = { codec, max_expanded_bytes: Number.POSITIVE_INFINITY, signal: options.signal }
    if (left > 0) {
      for await (const chunk of expand(object.path, again)) {
        sink.append(chunk.length > left ? chunk.subarray(0, left) : chunk)
        left -= Math.min(left, chunk.length)
        if (left === 0) break
      }
    }
    for (; this.blanks > 0; this.blanks--) this.writeHole(sink)
  }

  private lines(end: number): string {
    if (this.text === undefined) {
      const fit = end <= MAX_TEXT && isUtf8(this.buffer.subarray(0, end))
      this.text = fit ? this.buffer.toString('latin1', 0, end) : ''
    }
    return this.text
  }

  private countScanned(): void {
    const { field, kind, values, start, end } = this.scanner
    const { counts, long_integers } = this.fields
    for (let value = 0; value < values; value++) {
      const name = field[value] as number
      const slot = name * KINDS + (kind[value] as number)
      counts[slot] = (counts[slot] as number) + 1
      if (
        kind[value] === INTEGER &&
        (end[value] as number) - (start[value] as number) > SHORT_INTEGER
      )
        long_integers[name] = (long_integers[name] as number) + 1
    }
  }

  private countMatched(): void {
    const { shapes, fields } = this
    const { lines } = shapes
    this.line += lines
    this.rows_read += lines
    if (shapes.longest > this.longest) this.longest = shapes.longest
    shapes.eachValue((field, kind) => {
      fields.count(field, kind, lines)
    })
  }

  private writeHole(sink: FileSink): void {
    sink.appendText(HOLE_LINE)
    this.holes++
  }

  /** Writes a line whose values DuckDB would change, or whose defects were read over. */
  private writeLine(sink: FileSink, from: number, end: number): void {
    const { scanner, buffer } = this
    const { patches } = scanner
    let next_patch = 0
    let text = ''
    const copy = (start: number, stop: number): string => {
      let copied = ''
      let at = start
      for (; next_patch < patches.length; next_patch++) {
        const patch = patches[next_patch] as (typeof patches)[number]
        if (patch.at > stop || (patch.at === stop && patch.kind === 'remove')) break
        copied += buffer.toString('utf8', at, patch.at)
        if (patch.kind === 'insert') copied += 'null'
        at = patch.kind === 'insert' ? patch.at : patch.at + 1
        this.repairs[patch.kind]++
      }
      return copied + buffer.toString('utf8', at, stop)
    }
    let at = from
    for (let value = 0; value < scanner.values; value++) {
      if (scanner.marked[value] === 0) continue
      text += copy(at, scanner.start[value] as number)
      at = scanner.end[value] as number
      this.marked++
      text += JSON.stringify(`\u0001${copy(scanner.start[value] as number, at)}`)
    }
    text += copy(at, end)
    sink.record(Buffer.byteLength(text))
    sink.appendText(`${text}\n`)
  }

  /** A row's own field of the hole's name is marked, so that it cannot be taken for a hole. */
  private hasHoleName(): boolean {
    const { scanner, fields } = this
    const hole = fields.hole
    if (hole < 0) return false
    for (let value = 0; value < scanner.values; value++) {
      // A null is told from a hole as it is.
      if (scanner.field[value] !== hole || scanner.kind[value] === NULL) continue
      scanner.marks += 1 - (scanner.marked[value] as number)
      scanner.marked[value] = 1
      return true
    }
    return false
  }

  private refuse(at: number, break_at: number): void {
    const { buffer, scanner, not_in_encoding, long } = this
    const end = break_at > at && buffer[break_at - 1] === CR ? break_at - 1 : break_at
    let raw = buffer.subarray(at, end)
    if (long !== undefined) {
      this.long = undefined
      long.add(raw)
      this.options.refuse({ row: this.line, ...this.tooLong(long.bytes), raw: long.raw })
      return
    }
    let problem: Problem | undefined
    if (raw.length > this.max_row_bytes) {
      problem = this.tooLong(raw.length)
    } else if (not_in_encoding !== undefined && raw[0] === not_in_encoding) {
      raw = raw.subarray(1)
      problem = {
        code: 'invalid_utf8',
        message: 'The line is not in the encoding that the feed declares.',
      }
    } else {
      const invalid = invalidUtf8(raw)
      problem =
        invalid < 0
          ? scanner.problem
          : { code: 'invalid_utf8', message: `Byte ${invalid + 1} is not UTF-8.` }
    }
    if (problem === undefined) throw new Error('a line was refused without a reason')
    this.options.refuse({ row: this.line, ...problem, raw: rawText(raw) })
  }

  private tooLong(bytes: number): Problem {
    return {
      code: 'line_too_long',
      message: `The line has ${bytes} bytes; max_row_bytes allows ${this.max_row_bytes}.`,
    }
  }

  /** Lets go of a line that has become longer than a row may be; its head is kept for the reject. */
  private dropLongLine(): void {
    if (this.long === undefined) {
      // One more for a carriage return.
      if (this.used <= this.max_row_bytes + 1) return
      this.long = new LongRow()
      this.long_at = this.base
    }
    this.long.add(this.buffer.subarray(0, this.used))
    this.base += this.used
    this.used = 0
  }

  private notes(): PassedObject['notes'] {
    const { insert, remove } = this.repairs
    return [
      ...(insert > 0
        ? [
            {
              code: 'empty_value',
              count: insert,
              message: 'A value that is not there was read as null.',
            },
          ]
        : []),
      ...(remove > 0
        ? [
            {
              code: 'trailing_comma',
              count: remove,
              message: 'A comma before a closing bracket was read over.',
            },
          ]
        : []),
    ]
  }
}

/** Position of the line break that ends a line of white space at `at`, or -1 where there is more in it. */
function blankEnd(b: Uint8Array, at: number): number {
  let p = at
  while (b[p] === 0x20 || b[p] === 0x09 || b[p] === CR) p++
  return b[p] === LF ? p : -1
}
