import { type EnvelopeScanner, memberName } from './envelope-scanner.ts'

/** More shapes than this are tried in vain more often than they save a scan. */
const MAX_SHAPES = 16
/** Lines after which a stream shows whether its lines have shapes at all. */
const TRIAL = 4_000
/** A regular expression with more parts costs more to make than it saves: the time grows with their square. */
const MAX_HOLES = 256
/** The squares of all shapes' holes together. */
const MAX_SQUARES = 4 * MAX_HOLES ** 2
const MAX_LINE = 64 << 10
const MAX_DEPTH = 100
/** A greater block is one line longer than any shape is meant for; the platform's stack for them is bounded. */
export const MAX_SHAPED_BLOCK = 4 << 20

/** Any value that is no container, and an array of such without white space (RFC 8259 §6, §7). */
const STRING = String.raw`"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"`
const NUMBER = String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?`
const SCALAR = `(?:${STRING}|${NUMBER}|true|false|null)`
const VALUE = String.raw`(?:${STRING}|${NUMBER}|true|false|null|\[(?:${SCALAR}(?:,${SCALAR})*)?\])`

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|\s+/gy
const FLAT_ARRAY = new RegExp(String.raw`\[(?:${SCALAR}(?:,${SCALAR})*)?\]`, 'y')

interface Span {
  readonly start: number
  readonly end: number
}

/** Where a position is: so many bytes after the end of a hole's value, or after the beginning. */
interface Place {
  readonly hole: number
  readonly offset: number
}

/** A line whose values are left open. Positions outside of the data are told from the line's start or end. */
export interface Shape {
  readonly pattern: RegExp
  /** What stands before each hole, the time of the record among them, and behind the last one. */
  readonly literals: readonly string[]
  /** Which of these holes is the time. */
  readonly emitted_hole: number
  /** The data: so many bytes behind the end of so many of these holes. */
  readonly data_start: Place
  readonly data_end: Place
  /** Bytes before the data, and from its end to the line feed. */
  readonly before: number
  readonly after: number
  /** From the line's start; or, where negative, from its line feed. */
  readonly emitted_start: number
  readonly emitted_end: number
  /** As these; 0 where there are none. */
  readonly changes_start: number
  readonly changes_end: number
  /** Bytes between the end of the value before (or the data's start) and each hole. */
  readonly gaps: readonly number[]
  /** See `Fields`. */
  readonly names: readonly string[]
  /** Behind these of the data's own holes; -1: after the data's start. */
  readonly starts: readonly Place[]
  readonly ends: readonly Place[]
}

/**
 * The lines of one producer mostly differ in the values of their data and their time alone. A shape is such
 * a line with those left open, as one regular expression, which the platform runs several times faster
 * than any scan in JavaScript. What stands between the values must repeat byte for byte, and a hole takes
 * nothing but one whole JSON value, so a line of a known shape is structured as the one it was learned from.
 */
export class RecordShapes {
  /** Changes whenever `known` has others. */
  learned = 0
  private readonly shapes: Shape[] = []
  private matched = 0
  private scanned = 0
  private useless = false
  private squares = 0

  get known(): readonly Shape[] {
    return this.shapes
  }

  /** So many lines were of known shapes, which others have seen. */
  pass(lines: number): void {
    this.matched += lines
  }

  /** The shape of the line that begins at `from` in `text`, in which a character is a byte; its end is `pattern.lastIndex`. */
  match(text: string, from: number): Shape | undefined {
    const { shapes } = this
    for (let at = 0; at < shapes.length; at++) {
      const shape = shapes[at] as Shape
      shape.pattern.lastIndex = from
      if (!shape.pattern.test(text)) continue
      this.matched++
      if (at > 0) {
        // The next line most likely has it too.
        shapes.splice(at, 1)
        shapes.unshift(shape)
      }
      return shape
    }
    return undefined
  }

  /** Takes in the line from `start` to `end` of `text`, which had no known shape and was scanned. */
  learn(scanner: EnvelopeScanner, text: string, start: number, end: number): void {
    if (this.useless) return
    if (++this.scanned + this.matched > TRIAL && this.scanned > this.matched) {
      this.useless = true
      this.shapes.length = 0
      this.learned++
      return
    }
    if (this.shapes.length === MAX_SHAPES || end - start > MAX_LINE) return
    const shape = shapeOf(scanner, text, start, end)
    if (shape === undefined) return
    const squares = shape.gaps.length ** 2
    if (this.squares + squares > MAX_SQUARES) return
    this.squares += squares
    this.shapes.push(shape)
    this.learned++
  }
}

function shapeOf(
  scanner: EnvelopeScanner,
  text: string,
  start: number,
  end: number,
): Shape | undefined {
  const { data_start, data_end, emitted_start, emitted_end, changes_start, changes_end } = scanner
  const emitted = text.slice(emitted_start, emitted_end)
  // As many digits as there are now, so that what stands behind them is where it is now.
  if (!/^[1-9][0-9]{0,14}$/.test(emitted)) return undefined
  const holes = holesIn(text, data_start, data_end)
  if (holes === undefined || holes.length > MAX_HOLES) return undefined

  const time = { start: emitted_start, end: emitted_end }
  const spans = [...holes, time].sort((a, b) => a.start - b.start)
  const literals: string[] = []
  let pattern = ''
  let at = start
  for (const span of spans) {
    const literal = text.slice(at, span.start)
    literals.push(literal)
    pattern += RegExp.escape(literal)
    pattern += span === time ? `[1-9][0-9]{${emitted.length - 1}}` : VALUE
    at = span.end
  }
  const last = `${text.slice(at, end)}\n`
  literals.push(last)
  pattern += RegExp.escape(last)
  const gaps = holes.map((hole, index) => hole.start - (holes[index - 1]?.end ?? data_start))

  const behind = (p: number): Place => {
    const hole = spans.filter((span) => span.end <= p).length
    return { hole, offset: p - (spans[hole - 1]?.end ?? start) }
  }
  const told = (p: number) => (p <= data_start ? p - start : p - end)
  const place = (p: number): Place => {
    const hole = holes.findLastIndex((each) => each.end <= p)
    return { hole, offset: p - (holes[hole]?.end ?? data_start) }
  }
  const fields = Array.from({ length: scanner.fields }, (_, field) => field)
  return {
    pattern: new RegExp(pattern, 'y'),
    literals,
    emitted_hole: spans.indexOf(time),
    data_start: behind(data_start),
    data_end: behind(data_end),
    before: data_start - start,
    after: end - data_end,
    emitted_start: told(emitted_start),
    emitted_end: told(emitted_end),
    changes_start: changes_start < 0 ? 0 : told(changes_start),
    changes_end: changes_start < 0 ? 0 : told(changes_end),
    gaps,
    names: fields.map((f) => memberName(text.slice(scanner.name_start[f], scanner.name_end[f]))),
    starts: fields.map((f) => place(scanner.value_start[f] as number)),
    ends: fields.map((f) => place(scanner.value_end[f] as number)),
  }
}

/** The values in a valid JSON text that a hole can take the place of; undefined where it is nested too deep for shapes. */
function holesIn(text: string, from: number, to: number): Span[] | undefined {
  const holes: Span[] = []
  const open: string[] = []
  let name_next = false
  let at = from
  while (at < to) {
    FLAT_ARRAY.lastIndex = at
    if (text.charCodeAt(at) === 0x5b && FLAT_ARRAY.test(text)) {
      holes.push({ start: at, end: FLAT_ARRAY.lastIndex })
      at = FLAT_ARRAY.lastIndex
      continue
    }
    TOKEN.lastIndex = at
    const token = TOKEN.exec(text)?.[0]
    if (token === undefined) throw new Error('the data of a scanned record is no JSON')
    const end = at + token.length
    if (token === '{' || token === '[') {
      // A hole may be filled with one container more than the line had: far from the scanner's limit.
      if (open.push(token) > MAX_DEPTH) return undefined
      name_next = token === '{'
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (token === ',') {
      name_next = open.at(-1) === '{'
    } else if (token === ':') {
      name_next = false
    } else if (token.trim() !== '' && !name_next) {
      holes.push({ start: at, end })
    }
    at = end
  }
  return holes
}

/** Fills in where the values of data are in a line of the shape: `starts` and `ends` for each of its names. */
export class ShapeFields {
  private holes = new Int32Array(64)
  start = new Int32Array(64)
  end = new Int32Array(64)

  locate(shape: Shape, b: Uint8Array, data_start: number): void {
    const { gaps, starts, ends } = shape
    if (this.holes.length < gaps.length) this.holes = new Int32Array(gaps.length)
    if (this.start.length < starts.length) {
      this.start = new Int32Array(starts.length)
      this.end = new Int32Array(starts.length)
    }
    const { holes, start, end } = this
    let p = data_start
    for (let hole = 0; hole < gaps.length; hole++) {
      p = valueEnd(b, p + (gaps[hole] as number))
      holes[hole] = p
    }
    for (let field = 0; field < starts.length; field++) {
      const from = starts[field] as Place
      const to = ends[field] as Place
      start[field] = (from.hole < 0 ? data_start : (holes[from.hole] as number)) + from.offset
      end[field] = (to.hole < 0 ? data_start : (holes[to.hole] as number)) + to.offset
    }
  }
}

/** End of a value that a hole has matched, so that it is known to be whole. */
function valueEnd(b: Uint8Array, p: number): number {
  const c = b[p] as number
  if (c === 0x22) return stringEnd(b, p)
  let at = p + 1
  if (c === 0x5b) {
    for (;;) {
      const next = b[at] as number
      if (next === 0x5d) return at + 1
      at = next === 0x22 ? stringEnd(b, at) : at + 1
    }
  }
  // A number or a word ends at a comma, a bracket or white space: all are other bytes than it has.
  while (WORD[b[at] as number] === 1) at++
  return at
}

const WORD = new Uint8Array(256)
for (const sign of '0123456789+-.eEtrufalsn') WORD[sign.charCodeAt(0)] = 1

function stringEnd(b: Uint8Array, p: number): number {
  let at = p + 1
  for (;;) {
    const c = b[at] as number
    if (c === 0x22) return at + 1
    at += c === 0x5c ? 2 : 1
  }
}
