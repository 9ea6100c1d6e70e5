import type { RowCode } from '../core/rejects.ts'
import {
  BOOLEAN,
  type FieldTable,
  grown,
  hashBytes,
  INTEGER,
  NESTED,
  NULL,
  NUMBER,
  STRING,
} from './field-table.ts'
import { duplicateName, isExact, stringEnd, stringFault } from './json-text.ts'

const OBJECT = 1
const ARRAY = 2
const LF = 0x0a
const COMMA = 0x2c
const QUOTE = 0x22
const CLOSE_OBJECT = 0x7d
const CLOSE_ARRAY = 0x5d
/** Objects with more names are compared by sets of strings instead of pairwise. */
const PAIRWISE = 64
/** `\u0001` opens the text of a value that DuckDB would change. */
const MARK = [0x5c, 0x75, 0x30, 0x30, 0x30, 0x31]

export interface ScannerOptions {
  readonly max_depth: number
  readonly repair: readonly ('empty_value' | 'trailing_comma')[]
}

/** Why a line is refused. */
export interface Problem {
  readonly code: RowCode
  readonly message: string
  readonly column?: string
}

/** A defect that was read over: `insert` puts `null` at `at`, `remove` takes away the byte there. */
export interface Patch {
  readonly at: number
  readonly kind: 'insert' | 'remove'
}

const isSpace = (c: number) => c === 0x20 || c === 0x09 || c === 0x0d
const isDigit = (c: number) => c >= 0x30 && c <= 0x39

/**
 * Proves one line to be a JSON object (RFC 8259) that DuckDB reads without loss, in one pass over
 * its bytes and without making strings. After `scan`, `values` tells the line's top-level values.
 */
export class LineScanner {
  /** Top-level values of the last line: `field[i]`, `kind[i]`, bytes `start[i]` to `end[i]`. */
  values = 0
  field: Int32Array
  kind: Uint8Array
  start: Float64Array
  end: Float64Array
  /** 1 where DuckDB would change the value, or could take it for one that was marked as such. */
  marked: Uint8Array
  marks = 0
  patches: Patch[] = []
  problem: Problem | undefined

  private readonly fields: FieldTable
  private readonly max_depth: number
  private readonly empty_value: boolean
  private readonly trailing_comma: boolean
  private readonly stack: Uint8Array
  private readonly names_below: Int32Array
  private hashes = new Int32Array(256)
  private starts = new Int32Array(256)
  private ends = new Int32Array(256)
  private row = 0
  private first = 0
  private line = 0
  private bytes: Uint8Array = new Uint8Array(0)

  constructor(options: ScannerOptions, fields: FieldTable) {
    this.fields = fields
    const { capacity } = fields
    this.field = new Int32Array(capacity)
    this.kind = new Uint8Array(capacity)
    this.start = new Float64Array(capacity)
    this.end = new Float64Array(capacity)
    this.marked = new Uint8Array(capacity)
    this.max_depth = options.max_depth
    this.empty_value = options.repair.includes('empty_value')
    this.trailing_comma = options.repair.includes('trailing_comma')
    this.stack = new Uint8Array(options.max_depth + 2)
    this.names_below = new Int32Array(options.max_depth + 2)
  }

