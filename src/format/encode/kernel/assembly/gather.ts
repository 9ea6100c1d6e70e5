/**
 * Puts lines together by what they begin and end with, in AssemblyScript; `npm run kernels` compiles it, and
 * ../../gather-kernel.ts calls it. Memory is laid out by the caller; 32 bytes behind whatever is read must be there,
 * and mean nothing.
 */

/** Memory from here on is the caller's. */
export const heap: usize = __heap_base

/** Where the lines end that were gathered last. */
export let end: usize = 0

const LINE_FEED: i8 = 0x0a
const LEFT_BRACE: u8 = 0x7b
const ZERO: u8 = 0x30
const COLON: u8 = 0x3a
const SPACE: u8 = 0x20
/** `"namespace"`, as far as a word goes, and behind it. */
const NAMESPACE: u64 = 0x6170_7365_6d61_6e22
const NAMESPACE_END: u32 = 0x0022_6563

/** A head's hash is made of so many bytes at most, up to the brace that begins the data of most messages. */
const HASHED: usize = 200
const HASHED_BRACES: u32 = 3
const SLOTS: u32 = 1 << 12

/** Of a form, 32 bits each. */
const HEAD: usize = 0
const HEAD_BYTES: usize = 4
const TAIL: usize = 8
const TAIL_BYTES: usize = 12
const WATCHED: usize = 16
/** The next form of the same slot; 0: none. */
const NEXT: usize = 20
/** What its lines are, by number: those of forms that say the same stay in their order. */
const ROUTE: usize = 24

/** Of a group: its route's number, how many lines, how many bytes, and where they stand. */
const GROUP_BYTES: usize = 16
/** Of a line: its group, where it begins, and its bytes. */
const LINE_BYTES: usize = 12

let slots: usize = 0
/** For each route its group; 0: none of its lines have come. */
let routes: usize = 0
let groups: usize = 0
let lines: usize = 0
let most_lines: u32 = 0
/** The form of the last line: the next one is often of the same. */
let last: usize = 0

/** Begins without a form. */
export function open(
  slots_: usize,
  routes_: usize,
  groups_: usize,
  lines_: usize,
  most_lines_: u32,
): void {
  slots = slots_
  routes = routes_
  groups = groups_
  lines = lines_
  most_lines = most_lines_
  last = 0
  memory.fill(slots, 0, SLOTS << 2)
}

/** Makes known the form, of 32-bit numbers as told above, that stands at `form`; behind its head stands a brace. */
export function learn(form: usize): void {
  const slot = slotOf(load<u32>(form, HEAD))
  store<u32>(form, load<u32>(slot), NEXT)
  store<u32>(slot, <u32>form)
}

/**
 * Takes whole lines of known forms from `from` on, as far as `to`, until one route has `most` bytes, and puts those of
 * one route behind each other at `out`, or leaves them where they are if all are of one. How many groups there are.
 */
export function gather(from: usize, to: usize, most: u32, out: usize): u32 {
  let group_end = groups
  let line = lines
  const last_line = lines + <usize>most_lines * LINE_BYTES
  let at = from
  while (at < to && line < last_line) {
    const form = formOf(at)
    if (form === 0) break
    const data = at + load<u32>(form, HEAD_BYTES)
    const feed = endOfLine(data, to, load<u32>(form, WATCHED) !== 0)
    if (feed >= to) break
    const tail_bytes: usize = load<u32>(form, TAIL_BYTES)
    // At least a brace is left to the data.
    if (<isize>(feed - tail_bytes) <= <isize>data) break
    if (!isLike(feed - tail_bytes, load<u32>(form, TAIL), tail_bytes)) break
    last = form
    const route = load<u32>(form, ROUTE)
    let group: usize = load<u32>(routes + (route << 2))
    if (group === 0) {
      group = group_end
      group_end += GROUP_BYTES
      store<u32>(routes + (route << 2), <u32>group)
      store<u32>(group, route)
      store<u32>(group, 0, 4)
      store<u32>(group, 0, 8)
    }
    const bytes = <u32>(feed + 1 - at)
    store<u32>(group, load<u32>(group, 4) + 1, 4)
    store<u32>(group, load<u32>(group, 8) + bytes, 8)
    store<u32>(line, <u32>group)
    store<u32>(line, <u32>at, 4)
    store<u32>(line, bytes, 8)
    line += LINE_BYTES
    at = feed + 1
    if (load<u32>(group, 8) >= most) break
  }
  end = at
  const count = <u32>((group_end - groups) / GROUP_BYTES)
  if (count === 1) store<u32>(groups, <u32>from, 12)
  else spread(line, group_end, out)
  for (let group = groups; group < group_end; group += GROUP_BYTES)
    store<u32>(routes + (load<u32>(group) << 2), 0)
  return count
}

