/**
 * Counts lines that are told by what they begin and end with, in AssemblyScript; `npm run kernels` compiles it, and
 * ../../line-route-kernel.ts calls it. Memory is laid out by the caller; 32 bytes behind whatever is read must be there,
 * and mean nothing.
 */

/** Memory from here on is the caller's. */
export const heap: usize = __heap_base

/** Where the last run ended. */
export let end: usize = 0

const LINE_FEED: i8 = 0x0a
const LEFT_BRACE: u8 = 0x7b
/** `"namespace"`, as far as a word goes, and behind it. */
const NAMESPACE: u64 = 0x6170_7365_6d61_6e22
const NAMESPACE_END: u32 = 0x0022_6563

let head: usize = 0
let head_bytes: usize = 0
let tail: usize = 0
let tail_bytes: usize = 0
/** Lines that name a namespace anywhere between end the run. */
let watched: bool = false

/** Lines begin with this head, in which a byte of 0 stands for any digit, and a brace, and end with this tail. */
export function open(
  head_: usize,
  head_bytes_: usize,
  tail_: usize,
  tail_bytes_: usize,
  watched_: bool,
): void {
  head = head_
  head_bytes = head_bytes_
  tail = tail_
  tail_bytes = tail_bytes_
  watched = watched_
}

/** How many such lines follow each other from `from` on, each beginning before `stop` and ending before `to`. */
export function run(from: usize, stop: usize, to: usize): u32 {
  let lines: u32 = 0
  let at = from
  while (at < stop) {
    if (!isLike(at, head, head_bytes) || load<u8>(at + head_bytes) !== LEFT_BRACE) break
    const data = at + head_bytes
    const feed = endOfLine(data, to)
    if (feed >= to) break
    // At least a brace is left to the data.
    const data_end = feed - tail_bytes
    if (<isize>data_end <= <isize>data || !isLike(data_end, tail, tail_bytes)) break
    at = feed + 1
    lines++
  }
  end = at
  return lines
}

/** Where the next line feed is, or what is watched for; `to` or beyond where there is none. */
function endOfLine(from: usize, to: usize): usize {
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
      i8x16.lt_u(i8x16.sub(some, i8x16.splat(0x30)), i8x16.splat(10)),
      i8x16.eq(like, i8x16.splat(0)),
    )
    const same = i8x16.bitmask(v128.or(i8x16.eq(some, like), digits))
    const rest = length - done
    const all = rest >= 16 ? 0xffff : (1 << (<i32>rest)) - 1
    if ((same & all) !== all) return false
  }
  return true
}
