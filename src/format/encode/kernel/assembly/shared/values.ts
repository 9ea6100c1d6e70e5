/** Bytes of a text's length, which stands before it. */
export const TEXT_LENGTH: usize = 4

/** Bytes of the text at `at` in PLAIN encoding. */
export function bytesOf(at: usize): usize {
  return TEXT_LENGTH + load<u32>(at)
}
