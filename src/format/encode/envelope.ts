import type { LineRouter, RoutedLine, RoutedRecords, RouteLines } from './encode.ts'
import { EnvelopeScanner } from './envelope-scanner.ts'
import { GatherKernel, type LineForm, MOST_FORM_BYTES, MOST_PIECE_BYTES } from './gather-kernel.ts'

/** Heads known at once; lines of a source with more streams are scanned. */
const MAX_HEADS = 10_000
/** Tails known of one head: lines that differ in more than their time are scanned. */
const MAX_TAILS = 8
/** After so many lines of a piece that were searched for a namespace all of it is searched, once. */
const SEARCHED_LINES = 8
/** Bytes of a head that its hash is made of, at most. */
const HASHED = 200
/** Data begin with the third brace of most messages. */
const HASHED_BRACES = 3
/** In a head or tail: any digit of the time. No byte of JSON is 0. */
const DIGIT = 0
const LEFT_BRACE = 0x7b
const ZERO = 0x30
const COLON = 0x3a
const SPACE = 0x20
const NOTHING = new Uint8Array()
const NAMESPACE = Buffer.from('"namespace"')
const SAYS_RECORD = /"type"\s*:\s*"RECORD"/

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39

/** What stands before a record's data, its brace excluded. */
interface Head {
  readonly bytes: Uint8Array
  /** Set where the head alone tells the type, the stream and the namespace. */
  readonly route: RoutedLine | undefined
  readonly tails: Tail[]
}
/** What stands from the brace that closes a record's data to the end of its line. */
interface Tail {
  readonly bytes: Uint8Array
  readonly route: RoutedLine
}

const scanner = new EnvelopeScanner()
const routes = new Map<string, RoutedLine>()
const heads = new Map<number, Head[]>()
let heads_known = 0
let last: Head | undefined
let kernel: GatherKernel | undefined

/**
 * See `LineRouter`. Lines with a head and tail that have been seen before are told by these, all others are
 * scanned. What is between is not looked at, so that a line told as a record may still be none: the encoder
 * reads all of it, and refuses one that is no message of its stream. A line that says it is a record but
 * cannot be read is told as one as well, so that it is refused and not passed over.
 */
export const routeLines: RouteLines = (bytes) => new EnvelopeRouter(bytes)

class EnvelopeRouter implements LineRouter {
  end = 0
  private readonly bytes: Buffer
  /** Whether one can be anywhere in the piece. */
  private names_namespaces = true
  private searched_lines = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  route(start: number, end: number): RoutedLine | undefined {
    const { bytes } = this
    const head = headOf(bytes, start, end)
    if (head === undefined) return scan(bytes, start, end)
    if (head.route !== undefined) return head.route
    const from = start + head.bytes.length
    for (const { bytes: tail, route } of head.tails) {
      const to = end - tail.length
      if (to <= from || !endsWith(bytes, end, tail)) continue
      // The brace that the tail begins with may close another object than the data.
      if (route.namespace === undefined && this.mayHide(from, to)) break
      return route
    }
    return scan(bytes, start, end, head)
  }

  gather(start: number, most: number): RoutedRecords[] {
    const { bytes } = this
    this.end = start
    if (kernel === undefined || bytes.length > MOST_PIECE_BYTES) return []
    const gathered = kernel.gather(bytes, start, most)
    this.end = kernel.end
    return gathered
  }

  /** Whether a line without a namespace in its head and tail can have one between them: behind the data. */
  private mayHide(start: number, end: number): boolean {
    const { bytes } = this
    if (this.searched_lines++ === SEARCHED_LINES) this.names_namespaces = bytes.includes(NAMESPACE)
    return this.names_namespaces && bytes.subarray(start, end).includes(NAMESPACE)
  }
}

function headOf(b: Uint8Array, start: number, end: number): Head | undefined {
  if (last !== undefined && startsWith(b, start, last.bytes)) return last
  const found = heads.get(hashOf(b, start, end))?.find(({ bytes }) => startsWith(b, start, bytes))
  if (found !== undefined) last = found
  return found
}

function startsWith(b: Uint8Array, start: number, head: Uint8Array): boolean {
  const { length } = head
  for (let at = 0; at < length; at++) {
    const c = b[start + at] as number
    const wanted = head[at] as number
    if (c !== wanted && (wanted !== DIGIT || !isDigit(c))) return false
  }
  // A line feed ends any line, so a head is never found across one.
  return b[start + length] === LEFT_BRACE
}

