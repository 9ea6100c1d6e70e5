/** Whether the bytes at `a` and `b` are the same. Reads up to 15 bytes beyond either. */
export function isSame(a: usize, b: usize, length: u32): bool {
  let at: u32 = 0
  for (; at + 16 <= length; at += 16) {
    if (v128.any_true(v128.xor(v128.load(a + at), v128.load(b + at)))) return false
  }
  const rest = length - at
  if (rest === 0) return true
  const differing = i8x16.bitmask(i8x16.ne(v128.load(a + at), v128.load(b + at)))
  return (differing & ((1 << rest) - 1)) === 0
}

/** Copies in steps of 16 bytes: writes up to 15 beyond the end. */
export function copy(to: usize, from: usize, length: u32): void {
  for (let at: u32 = 0; at < length; at += 16) v128.store(to + at, v128.load(from + at))
}

/** The number that four hexadecimal digits write; -1 where they are none. */
export function fourDigits(at: usize): i32 {
  let unit: i32 = 0
  for (let digit: usize = 0; digit < 4; digit++) {
    const c: u32 = load<u8>(at + digit)
    const letter = (c | 0x20) - 0x61
    if (c - 0x30 <= 9) unit = (unit << 4) | (c - 0x30)
    else if (letter < 6) unit = (unit << 4) | (letter + 10)
    else return -1
  }
  return unit
}

/** 1 bits for quotes, backslashes and control characters among the 16 bytes at `at`. */
export function endsOfPlain(at: usize): i32 {
  const some = v128.load(at)
  return i8x16.bitmask(
    v128.or(
      v128.or(i8x16.eq(some, i8x16.splat(0x22)), i8x16.eq(some, i8x16.splat(0x5c))),
      i8x16.lt_u(some, i8x16.splat(0x20)),
    ),
  )
}
