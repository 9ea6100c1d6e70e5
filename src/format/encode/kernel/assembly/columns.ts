/**
 * Reads lines of known shapes straight into columns, in AssemblyScript; `npm run kernels` compiles it, and
 * ../../parquet/line-kernel.ts calls it. Whatever is not as expected, were it only unusual, ends a run before its
 * line, which is then read by other means. Memory is laid out by the caller; 16 bytes behind whatever is read
 * must be there, and mean nothing.
 */
import { endsOfPlain, fourDigits, isSame } from './shared/bytes'

/** Kinds of holes: a value of another kind, but null, ends the run. Of any other number: null alone. */
const TEXT = 1
const LONG = 2
const DOUBLE = 3
const BOOLEAN = 4
const DATE = 5
const TIME = 6
/** To milliseconds. */
const TIMESTAMP_3 = 7
/** To microseconds. */
const TIMESTAMP_6 = 8
/** A whole number of milliseconds, and never null. */
const EMITTED = 9

// Entries of the tables (../shape-table.ts, and of leaves); offsets in bytes, each field of 32 bits.
const SHAPE_BYTES: u32 = 16
const SHAPE_HOLES: usize = 0
const SHAPE_HOLE_COUNT: usize = 4
/** What stands behind the last hole. */
const SHAPE_LITERAL: usize = 8
const SHAPE_LITERAL_BYTES: usize = 12

const HOLE_BYTES: u32 = 20
/** What stands before the hole. */
const HOLE_LITERAL: usize = 0
const HOLE_LITERAL_BYTES: usize = 4
const HOLE_KIND: usize = 8
const HOLE_LEAF: usize = 12
/** Where the leaf stood before the line. */
const HOLE_BEFORE: usize = 16

const LEAF_BYTES: u32 = 16
const LEAF_VALUES: usize = 0
const LEAF_ROOM: usize = 4
/** Bytes of values so far. */
const LEAF_AT: usize = 8
/** A byte for each row: whether it has a value. */
const LEAF_PRESENT: usize = 12

const LONG_DECIMAL_BYTES: u32 = 16

/** Room that a value of a fixed width needs, and what is stored beyond the end of a text. */
const SLACK: u32 = 32
/** An integer of so many digits is within 64 bits. */
const MOST_LONG_DIGITS: u32 = 18
/** A decimal of so few characters is a quotient of two exact doubles. */
const SHORT_DECIMAL: u32 = 15
const MOST_DECIMAL: u32 = 25
const MOST_EMITTED_DIGITS: u32 = 15
/** 2^53 - 1 */
const MOST_SAFE: i64 = 9007199254740991
const DAY_MICROS: i64 = 86_400_000_000
/** Days from March 1 of the year 0 to 1970-01-01. */
const MARCH_1970: i32 = 719_468

/** Powers of ten up to 10^15. */
const powers: usize = memory.data<f64>([
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
])

/** Memory from here on is the caller's. */
export const heap: usize = __heap_base

/** Where the last run ended: behind the line feed of its last row. */
export let end: usize = 0
/** Decimals that the caller has to read: in the leaf (its table's entry) at `at`, the bytes from `start` to `end`. */
export let long_decimals: u32 = 0
let decimals: usize = 0
let decimals_room: u32 = 0

/** Where the last value ended; 0 where it was none of its kind, or found no room. */
let past: usize = 0
/** Tried first: the next line most likely has the shape of the last. */
let likely: usize = 0

/** Rows of which a leaf may still say that they have a value. */
let unclean: u32 = 0

/** Begins with new tables. `most`: rows of a run; `at`: where to put decimals that are too long for here. */
export function open(most: u32, at: usize, room: u32): void {
  likely = 0
  unclean = most
  decimals = at
  decimals_room = room
}

/** Reads lines that begin from `from` on and before `to`, `most` at most; returns how many. */
export function run(
  from: usize,
  to: usize,
  shapes: usize,
  shape_count: u32,
  leaves: usize,
  leaf_count: u32,
  most: u32,
): u32 {
  for (let leaf: u32 = 0; leaf < leaf_count; leaf++) {
    const entry = leaves + leaf * LEAF_BYTES
    store<u32>(entry, 0, LEAF_AT)
    memory.fill(load<u32>(entry, LEAF_PRESENT), 0, unclean)
  }
  long_decimals = 0
  const shapes_end = shapes + shape_count * SHAPE_BYTES
  if (likely < shapes || likely >= shapes_end) likely = shapes
  let row: u32 = 0
  let at = from
  while (row < most && at < to) {
    let next = line(likely, at, row)
    for (let shape = shapes; next === 0 && shape < shapes_end; shape += SHAPE_BYTES) {
      if (shape === likely) continue
      next = line(shape, at, row)
      if (next !== 0) likely = shape
    }
    if (next === 0) break
    at = next
    row++
  }
  end = at
  unclean = row
  return row
}

