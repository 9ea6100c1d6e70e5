/**
 * Writes the data of lines of known shapes into rows of text, in AssemblyScript; `npm run kernels` compiles it, and
 * ../../row-kernel.ts calls it. Whatever is not as expected ends a run before its line, which is then read by
 * other means. Memory is laid out by the caller; 16 bytes behind whatever is read or written must be there, and
 * mean nothing.
 */
import { copy, endsOfPlain, fourDigits, isSame } from './shared/bytes'
import { countUp, UUID_BYTES } from './shared/uuid'

// Entries of the tables (../shape-table.ts); offsets in bytes, each field of 32 bits.
const SHAPE_BYTES: u32 = 32
const SHAPE_HOLES: usize = 0
const SHAPE_HOLE_COUNT: usize = 4
/** What stands behind the last hole. */
const SHAPE_LITERAL: usize = 8
const SHAPE_LITERAL_BYTES: usize = 12
/** The data begin so far behind the end of so many holes, and end likewise. */
const SHAPE_START_HOLE: usize = 16
const SHAPE_START: usize = 20
const SHAPE_END_HOLE: usize = 24
const SHAPE_END: usize = 28

const HOLE_BYTES: u32 = 12
/** What stands before the hole. */
const HOLE_LITERAL: usize = 0
const HOLE_LITERAL_BYTES: usize = 4
/** 1: the time of the record, a whole number; 0: any value that holds no object, and no array in an array. */
const HOLE_IS_TIME: usize = 8

/** A row's fixed texts, one after the other: where each is, and its bytes. */
const TEXT_BYTES: usize = 8

const MOST_TIME_DIGITS: u32 = 15

/** Memory from here on is the caller's. */
export const heap: usize = __heap_base

/** Where the last run ended: behind the line feed of its last line; and how many bytes it wrote. */
export let end: usize = 0
export let written: usize = 0

let data_start: usize = 0
let data_end: usize = 0
let time_start: usize = 0
let time_end: usize = 0
/** Tried first: the next line most likely has the shape of the last. */
let likely: usize = 0

/** Before the id, the time and the data, and behind the data. */
let texts: usize = 0
let texts_bytes: u32 = 0
/** The id of the next row, which is counted up. */
let id: usize = 0
/** Stands twice wherever it stands in the data; none where it is 0. */
let quote: u32 = 0
/** Bytes of the data's beginning that are left out. */
let skipped: u32 = 0

/** What rows are written like. */
export function open(texts_: usize, id_: usize, quote_: u32, skipped_: u32): void {
  likely = 0
  texts = texts_
  id = id_
  quote = quote_
  skipped = skipped_
  texts_bytes = 0
  for (let text: usize = 0; text < 4; text++) texts_bytes += load<u32>(texts + text * TEXT_BYTES, 4)
}

/** Writes a row for each line from `from` on to `out`, where there is `room`; returns how many. */
export function run(
  from: usize,
  to: usize,
  shapes: usize,
  shape_count: u32,
  out: usize,
  room: u32,
): u32 {
  const shapes_end = shapes + shape_count * SHAPE_BYTES
  if (likely < shapes || likely >= shapes_end) likely = shapes
  let rows: u32 = 0
  let at = from
  let place = out
  while (at < to) {
    let next = line(likely, at)
    for (let shape = shapes; next === 0 && shape < shapes_end; shape += SHAPE_BYTES) {
      if (shape === likely) continue
      next = line(shape, at)
      if (next !== 0) likely = shape
    }
    if (next === 0) break
    const data = <u32>(data_end - data_start)
    const most = texts_bytes + UUID_BYTES + (quote === 0 ? data : 2 * data) + MOST_TIME_DIGITS
    if (place + most > out + room) break
    place = row(place)
    at = next
    rows++
  }
  end = at
  written = place - out
  return rows
}

function row(out: usize): usize {
  let at = fixed(out, 0)
  copy(at, id, UUID_BYTES)
  at += UUID_BYTES
  countUp(id)
  at = fixed(at, 1)
  const time = <u32>(time_end - time_start)
  copy(at, time_start, time)
  at += time
  at = fixed(at, 2)
  const start = data_start + skipped
  if (quote !== 0) at = doubled(at, start, data_end)
  else {
    const data = <u32>(data_end - start)
    copy(at, start, data)
    at += data
  }
  return fixed(at, 3)
}

function fixed(out: usize, index: usize): usize {
  const text = texts + index * TEXT_BYTES
  const length = load<u32>(text, 4)
  copy(out, load<u32>(text), length)
  return out + length
}

