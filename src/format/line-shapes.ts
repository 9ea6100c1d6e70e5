import { BOOLEAN, INTEGER, NESTED, NULL, NUMBER, SHORT_INTEGER, STRING } from './field-table.ts'

/** More shapes than this are tried in vain more often than they save a scan. */
const MAX_SHAPES = 16
/** Lines after which a file shows whether its lines have shapes at all. */
const TRIAL = 4_000
/** A regular expression with more parts costs more to make than it saves. */
const MAX_VALUES = 1_000

/**
 * What a value of a kind may look like to be taken without a scan: no escapes, and no number that
 * might lose a digit. Whatever looks different goes to the scanner, so a pattern may be too strict
 * but never too kind (RFC 8259 §6, §7).
 */
const NUMBERS = '-?(?:0|[1-9][0-9]{0,7})\\.[0-9]{1,7}'
const INTEGERS = `0|-?[1-9][0-9]{0,${SHORT_INTEGER - 2}}`
const PATTERNS: Readonly<Record<number, string>> = {
  [STRING]: '"[^"\\\\\\x00-\\x1f]*"',
  [INTEGER]: `(?:${INTEGERS})`,
  [NUMBER]: `(?:${NUMBERS}|${INTEGERS})`,
  [BOOLEAN]: '(?:true|false)',
  [NULL]: 'null',
}

/** A line that was scanned and found to be clean. */
export interface ScannedLine {
  readonly values: number
  readonly field: Int32Array
  readonly kind: Uint8Array
  readonly start: Float64Array
  readonly end: Float64Array
}

/** What may stand at one place of a shape: a kind, and perhaps null, which is then counted as that kind. */
interface Slot {
  readonly kind: number
  readonly nullable: boolean
}

interface Shape {
  /** The bytes between the values, as text: names, colons, commas, white space. */
  readonly literals: readonly string[]
  readonly fields: readonly number[]
  slots: readonly Slot[]
  pattern: RegExp
}

/**
 * The lines of one producer mostly differ in their values alone. A shape is such a line with its
 * values left open, as one regular expression, which the platform runs several times faster than
 * any scan in JavaScript. Only lines that the scanner proved clean become shapes, and what stands
 * between the values must repeat byte for byte, so a line of a known shape is as clean as that
 * one: the same names, and no value that DuckDB would change.
 */
export class LineShapes {
  /** What `match` found: how many lines, and the bytes of the longest. */
  lines = 0
  longest = 0
  private shapes: Shape[] = []
  private matched = 0
  private scanned = 0
  private useless = false

  get known(): boolean {
    return this.shapes.length > 0
  }

  /** The fields of the lines last matched, with the kind each value is counted as. */
  eachValue(count: (field: number, kind: number) => void): void {
    const shape = this.shapes[0]
    shape?.slots.forEach(({ kind }, at) => {
      count(shape.fields[at] as number, kind)
    })
  }

  /**
   * Matches as many lines of one shape as follow each other in `text` from `from` on, each of at
   * most `max` bytes without its line break. Returns where they end: `from` when the first line has
   * no known shape. `text` is latin1: a character is a byte.
   */
  match(text: string, from: number, max: number): number {
    for (const [at, shape] of this.shapes.entries()) {
      const { pattern } = shape
      let lines = 0
      let longest = 0
      let start = from
      pattern.lastIndex = start
      while (pattern.test(text)) {
        const length = pattern.lastIndex - 1 - start
        if (length > max) break
        if (length > longest) longest = length
        lines++
        start = pattern.lastIndex
      }
      if (lines === 0) continue
      this.lines = lines
      this.longest = longest
      this.matched += lines
      if (at > 0) {
        // The next line most likely has it too.
        this.shapes.splice(at, 1)
        this.shapes.unshift(shape)
      }
      return start
    }
    return from
  }

  /** Takes in a clean line that had no known shape: `b` from `from` to its line break at `end`. */
  learn(line: ScannedLine, b: Buffer, from: number, end: number): void {
    if (this.useless) return
    if (++this.scanned + this.matched > TRIAL && this.scanned > this.matched) {
      this.useless = true
      this.shapes = []
      return
    }
    const { values } = line
    if (values === 0 || values > MAX_VALUES) return
    const kinds = [...line.kind.subarray(0, values)]
    if (kinds.includes(NESTED)) return
    const literals: string[] = []
    let at = from
    for (let value = 0; value < values; value++) {
      literals.push(b.toString('latin1', at, line.start[value]))
      at = line.end[value] as number
    }
    literals.push(b.toString('latin1', at, end))
    for (const shape of this.shapes) {
      if (!sameTexts(shape.literals, literals)) continue
      const slots = shape.slots.map((slot, i) => widened(slot, kinds[i] as number))
      if (!slots.every((slot) => slot !== undefined)) continue
      shape.slots = slots
      shape.pattern = compile(literals, slots)
      return
    }
    if (this.shapes.length === MAX_SHAPES) return
    const slots = kinds.map((kind) => ({ kind, nullable: false }))
    const fields = [...line.field.subarray(0, values)]
    this.shapes.push({ literals, fields, slots, pattern: compile(literals, slots) })
  }
}

/** A slot that takes one more kind; undefined where the two must be told apart. */
function widened(slot: Slot, kind: number): Slot | undefined {
  if (slot.kind === kind) return slot
  if (kind === NULL) return { ...slot, nullable: true }
  if (slot.kind === NULL) return { kind, nullable: true }
  const numeric = (k: number) => k === INTEGER || k === NUMBER
  return numeric(slot.kind) && numeric(kind) ? { ...slot, kind: NUMBER } : undefined
}

const sameTexts = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((text, at) => text === b[at])

function compile(literals: readonly string[], slots: readonly Slot[]): RegExp {
  const parts = slots.map(({ kind, nullable }, at) => {
    const pattern = PATTERNS[kind] as string
    return `${RegExp.escape(literals[at] as string)}${nullable && kind !== NULL ? `(?:${pattern}|null)` : pattern}`
  })
  return new RegExp(`${parts.join('')}${RegExp.escape(literals.at(-1) as string)}\n`, 'y')
}