  /**
   * Scans the line that starts at `from`; `b` must hold a newline after it. Returns the position of
   * that newline, or -1 with `problem` set. Throws a `Refusal` when the names become too many.
   */
  scan(b: Uint8Array, from: number): number {
    const { fields, stack, max_depth } = this
    this.problem = undefined
    this.bytes = b
    this.line = from
    this.marks = 0
    if (this.patches.length > 0) this.patches = []
    const row = ++this.row
    let doubtful = false
    let n = 0
    let depth = 0
    let names = 0
    let previous = -1
    let want_name = false
    let p = from
    let c = b[p] as number
    while (isSpace(c)) c = b[++p] as number
    const top = c === 0x7b

    outer: for (;;) {
      if (want_name) {
        // `c` is the first byte at `p` that is not white space.
        want_name = false
        if (c !== QUOTE) return this.fault(p, 'a name in quotes is expected')
        if (depth === 1) {
          let field = -1
          if (fields.size > 0) {
            // The name that came next in the row before: compared without being scanned.
            const guess = previous < 0 ? this.first : (fields.next[previous] as number)
            const length = fields.raw_length[guess] as number
            const offset = fields.offset[guess] as number
            const names_bytes = fields.bytes
            let at = 0
            while (at < length && names_bytes[offset + at] === b[p + 1 + at]) at++
            if (at === length && b[p + 1 + at] === QUOTE) {
              field = guess
              p += length + 2
            }
          }
          if (field < 0) {
            const end = stringEnd(b, p)
            if (end < 0) return this.fault(-1 - end, stringFault(b, -1 - end))
            field = this.findField(b, p + 1, end - 1)
            if (this.field.length < fields.capacity) this.makeRoom()
            if (previous < 0) this.first = field
            else fields.next[previous] = field
            p = end
          }
          previous = field
          const group = fields.group[field] as number
          if (fields.seen[field] === row) {
            this.soft('duplicate_key', field, 'stands twice in the object')
          } else if (fields.group_seen[group] === row) {
            this.soft('key_conflict', field, 'stands twice in the object but for case')
          } else if (fields.unusable[field] === 1) {
            this.soft('invalid_name', field, 'cannot be a column: it is empty or holds U+0000')
          }
          fields.seen[field] = row
          fields.group_seen[group] = row
          this.field[n] = field
        } else {
          const end = stringEnd(b, p)
          if (end < 0) return this.fault(-1 - end, stringFault(b, -1 - end))
          if (!doubtful) {
            const base = this.names_below[depth] as number
            doubtful = names - base >= PAIRWISE || b.subarray(p, end).includes(0x5c)
            if (!doubtful) {
              if (this.repeats(b, p + 1, end - 1, base, names)) doubtful = true
              names++
            }
          }
          p = end
        }
        c = b[p] as number
        while (isSpace(c)) c = b[++p] as number
        if (c !== 0x3a) return this.fault(p, 'a colon is expected')
        c = b[++p] as number
      }

      // A value.
      while (isSpace(c)) c = b[++p] as number
      const begin = p
      let kind: number
      switch (c) {
        case QUOTE: {
          p = stringEnd(b, p)
          if (p < 0) return this.fault(-1 - p, stringFault(b, -1 - p))
          kind = STRING
          break
        }
        case 0x7b:
        case 0x5b: {
          if (++depth > max_depth) {
            return this.refuse('too_deep', `The JSON is nested deeper than ${max_depth} levels.`)
          }
          const object = c === 0x7b
          stack[depth] = object ? OBJECT : ARRAY
          this.names_below[depth] = names
          if (depth === 2 && top) {
            this.kind[n] = NESTED
            this.start[n] = begin
            this.marked[n] = 0
            const field = this.field[n] as number
            if (fields.may_nest[field] === 0) {
              this.soft('nested_value', field, `holds an ${object ? 'object' : 'array'}`)
            }
            n++
          }
          c = b[++p] as number
          while (isSpace(c)) c = b[++p] as number
          if (c !== (object ? CLOSE_OBJECT : CLOSE_ARRAY)) {
            want_name = object
            continue outer
          }
          kind = -1
          break
        }
        case 0x74: // true
          if (b[p + 1] !== 0x72 || b[p + 2] !== 0x75 || b[p + 3] !== 0x65) return this.noValue(p)
          p += 4
          kind = BOOLEAN
          break
        case 0x66: // false
          if (b[p + 1] !== 0x61 || b[p + 2] !== 0x6c || b[p + 3] !== 0x73 || b[p + 4] !== 0x65) {
            return this.noValue(p)
          }
          p += 5
          kind = BOOLEAN
          break
        case 0x6e: // null
          if (b[p + 1] !== 0x75 || b[p + 2] !== 0x6c || b[p + 3] !== 0x6c) return this.noValue(p)
          p += 4
          kind = NULL
          break
        default: {
          if (c !== 0x2d && !isDigit(c)) {
            const empty = depth > 0 && stack[depth] === OBJECT
            if (!empty || (c !== COMMA && c !== CLOSE_OBJECT)) return this.noValue(p)
            if (!this.empty_value) {
              return this.fault(
                p,
                'no value stands after the colon (repair: [empty_value] would read null)',
              )
            }
            this.patches.push({ at: p, kind: 'insert' })
            kind = NULL
            break
          }
          // A number (RFC 8259 §6).
          if (c === 0x2d) c = b[++p] as number
          if (c === 0x30) c = b[++p] as number
          else if (isDigit(c)) {
            do c = b[++p] as number
            while (isDigit(c))
          } else return this.fault(p, 'a digit is expected')
          kind = INTEGER
          let exponent = false
          if (c === 0x2e) {
            kind = NUMBER
            c = b[++p] as number
            if (!isDigit(c)) return this.fault(p, 'a digit is expected after the point')
            do c = b[++p] as number
            while (isDigit(c))
          }
          if (c === 0x65 || c === 0x45) {
            kind = NUMBER
            exponent = true
            c = b[++p] as number
            if (c === 0x2b || c === 0x2d) c = b[++p] as number
            if (!isDigit(c)) return this.fault(p, 'a digit is expected in the exponent')
            do c = b[++p] as number
            while (isDigit(c))
          }
          // Up to 15 digits a double is exact both ways; whole numbers of any length keep their text.
          const doubted =
            kind === NUMBER
              ? exponent || p - begin > 16
              : p - begin === 2 && b[begin] === 0x2d && b[begin + 1] === 0x30
          if (doubted && top && this.problem === undefined) {
            const token = Buffer.from(b.buffer, b.byteOffset + begin, p - begin).toString('latin1')
            if (kind === INTEGER || !isExact(token)) {
              const slot = depth === 1 ? n : n - 1
              if (depth === 1 || this.marked[slot] === 0) this.marks++
              this.marked[slot] = 1
              if (depth === 1) {
                this.kind[n] = kind
                this.start[n] = begin
                this.end[n] = p
                n++
                kind = -1
              }
            }
          }
        }
      }
      if (depth === 1 && top && kind >= 0) {
        let marked = 0
        if (kind === STRING && b[begin + 1] === 0x5c && isMark(b, begin + 1)) marked = 1
        this.marks += marked
        this.marked[n] = marked
        this.kind[n] = kind
        this.start[n] = begin
        this.end[n] = p
        n++
      }

      // After a value, or before the bracket that closes an empty object or array.
      for (;;) {
        c = b[p] as number
        while (isSpace(c)) c = b[++p] as number
        if (depth === 0) {
          if (c !== LF) return this.fault(p, `text follows the ${top ? 'object' : 'value'}`)
          break outer
        }
        const object = stack[depth] === OBJECT
        const close = object ? CLOSE_OBJECT : CLOSE_ARRAY
        if (c === COMMA) {
          const comma = p
          c = b[++p] as number
          while (isSpace(c)) c = b[++p] as number
          if (c !== close) {
            want_name = object
            continue outer
          }
          if (!this.trailing_comma) {
            return this.fault(
              comma,
              'a comma stands before a closing bracket (repair: [trailing_comma] would read over it)',
            )
          }
          this.patches.push({ at: comma, kind: 'remove' })
        }
        if (c !== close) {
          return this.fault(p, `a comma or ${object ? '}' : ']'} is expected`)
        }
        names = this.names_below[depth] as number
        depth--
        p++
        if (depth === 1 && top) this.end[n - 1] = p
      }
    }

    this.values = n
    if (!top) {
      return this.refuse('not_an_object', 'The line is JSON, but not an object.')
    }
    if (this.problem !== undefined) return -1
    if (doubtful) {
      const text = Buffer.from(b.buffer, b.byteOffset + from, p - from).toString()
      const name = duplicateName(text)
      if (name !== undefined) {
        return this.refuse('duplicate_key', `The name ${show(name)} stands twice in one object.`)
      }
    }
    return p
  }