/** Copies with every quote twice. */
function doubled(out: usize, from: usize, to: usize): usize {
  const sign = i8x16.splat(<i8>quote)
  let at = from
  let place = out
  while (at < to) {
    const some = v128.load(at)
    v128.store(place, some)
    const quotes = i8x16.bitmask(i8x16.eq(some, sign))
    const plain: usize = quotes === 0 ? 16 : ctz(quotes)
    if (at + plain >= to) return place + (to - at)
    at += plain
    place += plain
    if (quotes !== 0) {
      store<u8>(place, <u8>quote)
      store<u8>(place + 1, <u8>quote)
      at++
      place += 2
    }
  }
  return place
}

/** Reads one line; returns where it ends, or 0 where it has another shape. */
function line(shape: usize, from: usize): usize {
  const first = load<u32>(shape, SHAPE_HOLES)
  const holes = load<u32>(shape, SHAPE_HOLE_COUNT)
  const start_hole = load<u32>(shape, SHAPE_START_HOLE)
  const end_hole = load<u32>(shape, SHAPE_END_HOLE)
  let at = from
  for (let hole: u32 = 0; hole < holes; hole++) {
    if (hole === start_hole) data_start = at + load<u32>(shape, SHAPE_START)
    if (hole === end_hole) data_end = at + load<u32>(shape, SHAPE_END)
    const entry = first + hole * HOLE_BYTES
    const length = load<u32>(entry, HOLE_LITERAL_BYTES)
    if (!isSame(at, load<u32>(entry, HOLE_LITERAL), length)) return 0
    at += length
    if (load<u32>(entry, HOLE_IS_TIME) === 1) {
      time_start = at
      at = timeEnd(at)
      time_end = at
    } else at = valueEnd(at)
    if (at === 0) return 0
  }
  if (holes === start_hole) data_start = at + load<u32>(shape, SHAPE_START)
  if (holes === end_hole) data_end = at + load<u32>(shape, SHAPE_END)
  const length = load<u32>(shape, SHAPE_LITERAL_BYTES)
  return isSame(at, load<u32>(shape, SHAPE_LITERAL), length) ? at + length : 0
}

function timeEnd(from: usize): usize {
  const to = digitsEnd(from)
  if (to === from || to - from > MOST_TIME_DIGITS || load<u8>(from) === 0x30) return 0
  return to
}

/** Where the value at `from` ends (RFC 8259); 0 where it is none, or more than one hole holds. */
function valueEnd(from: usize): usize {
  if (load<u8>(from) !== 0x5b) return scalarEnd(from)
  let at = from + 1
  if (load<u8>(at) === 0x5d) return at + 1
  while (true) {
    at = scalarEnd(at)
    if (at === 0) return 0
    const c = load<u8>(at++)
    if (c === 0x5d) return at
    if (c !== 0x2c) return 0
  }
}

function scalarEnd(at: usize): usize {
  const c = load<u8>(at)
  if (c === 0x22) return stringEnd(at)
  if (c === 0x2d || c - 0x30 <= 9) return numberEnd(at)
  const word = load<u32>(at)
  if (word === 0x65757274 || word === 0x6c6c756e) return at + 4
  // `f`, `alse`
  return c === 0x66 && load<u32>(at + 1) === 0x65736c61 ? at + 5 : 0
}

function stringEnd(from: usize): usize {
  let at = from + 1
  while (true) {
    const ends = endsOfPlain(at)
    if (ends === 0) {
      at += 16
      continue
    }
    at += ctz(ends)
    const c = load<u8>(at)
    if (c === 0x22) return at + 1
    // A control character.
    if (c !== 0x5c) return 0
    switch (load<u8>(at + 1)) {
      case 0x22:
      case 0x2f:
      case 0x5c:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        at += 2
        break
      case 0x75:
        if (fourDigits(at + 2) < 0) return 0
        at += 6
        break
      default:
        return 0
    }
  }
}

function numberEnd(from: usize): usize {
  const first = load<u8>(from) === 0x2d ? from + 1 : from
  let at = digitsEnd(first)
  if (at === first || (load<u8>(first) === 0x30 && at > first + 1)) return 0
  if (load<u8>(at) === 0x2e) {
    const fraction = at + 1
    at = digitsEnd(fraction)
    if (at === fraction) return 0
  }
  if ((load<u8>(at) | 0x20) === 0x65) {
    const sign = load<u8>(at + 1)
    const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    at = digitsEnd(exponent)
    if (at === exponent) return 0
  }
  return at
}

function digitsEnd(from: usize): usize {
  let at = from
  while (load<u8>(at) - 0x30 <= 9) at++
  return at
}