function endsWith(b: Uint8Array, end: number, tail: Uint8Array): boolean {
  const start = end - tail.length
  for (let at = tail.length - 1; at >= 0; at--) {
    const c = b[start + at] as number
    const wanted = tail[at] as number
    if (c !== wanted && (wanted !== DIGIT || !isDigit(c))) return false
  }
  return true
}

function hashOf(b: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5
  let braces = 0
  /** Digits that begin behind a colon or a space may be those of the time, which differ. */
  let in_number = false
  const stop = Math.min(end, start + HASHED)
  for (let at = start; at < stop; at++) {
    const c = b[at] as number
    const digit = isDigit(c)
    hash = Math.imul(hash ^ (digit && in_number ? ZERO : c), 0x01000193)
    if (!digit) in_number = c === COLON || c <= SPACE
    if (c === LEFT_BRACE && ++braces === HASHED_BRACES) break
  }
  return hash
}

function scan(b: Buffer, start: number, end: number, head?: Head): RoutedLine | undefined {
  const whole = scanner.scan(b, start, end)
  const type = textAt(b, scanner.type_start, scanner.type_end)
  if (!whole && type === undefined) {
    const says_record =
      b[start] === LEFT_BRACE && SAYS_RECORD.test(b.toString('latin1', start, end))
    return says_record ? routed('RECORD') : undefined
  }
  if (type === undefined) return undefined
  if (type !== 'RECORD') return routed(type)
  const stream = textAt(b, scanner.stream_start, scanner.stream_end)
  const namespace = textAt(b, scanner.namespace_start, scanner.namespace_end)
  const route = routed(type, stream, namespace)
  if (whole && stream !== undefined && scanner.data_start >= 0)
    learn(b, { start, end, route, head })
  return route
}

/** Text of the JSON string at a place that was scanned; undefined where there is none, or no whole one. */
function textAt(b: Buffer, start: number, end: number): string | undefined {
  if (start < 0 || end < 0) return undefined
  return JSON.parse(b.toString('utf8', start, end)) as string
}

function routed(type: string, stream?: string, namespace?: string): RoutedLine {
  const id = JSON.stringify([type, stream, namespace])
  const known = routes.get(id)
  if (known !== undefined) return known
  const route: RoutedLine = {
    type,
    ...(stream === undefined ? {} : { stream }),
    ...(namespace === undefined ? {} : { namespace }),
  }
  routes.set(id, route)
  return route
}

interface Lesson {
  readonly start: number
  readonly end: number
  readonly route: RoutedLine
  /** The line's head, where it is known. */
  readonly head: Head | undefined
}

function learn(b: Buffer, { start, end, route, head: known }: Lesson): void {
  const { data_start, data_end } = scanner
  if (data_start - start > MOST_FORM_BYTES || end - data_end > MOST_FORM_BYTES) return
  let head = known
  if (head === undefined) {
    if (heads_known === MAX_HEADS) return
    const before = (place: number) => place >= 0 && place < data_start
    const { type_start, stream_start, namespace_start } = scanner
    const tells = [type_start, stream_start, namespace_start].every(before)
    const bytes = outside(b, start, data_start)
    head = { bytes, route: tells ? route : undefined, tails: [] }
    if (tells) learnForm(route, { head: bytes, tail: NOTHING, watched: false })
    const hash = hashOf(b, start, end)
    const alike = heads.get(hash)
    if (alike === undefined) heads.set(hash, [head])
    else alike.push(head)
    heads_known++
  }
  last = head
  if (head.route !== undefined || head.tails.length === MAX_TAILS) return
  const tail = outside(b, data_end - 1, end)
  head.tails.push({ bytes: tail, route })
  // Of several tails the first counts that a line ends with.
  if (head.tails.length === 1)
    learnForm(route, { head: head.bytes, tail, watched: route.namespace === undefined })
}

function learnForm(route: RoutedLine, form: LineForm): void {
  kernel ??= new GatherKernel()
  kernel.learn(route, form)
}

/** A copy of what stands outside of the data, with the digits of its time left open. */
function outside(b: Buffer, from: number, to: number): Uint8Array {
  const { emitted_start, emitted_end } = scanner
  return Uint8Array.from(b.subarray(from, to), (c, place) => {
    const at = from + place
    return at >= emitted_start && at < emitted_end && isDigit(c) ? DIGIT : c
  })
}