  /** A line with more values than there are fields has a name twice, and is refused. */
  private makeRoom(): void {
    const { capacity } = this.fields
    this.field = grown(new Int32Array(capacity), this.field)
    this.kind = grown(new Uint8Array(capacity), this.kind)
    this.start = grown(new Float64Array(capacity), this.start)
    this.end = grown(new Float64Array(capacity), this.end)
    this.marked = grown(new Uint8Array(capacity), this.marked)
  }

  private findField(b: Uint8Array, start: number, end: number): number {
    if (!b.subarray(start, end).includes(0x5c)) return this.fields.find(b, start, end)
    const quoted = Buffer.from(b.buffer, b.byteOffset + start - 1, end - start + 2).toString()
    const name = Buffer.from(JSON.parse(quoted) as string)
    return this.fields.find(name, 0, name.length)
  }

  /** Remembers the name at `count`, and tells whether one from `base` on has the same bytes. */
  private repeats(b: Uint8Array, start: number, end: number, base: number, count: number): boolean {
    if (count === this.hashes.length) {
      this.hashes = grow(this.hashes)
      this.starts = grow(this.starts)
      this.ends = grow(this.ends)
    }
    const { hashes, starts, ends } = this
    const hash = hashBytes(b, start, end)
    hashes[count] = hash
    starts[count] = start
    ends[count] = end
    for (let other = base; other < count; other++) {
      if (hashes[other] !== hash) continue
      const from = starts[other] as number
      const length = (ends[other] as number) - from
      if (length !== end - start) continue
      let at = 0
      while (at < length && b[from + at] === b[start + at]) at++
      if (at === length) return true
    }
    return false
  }

  /** A fault that leaves the line valid JSON; only the first is kept, and a later syntax error wins. */
  private soft(code: RowCode, field: number, what: string): void {
    if (this.problem !== undefined) return
    const column = this.fields.names[field] as string
    this.problem = { code, column, message: `The field ${show(column)} ${what}.` }
  }

  private noValue(p: number): number {
    const word = String.fromCharCode(...this.bytes.subarray(p, p + 16))
    const name = /^-?(NaN|Infinity|undefined|None|True|False|NULL)/i.exec(word)?.[0]
    if (name !== undefined) return this.fault(p, `${name} is not a JSON value`)
    return this.fault(p, 'a value is expected')
  }

  private fault(p: number, what: string): number {
    const c = this.bytes[p] as number
    const found =
      c === LF
        ? 'the line ends there'
        : `found ${c > 0x20 && c < 0x7f ? `\`${String.fromCharCode(c)}\`` : `byte 0x${c.toString(16).padStart(2, '0')}`}`
    const at = what.includes('line ends') ? '' : `, ${found}`
    return this.refuse('invalid_json', `Byte ${p - this.line + 1}: ${what}${at}.`)
  }

  private refuse(code: RowCode, message: string): number {
    this.problem = { code, message }
    return -1
  }
}

function isMark(b: Uint8Array, p: number): boolean {
  return MARK.every((byte, at) => b[p + at] === byte)
}

function grow(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(array.length * 2)
  grown.set(array)
  return grown
}

/** A name as a message shows it: quoted, and not longer than a line. */
export const show = (name: string): string =>
  JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name)
