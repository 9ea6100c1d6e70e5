import { bytesOf, TEXT_LENGTH } from './values'

/** Where the least and the greatest value stand that `findRange` found. */
export let least: usize = 0
export let greatest: usize = 0

/** Finds the least and the greatest of the values from `from` to `to`, of Parquet's number of a type; false where one has no place in an order. */
export function findRange(type: u32, from: usize, to: usize): bool {
  least = from
  greatest = from
  switch (type) {
    case 0:
      return among<u8>(from, to)
    case 1:
      return among<i32>(from, to)
    case 2:
      return among<i64>(from, to)
    case 4:
      return among<f32>(from, to)
    case 5:
      return among<f64>(from, to)
    default:
      return amongTexts(from, to)
  }
}

function among<T>(from: usize, to: usize): bool {
  let min = load<T>(from)
  let max = min
  for (let at = from; at < to; at += sizeof<T>()) {
    const value = load<T>(at)
    if (isNaN<T>(value)) return false
    if (value < min) {
      min = value
      least = at
    } else if (value > max) {
      max = value
      greatest = at
    }
  }
  return true
}

function amongTexts(from: usize, to: usize): bool {
  for (let at = from; at < to; at += bytesOf(at)) {
    if (isBelow(at, least)) least = at
    else if (isBelow(greatest, at)) greatest = at
  }
  return true
}

/** Byte by byte, as the order of UTF-8 is that of its characters. */
function isBelow(a: usize, b: usize): bool {
  const length_a = load<u32>(a)
  const length_b = load<u32>(b)
  const length = min(length_a, length_b)
  const at_a = a + TEXT_LENGTH
  const at_b = b + TEXT_LENGTH
  let done: u32 = 0
  for (; done + 8 <= length; done += 8) {
    const some_a = bswap(load<u64>(at_a + done))
    const some_b = bswap(load<u64>(at_b + done))
    if (some_a !== some_b) return some_a < some_b
  }
  for (; done < length; done++) {
    const some_a = load<u8>(at_a + done)
    const some_b = load<u8>(at_b + done)
    if (some_a !== some_b) return some_a < some_b
  }
  return length_a < length_b
}