/** Reads one line; returns where it ends, or 0 where it has another shape, and takes back what it had read. */
function line(shape: usize, from: usize, row: u32): usize {
  const first = load<u32>(shape, SHAPE_HOLES)
  const holes_end = first + load<u32>(shape, SHAPE_HOLE_COUNT) * HOLE_BYTES
  const decimals_before = long_decimals
  let at = from
  let hole: usize = first
  for (; hole < holes_end; hole += HOLE_BYTES) {
    const length = load<u32>(hole, HOLE_LITERAL_BYTES)
    if (!isSame(at, load<u32>(hole, HOLE_LITERAL), length)) break
    at += length
    const kind = load<u32>(hole, HOLE_KIND)
    const leaf = load<u32>(hole, HOLE_LEAF)
    if (load<u32>(at) === 0x6c6c756e && kind !== EMITTED) {
      store<u32>(hole, load<u32>(leaf, LEAF_AT), HOLE_BEFORE)
      at += 4
      continue
    }
    const before = load<u32>(leaf, LEAF_AT)
    if (before + SLACK > load<u32>(leaf, LEAF_ROOM)) break
    const out = load<u32>(leaf, LEAF_VALUES) + before
    const bytes = value(kind, at, out, leaf)
    if (past === 0) break
    at = past
    store<u32>(hole, before, HOLE_BEFORE)
    store<u32>(leaf, before + bytes, LEAF_AT)
    store<u8>(load<u32>(leaf, LEAF_PRESENT) + row, 1)
  }
  if (hole === holes_end) {
    const length = load<u32>(shape, SHAPE_LITERAL_BYTES)
    if (isSame(at, load<u32>(shape, SHAPE_LITERAL), length)) return at + length
  }
  while (hole > first) {
    hole -= HOLE_BYTES
    const leaf = load<u32>(hole, HOLE_LEAF)
    store<u32>(leaf, load<u32>(hole, HOLE_BEFORE), LEAF_AT)
    store<u8>(load<u32>(leaf, LEAF_PRESENT) + row, 0)
  }
  long_decimals = decimals_before
  return 0
}

/** Stores the value at `at`, which is not null, to `out`; returns the bytes of it, and sets `past`. */
function value(kind: u32, at: usize, out: usize, leaf: usize): u32 {
  switch (kind) {
    case TEXT:
      return text(at, out, load<u32>(leaf, LEAF_VALUES) + load<u32>(leaf, LEAF_ROOM) - SLACK)
    case LONG:
      return long(at, out, MOST_LONG_DIGITS)
    case DOUBLE:
      return double(at, out, leaf)
    case BOOLEAN:
      return boolean(at, out)
    case DATE:
      return date(at, out)
    case TIME:
      return time(at, out)
    case TIMESTAMP_3:
      return timestamp(at, out, 3)
    case TIMESTAMP_6:
      return timestamp(at, out, 6)
    case EMITTED:
      if (load<u8>(at) - 0x31 > 8) return none()
      return long(at, out, MOST_EMITTED_DIGITS)
    default:
      return none()
  }
}

function none(): u32 {
  past = 0
  return 0
}

/** A string (RFC 8259 §7) as its length and its bytes; `limit`: so far, and `SLACK` beyond, there is room. */
function text(from: usize, out: usize, limit: usize): u32 {
  if (load<u8>(from) !== 0x22) return none()
  let at = from + 1
  let to = out + 4
  for (;;) {
    if (to > limit) return none()
    v128.store(to, v128.load(at))
    const ends = endsOfPlain(at)
    if (ends === 0) {
      at += 16
      to += 16
      continue
    }
    const plain = ctz(ends)
    at += plain
    to += plain
    const c = load<u8>(at)
    if (c === 0x22) break
    // A control character.
    if (c !== 0x5c) return none()
    const written = escaped(at, to)
    if (written === 0) return none()
    at = past
    to += written
  }
  store<u32>(out, <u32>(to - out - 4))
  past = at + 1
  return <u32>(to - out)
}

