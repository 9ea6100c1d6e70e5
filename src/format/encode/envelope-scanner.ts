import { skipName, skipSpace, skipString, skipValue } from './json-skip.ts'

const word = (text: string): Uint8Array => Buffer.from(text)
/** Names the protocol has in a message, and in its record. */
const MESSAGE = [word('type'), word('record')]
const RECORD = [word('stream'), word('namespace'), word('data'), word('emitted_at'), word('meta')]
const CHANGES = [word('changes')]
const OTHER = -1

/**
 * Reads one message (airbyte_protocol.yaml v0) from the bytes of its line, in whatever order and with whatever
 * white space it is written, in one pass and without making strings. Positions are of those bytes; -1: absent.
 * The bytes must be known to be UTF-8.
 */
export class EnvelopeScanner {
  /** Text of `type`, `stream` and `namespace`, with quotes. */
  type_start = -1
  type_end = -1
  stream_start = -1
  stream_end = -1
  namespace_start = -1
  namespace_end = -1
  /** The object `data`, braces included. */
  data_start = -1
  data_end = -1
  emitted_start = -1
  emitted_end = -1
  /** The array `meta.changes`. */
  changes_start = -1
  changes_end = -1
  /** The members of `data`: their names without quotes, and their values. */
  fields = 0
  name_start = new Int32Array(64)
  name_end = new Int32Array(64)
  value_start = new Int32Array(64)
  value_end = new Int32Array(64)
  /** Why the last line was refused, with the position of the byte where that shows. */
  fault = ''
  fault_at = 0

  /**
   * Reads the line from `start` to `end`, where its line feed or the end of `b` is. False, with `fault`
   * set, where it is no JSON object, or has one of the names above twice or with a value of a wrong type.
   */
  scan(b: Uint8Array, start: number, end: number): boolean {
    this.fault = ''
    this.type_start = -1
    this.stream_start = -1
    this.namespace_start = -1
    this.data_start = -1
    this.emitted_start = -1
    this.emitted_end = -1
    this.changes_start = -1
    this.fields = 0
    let p = skipSpace(b, start)
    if (p >= end) return this.refuse(p, 'the line is empty')
    if (b[p] !== 0x7b) return this.refuse(p, 'the line is no JSON object')
    p = this.members(b, p, MESSAGE)
    if (p < 0) {
      if (this.fault === '') this.refuse(-1 - p, 'the line is no valid JSON')
      return false
    }
    p = skipSpace(b, p)
    return p === end || this.refuse(p, 'text follows the message')
  }

  private members(b: Uint8Array, from: number, names: readonly Uint8Array[]): number {
    let p = skipSpace(b, from + 1)
    if (b[p] === 0x7d) return p + 1
    let seen = 0
    for (;;) {
      const value = skipName(b, p)
      if (value < 0) return value
      const name = nameAmong(b, p, names)
      if (name !== OTHER) {
        if ((seen & (1 << name)) !== 0) {
          return this.wrong(p, `${show(names[name])} stands twice in one object`)
        }
        seen |= 1 << name
      }
      p = name === OTHER ? skipValue(b, value) : this.member(b, value, names, name)
      if (p < 0) return p
      p = skipSpace(b, p)
      if (b[p] === 0x7d) return p + 1
      if (b[p] !== 0x2c) return -1 - p
      p = skipSpace(b, p + 1)
    }
  }

  private member(b: Uint8Array, p: number, names: readonly Uint8Array[], name: number): number {
    if (names === MESSAGE) return name === 0 ? this.type(b, p) : this.record(b, p)
    if (names === CHANGES) return this.changes(b, p)
    switch (name) {
      case 0:
        return this.stream(b, p)
      case 1:
        return this.namespace(b, p)
      case 2:
        return this.data(b, p)
      case 3:
        return this.emittedAt(b, p)
      default:
        return b[p] === 0x7b ? this.members(b, p, CHANGES) : this.orNull(b, p, 'meta is no object')
    }
  }

  private type(b: Uint8Array, p: number): number {
    if (b[p] !== 0x22) return this.wrong(p, 'type is no text')
    this.type_start = p
    this.type_end = skipString(b, p)
    return this.type_end
  }

  /** Of a message of another type nothing is asked. */
  private record(b: Uint8Array, p: number): number {
    return b[p] === 0x7b ? this.members(b, p, RECORD) : this.orNull(b, p, 'record is no object')
  }

