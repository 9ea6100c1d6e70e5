import { bytesOf } from './values'

/** Different values that `findDictionary` found, and their bytes in PLAIN encoding. */
export let size: u32 = 0
export let bytes: u32 = 0

/** After so many values it shows whether they repeat. */
const TRIAL: u32 = 1 << 14
/** Of the entry of a value: its hash, and where it stands among the values. */
const ENTRY_BYTES: usize = 8
const FIRST_SLOTS: u32 = 1 << 12

/** Where the different values go, in the order in which they first come, and how many bytes of them and how many may be. */
let values: usize = 0
let most_bytes: u32 = 0
let most_size: u32 = 0
let entries: usize = 0
/** Numbers of entries, from 1 on, by the last bits of their hash; 0 where there is none. */
let slots: usize = 0
let mask: u32 = 0

/**
 * Numbers the values from `from` to `to` into `indices`, 32 bits each; false where there come to be more different ones
 * than may be, or seem to. `width`: bytes of a value; 0 for texts. `entries_` has room for `most_size_` of them, `slots_`
 * for four times as many, and for four times TRIAL.
 */
export function findDictionary(
  width: usize,
  from: usize,
  to: usize,
  indices: usize,
  values_: usize,
  most_bytes_: u32,
  entries_: usize,
  slots_: usize,
  most_size_: u32,
): bool {
  values = values_
  most_bytes = most_bytes_
  entries = entries_
  slots = slots_
  most_size = most_size_
  size = 0
  bytes = 0
  mask = FIRST_SLOTS - 1
  memory.fill(slots, 0, FIRST_SLOTS << 2)
  const trial = indices + ((<usize>TRIAL) << 2)
  let number = indices
  for (let at = from; at < to; ) {
    const length = width === 0 ? bytesOf(at) : width
    const found = find(at, <u32>length)
    if (found === 0) return false
    store<u32>(number, found - 1)
    number += 4
    at += length
    if (number === trial && at < to && areTooMany()) return false
  }
  return true
}

/**
 * Whether more different values are to be expected than may be: drawn from that many at random, about TRIAL² / 2 of that
 * would be there for the second time by now.
 */
function areTooMany(): bool {
  const most = (<f64>most_bytes * <f64>size) / <f64>bytes
  return <f64>(TRIAL - size) < (<f64>TRIAL * <f64>TRIAL) / (2 * most) / 2
}

/** The number, from 1 on, of the value at `at`, which may be new; 0 where there is no room for it. */
function find(at: usize, length: u32): u32 {
  const hash = hashOf(at, length)
  let slot = hash & mask
  for (;;) {
    const found = load<u32>(slots + (slot << 2))
    if (found === 0) break
    const entry = entries + (found - 1) * ENTRY_BYTES
    if (load<u32>(entry) === hash && isSame(values + load<u32>(entry, 4), at, length)) return found
    slot = (slot + 1) & mask
  }
  if (bytes + length > most_bytes || size === most_size) return 0
  memory.copy(values + bytes, at, length)
  const entry = entries + size * ENTRY_BYTES
  store<u32>(entry, hash)
  store<u32>(entry, bytes, 4)
  bytes += length
  size++
  store<u32>(slots + (slot << 2), size)
  if (size * 2 > mask) spread()
  return size
}

/** Doubles the slots. */
function spread(): void {
  mask = mask * 2 + 1
  memory.fill(slots, 0, (mask + 1) << 2)
  for (let index: u32 = 0; index < size; index++) {
    let slot = load<u32>(entries + index * ENTRY_BYTES) & mask
    while (load<u32>(slots + (slot << 2)) !== 0) slot = (slot + 1) & mask
    store<u32>(slots + (slot << 2), index + 1)
  }
}

/** The length of a text stands before it, and differs as its bytes do. */
function hashOf(at: usize, length: u32): u32 {
  let hash: u64 = length
  let done: u32 = 0
  for (; done + 8 <= length; done += 8) hash = mixed(hash ^ load<u64>(at + done))
  const rest = length - done
  if (rest > 0) hash = mixed(hash ^ (load<u64>(at + done) & (((<u64>1) << (rest << 3)) - 1)))
  return <u32>(hash >> 32)
}

/** Spreads what differs in few bits over the upper half. */
function mixed(hash: u64): u64 {
  const once = hash * 0x9e3779b97f4a7c15
  return (once ^ (once >> 29)) * 0xbf58476d1ce4e5b9
}

function isSame(a: usize, b: usize, length: u32): bool {
  let done: u32 = 0
  for (; done + 8 <= length; done += 8) {
    if (load<u64>(a + done) !== load<u64>(b + done)) return false
  }
  const rest = length - done
  if (rest === 0) return true
  return ((load<u64>(a + done) ^ load<u64>(b + done)) & (((<u64>1) << (rest << 3)) - 1)) === 0
}