/** Writes what the escape at `at` says; returns how many bytes that takes, 0 where it is none. */
function escaped(at: usize, out: usize): u32 {
  const sign = load<u8>(at + 1)
  past = at + 2
  let said: u32 = sign
  switch (sign) {
    case 0x22:
    case 0x2f:
    case 0x5c:
      break
    case 0x62:
      said = 0x08
      break
    case 0x66:
      said = 0x0c
      break
    case 0x6e:
      said = 0x0a
      break
    case 0x72:
      said = 0x0d
      break
    case 0x74:
      said = 0x09
      break
    case 0x75: {
      const unit = fourDigits(at + 2)
      if (unit < 0) return 0
      past = at + 6
      said = unit
      if ((said & 0xf800) === 0xd800) {
        // Half of a surrogate pair has no UTF-8: it becomes U+FFFD.
        said = 0xfffd
        if (unit < 0xdc00 && load<u16>(at + 6) === 0x755c) {
          const low = fourDigits(at + 8)
          if (low >= 0xdc00 && low < 0xe000) {
            said = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            past = at + 12
          }
        }
      }
      break
    }
    default:
      return 0
  }
  return codePoint(said, out)
}

/** UTF-8 (RFC 3629 §3). */
function codePoint(code: u32, out: usize): u32 {
  if (code < 0x80) {
    store<u8>(out, code)
    return 1
  }
  if (code < 0x800) {
    store<u8>(out, 0xc0 | (code >> 6))
    store<u8>(out, 0x80 | (code & 0x3f), 1)
    return 2
  }
  if (code < 0x10000) {
    store<u8>(out, 0xe0 | (code >> 12))
    store<u8>(out, 0x80 | ((code >> 6) & 0x3f), 1)
    store<u8>(out, 0x80 | (code & 0x3f), 2)
    return 3
  }
  store<u8>(out, 0xf0 | (code >> 18))
  store<u8>(out, 0x80 | ((code >> 12) & 0x3f), 1)
  store<u8>(out, 0x80 | ((code >> 6) & 0x3f), 2)
  store<u8>(out, 0x80 | (code & 0x3f), 3)
  return 4
}

/** `-0` is left to others: it is read in more than one way. */
function long(from: usize, out: usize, most_digits: u32): u32 {
  const negative = load<u8>(from) === 0x2d
  const first = negative ? from + 1 : from
  const number = <i64>digitsFrom(first, 0)
  const digits = <u32>(past - first)
  if (digits === 0 || digits > most_digits) return none()
  if (load<u8>(first) === 0x30 && (digits > 1 || negative)) return none()
  store<i64>(out, negative ? -number : number)
  return 8
}

/** What the digits from `from` on make of a number that stands before them; sets `past`. */
function digitsFrom(from: usize, before: u64): u64 {
  let at = from
  let number = before
  for (let digit: u32 = load<u8>(at) - 0x30; digit <= 9; digit = load<u8>(++at) - 0x30) {
    number = number * 10 + digit
  }
  past = at
  return number
}

/** A decimal without an exponent; the caller reads the longer ones. */
function double(from: usize, out: usize, leaf: usize): u32 {
  const negative = load<u8>(from) === 0x2d
  const first = negative ? from + 1 : from
  let number = digitsFrom(first, 0)
  let at = past
  const digits = <u32>(at - first)
  if (digits === 0 || (digits > 1 && load<u8>(first) === 0x30)) return none()
  let fraction: u32 = 0
  if (load<u8>(at) === 0x2e) {
    number = digitsFrom(at + 1, number)
    fraction = <u32>(past - at) - 1
    at = past
    if (fraction === 0) return none()
  } else if (negative && load<u8>(first) === 0x30) return none()
  if (at - from > MOST_DECIMAL || (load<u8>(at) | 0x20) === 0x65) return none()
  if (at - first > SHORT_DECIMAL) {
    if (long_decimals === decimals_room) return none()
    const entry = decimals + long_decimals++ * LONG_DECIMAL_BYTES
    store<u32>(entry, <u32>leaf)
    store<u32>(entry, load<u32>(leaf, LEAF_AT), 4)
    store<u32>(entry, <u32>from, 8)
    store<u32>(entry, <u32>at, 12)
  } else {
    const quotient = <f64>number / load<f64>(powers + (fraction << 3))
    store<f64>(out, negative ? -quotient : quotient)
  }
  past = at
  return 8
}

