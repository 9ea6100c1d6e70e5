import type { Stream } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d
const OPENING_BRACE = 0x7b
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])
/** A line longer than this is refused, in bytes. */
const LONGEST_LINE = 255 << 20
const TAIL = Buffer.from('}}\n')

/** End of the JSON value that begins at a position, in bytes that end in a line feed; negative where it is none. */
export type EndOfValue = (bytes: Uint8Array, at: number) => number

export interface WrapOptions {
  readonly stream: Pick<Stream, 'name' | 'namespace'>
  /** Names the input in messages. */
  readonly name: string
  readonly now: () => Date
  readonly endOfValue: EndOfValue
}

/**
 * Makes a RECORD message of each line, whose text stays as it is. Blank lines are none. Throws `record_invalid`,
 * with the line's number, for one that is not exactly one JSON object: it would say things as a message.
 */
export async function* wrapLines(
  input: AsyncIterable<Uint8Array>,
  options: WrapOptions,
): AsyncGenerator<Uint8Array> {
  let rest: Buffer[] = []
  let rest_bytes = 0
  let lines = 0
  for await (const piece of input) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    const end = chunk.lastIndexOf(LINE_FEED) + 1
    if (end > 0) {
      const whole = Buffer.concat([...rest, chunk.subarray(0, end)])
      const wrapped = wrap(whole, lines, options)
      lines += wrapped.lines
      if (wrapped.bytes.length > 0) yield wrapped.bytes
      rest = []
      rest_bytes = 0
    }
    if (end === chunk.length) continue
    // A copy: streams use their memory again.
    rest.push(Buffer.from(chunk.subarray(end)))
    rest_bytes += chunk.length - end
    if (rest_bytes > LONGEST_LINE) throw invalid(options, lines + 1, 'is longer than 255 MB')
  }
  if (rest_bytes === 0) return
  const { bytes } = wrap(Buffer.concat([...rest, Buffer.of(LINE_FEED)]), lines, options)
  if (bytes.length > 0) yield bytes
}

function wrap(
  source: Buffer,
  lines_before: number,
  options: WrapOptions,
): { readonly bytes: Buffer; readonly lines: number } {
  const { stream, now, endOfValue } = options
  const { name, namespace } = stream
  const descriptor = JSON.stringify({
    stream: name,
    ...(namespace === undefined ? {} : { namespace }),
  })
  // The data last: what stands before them tells the stream already.
  const head = Buffer.from(
    `{"type":"RECORD","record":${descriptor.slice(0, -1)},"emitted_at":${now().getTime()},"data":`,
  )
  let out = Buffer.allocUnsafe(source.length + 64 * (head.length + TAIL.length))
  let length = 0
  let lines = 0
  let at = lines_before === 0 && source.subarray(0, 3).equals(BYTE_ORDER_MARK) ? 3 : 0
  while (at < source.length) {
    lines++
    const feed = source.indexOf(LINE_FEED, at)
    const start = skipBlanks(source, at)
    at = feed + 1
    if (start === feed) continue
    if (source[start] !== OPENING_BRACE) {
      throw invalid(options, lines_before + lines, 'is no JSON object', source, start)
    }
    const end = endOfValue(source, start)
    if (end < 0 || skipBlanks(source, end) !== feed) {
      const where = end < 0 ? -1 - end : skipBlanks(source, end)
      const wrong = end < 0 ? 'is no valid JSON' : 'has text behind its object'
      throw invalid(options, lines_before + lines, wrong, source, Math.min(where, feed))
    }
    const size = head.length + end - start + TAIL.length
    if (length + size > out.length) {
      // As many lines as long as those so far, and some more.
      const left = (source.length - start) * ((length + size) / (end || 1)) * 1.1
      const larger = Buffer.allocUnsafe(Math.ceil(length + Math.max(size, left)) + 1024)
      out.copy(larger, 0, 0, length)
      out = larger
    }
    out.set(head, length)
    out.set(source.subarray(start, end), length + head.length)
    out.set(TAIL, length + size - TAIL.length)
    length += size
  }
  return { bytes: out.subarray(0, length), lines }
}

/** Blanks of JSON, but no line feed. */
function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === CARRIAGE_RETURN) at++
  return at
}

function invalid(
  { name }: WrapOptions,
  line: number,
  wrong: string,
  source?: Buffer,
  at = 0,
): ExchangeError {
  const seen = source?.toString('utf8', at, at + 80).split('\n', 1)[0] ?? ''
  const what = seen === '' ? wrong : `${wrong}: ${seen}`
  return new ExchangeError('record_invalid', `${name}, line ${line}, ${what}`, {
    hint: 'Each line is one JSON object.',
  })
}