/** Copies the lines before `line_end` to where those of their group are. */
function spread(line_end: usize, group_end: usize, out: usize): void {
  let place = <u32>out
  for (let group = groups; group < group_end; group += GROUP_BYTES) {
    store<u32>(group, place, 12)
    place += load<u32>(group, 8)
  }
  for (let line = lines; line < line_end; line += LINE_BYTES) {
    const group: usize = load<u32>(line)
    const bytes = load<u32>(line, 8)
    const to = load<u32>(group, 12)
    memory.copy(to, load<u32>(line, 4), bytes)
    store<u32>(group, to + bytes, 12)
  }
  for (let group = groups; group < group_end; group += GROUP_BYTES)
    store<u32>(group, load<u32>(group, 12) - load<u32>(group, 8), 12)
}

/** The form whose head stands at `at`, before a brace; 0 where none is known. */
function formOf(at: usize): usize {
  if (last !== 0 && hasHead(at, last)) return last
  let form: usize = load<u32>(slotOf(at))
  while (form !== 0 && !hasHead(at, form)) form = load<u32>(form, NEXT)
  return form
}

function hasHead(at: usize, form: usize): bool {
  const bytes: usize = load<u32>(form, HEAD_BYTES)
  return isLike(at, load<u32>(form, HEAD), bytes) && load<u8>(at + bytes) === LEFT_BRACE
}

/** Digits that begin behind a colon or a space may be those of the time, which differ. */
function slotOf(at: usize): usize {
  let hash: u32 = 0x811c_9dc5
  let braces: u32 = 0
  let in_number = false
  for (let place = at; place < at + HASHED; place++) {
    const c = load<u8>(place)
    if (c === <u8>LINE_FEED) break
    const digit = c === 0 || <u8>(c - ZERO) < 10
    hash = (hash ^ (digit && in_number ? ZERO : c)) * 0x0100_0193
    if (!digit) in_number = c === COLON || c <= SPACE
    if (c === LEFT_BRACE && ++braces === HASHED_BRACES) break
  }
  return slots + (((hash ^ (hash >>> 15)) & (SLOTS - 1)) << 2)
}

/** Where the next line feed is; `to` or beyond where there is none, or a namespace before it that is watched for. */
function endOfLine(from: usize, to: usize, watched: bool): usize {
  const feeds = i8x16.splat(LINE_FEED)
  for (let at = from; at < to; at += 16) {
    const some = v128.load(at)
    if (watched) {
      // A quote, an n and an a: rare enough to look again.
      const begins = v128.and(
        v128.and(i8x16.eq(some, i8x16.splat(0x22)), i8x16.eq(v128.load(at, 1), i8x16.splat(0x6e))),
        i8x16.eq(v128.load(at, 2), i8x16.splat(0x61)),
      )
      if (v128.any_true(begins) && namesNamespace(at, i8x16.bitmask(begins))) return to
    }
    const found = i8x16.bitmask(i8x16.eq(some, feeds))
    if (found !== 0) return at + ctz(found)
  }
  return to
}

function namesNamespace(at: usize, places: i32): bool {
  for (let left = places; left !== 0; left &= left - 1) {
    const place = at + ctz(left)
    if (load<u64>(place) === NAMESPACE && (load<u32>(place, 8) & 0xff_ffff) === NAMESPACE_END)
      return true
  }
  return false
}

/** Whether what stands at `at` is as `wanted`, in which 0 is any digit. */
function isLike(at: usize, wanted: usize, length: usize): bool {
  for (let done: usize = 0; done < length; done += 16) {
    const some = v128.load(at + done)
    const like = v128.load(wanted + done)
    const digits = v128.and(
      i8x16.lt_u(i8x16.sub(some, i8x16.splat(ZERO)), i8x16.splat(10)),
      i8x16.eq(like, i8x16.splat(0)),
    )
    const same = i8x16.bitmask(v128.or(i8x16.eq(some, like), digits))
    const rest = length - done
    const all = rest >= 16 ? 0xffff : (1 << (<i32>rest)) - 1
    if ((same & all) !== all) return false
  }
  return true
}