  private stream(b: Uint8Array, p: number): number {
    if (b[p] !== 0x22) return this.wrong(p, 'stream is no text')
    this.stream_start = p
    this.stream_end = skipString(b, p)
    return this.stream_end
  }

  private namespace(b: Uint8Array, p: number): number {
    if (b[p] !== 0x22) return this.orNull(b, p, 'namespace is no text')
    this.namespace_start = p
    this.namespace_end = skipString(b, p)
    return this.namespace_end
  }

  private emittedAt(b: Uint8Array, p: number): number {
    const end = skipValue(b, p)
    if (end < 0) return end
    if (!isShortInteger(b, p, end) && !isWhole(textOf(b, p, end))) {
      return this.wrong(p, 'emitted_at is no whole number of milliseconds')
    }
    this.emitted_start = p
    this.emitted_end = end
    return end
  }

  private changes(b: Uint8Array, p: number): number {
    if (b[p] !== 0x5b) return this.orNull(b, p, 'meta.changes is no array')
    this.changes_start = p
    this.changes_end = skipValue(b, p)
    return this.changes_end
  }

  private data(b: Uint8Array, from: number): number {
    if (b[from] !== 0x7b) return this.wrong(from, 'data is no object')
    this.data_start = from
    let p = skipSpace(b, from + 1)
    if (b[p] !== 0x7d) {
      for (;;) {
        const value = skipName(b, p)
        if (value < 0) return value
        const end = skipValue(b, value)
        if (end < 0) return end
        this.field(b, p, value, end)
        p = skipSpace(b, end)
        if (b[p] === 0x7d) break
        if (b[p] !== 0x2c) return -1 - p
        p = skipSpace(b, p + 1)
      }
    }
    this.data_end = p + 1
    return p + 1
  }

  private field(b: Uint8Array, name: number, value: number, end: number): void {
    const at = this.fields++
    if (at === this.name_start.length) {
      this.name_start = doubled(this.name_start)
      this.name_end = doubled(this.name_end)
      this.value_start = doubled(this.value_start)
      this.value_end = doubled(this.value_end)
    }
    // Back from the value over the colon to the closing quote.
    let close = value - 1
    while (b[close] !== 0x22) close--
    this.name_start[at] = name + 1
    this.name_end[at] = close
    this.value_start[at] = value
    this.value_end[at] = end
  }

  private orNull(b: Uint8Array, p: number, what: string): number {
    return b[p] === 0x6e ? skipValue(b, p) : this.wrong(p, what)
  }

  private wrong(p: number, what: string): number {
    this.refuse(p, what)
    return -1 - p
  }

  private refuse(p: number, what: string): false {
    this.fault = what
    this.fault_at = p
    return false
  }
}

/** Which of `names` the name is whose opening quote is at `p`. */
function nameAmong(b: Uint8Array, p: number, names: readonly Uint8Array[]): number {
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as Uint8Array
    const { length } = name
    let same = 0
    while (same < length && b[p + 1 + same] === name[same]) same++
    if (same === length && b[p + 1 + length] === 0x22) return at
  }
  const end = skipString(b, p)
  if (!b.subarray(p, end).includes(0x5c)) return OTHER
  const text = JSON.parse(Buffer.from(b.subarray(p, end)).toString()) as string
  return names.findIndex((name) => show(name) === text)
}

/** A name that stands in text in which a character is a byte of UTF-8, with its escapes resolved. */
export function memberName(name: string): string {
  if (!name.includes('\\')) return name
  return bytesText(JSON.parse(`"${textOfBytes(name)}"`) as string)
}

/** A text as one in which a character is a byte of its UTF-8. */
export const bytesText = (text: string): string =>
  Buffer.from(text.toWellFormed()).toString('latin1')

/** The text of which `bytesText` was made. */
export const textOfBytes = (bytes: string): string => Buffer.from(bytes, 'latin1').toString()

const show = (name: Uint8Array | undefined): string => String.fromCharCode(...(name ?? []))

/** Digits alone, so few that the number is a safe one. */
function isShortInteger(b: Uint8Array, from: number, to: number): boolean {
  if (to - from > 15) return false
  for (let p = from; p < to; p++)
    if ((b[p] as number) < 0x30 || (b[p] as number) > 0x39) return false
  return true
}

/** Whether a JSON text is a number without a fraction, such as 1.7e12. */
const isWhole = (text: string): boolean => /^-?\d/.test(text) && Number.isSafeInteger(Number(text))

const textOf = (b: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...b.subarray(from, Math.min(to, from + 400)))

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2)
  grown.set(array)
  return grown
}