function boolean(at: usize, out: usize): u32 {
  if (load<u32>(at) === 0x65757274) {
    store<u8>(out, 1)
    past = at + 4
    return 1
  }
  // `alse`
  if (load<u8>(at) !== 0x66 || load<u32>(at + 1) !== 0x65736c61) return none()
  store<u8>(out, 0)
  past = at + 5
  return 1
}

function date(at: usize, out: usize): u32 {
  if (load<u8>(at) !== 0x22 || load<u8>(at + 11) !== 0x22) return none()
  const day = dayAt(at + 1)
  if (day === i32.MIN_VALUE) return none()
  store<i32>(out, day)
  past = at + 12
  return 4
}

function time(at: usize, out: usize): u32 {
  if (load<u8>(at) !== 0x22) return none()
  const micros = clockAt(at + 1, 6)
  if (micros < 0 || load<u8>(past) !== 0x22) return none()
  store<i64>(out, micros)
  past++
  return 8
}

/** In UTC: other offsets are left to others. */
function timestamp(at: usize, out: usize, most_digits: u32): u32 {
  if (load<u8>(at) !== 0x22) return none()
  const separator = load<u8>(at + 11)
  if (separator !== 0x54 && separator !== 0x20) return none()
  const day = dayAt(at + 1)
  if (day === i32.MIN_VALUE) return none()
  const clock = clockAt(at + 12, most_digits)
  if (clock < 0) return none()
  let to = past
  if (load<u8>(to) === 0x5a) to++
  // `+00:00`
  else if (load<u8>(to) === 0x2b) {
    if (load<u32>(to + 1) !== 0x303a3030 || load<u8>(to + 5) !== 0x30) return none()
    to += 6
  }
  if (load<u8>(to) !== 0x22) return none()
  const micros = <i64>day * DAY_MICROS + clock
  if (micros > MOST_SAFE || micros < -MOST_SAFE) return none()
  store<i64>(out, micros)
  past = to + 1
  return 8
}

/** The number that two digits write; more than 99 where they are none. */
function twoDigits(at: usize): u32 {
  const tens: u32 = load<u8>(at) - 0x30
  const ones: u32 = load<u8>(at + 1) - 0x30
  return tens <= 9 && ones <= 9 ? tens * 10 + ones : 0xffff
}

/** Days since 1970 of `yyyy-mm-dd`, from 1000 to 2999 (proleptic Gregorian); the least number where it is none. */
function dayAt(at: usize): i32 {
  const century = twoDigits(at)
  const in_century = twoDigits(at + 2)
  const month = twoDigits(at + 5)
  const day = twoDigits(at + 8)
  if (load<u8>(at + 4) !== 0x2d || load<u8>(at + 7) !== 0x2d) return i32.MIN_VALUE
  if (century < 10 || century > 29 || in_century > 99) return i32.MIN_VALUE
  if (month - 1 > 11 || day - 1 > 30) return i32.MIN_VALUE
  const year = century * 100 + in_century
  const in_leap_year = (in_century === 0 ? century : in_century) % 4 === 0
  const days: u32 = month === 2 ? (in_leap_year ? 29 : 28) : 30 + ((month + (month >> 3)) & 1)
  if (day > days) return i32.MIN_VALUE
  // The year begins in March, so that its last day is the one that may be missing.
  const y = month > 2 ? year : year - 1
  const m = month > 2 ? month - 3 : month + 9
  return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - MARCH_1970
}

/** Microseconds of `hh:mm:ss` with or without a fraction, and sets `past`; -1 where it is none. */
function clockAt(at: usize, most_digits: u32): i64 {
  const hours = twoDigits(at)
  const minutes = twoDigits(at + 3)
  const seconds = twoDigits(at + 6)
  if (load<u8>(at + 2) !== 0x3a || load<u8>(at + 5) !== 0x3a) return -1
  if (hours > 23 || minutes > 59 || seconds > 59) return -1
  const whole = <i64>((hours * 60 + minutes) * 60 + seconds) * 1_000_000
  past = at + 8
  if (load<u8>(past) !== 0x2e) return whole
  const point = past
  let micros = <i64>digitsFrom(point + 1, 0)
  let digits = <u32>(past - point) - 1
  if (digits === 0 || digits > most_digits) return -1
  for (; digits < 6; digits++) micros *= 10
  return whole + micros
}
