/** Of its text. */
export const UUID_BYTES: u32 = 36
/** Its last group, whose digits count: ../../../uuid-writer.ts leaves room there. */
const COUNTED: u32 = 24

/** Counts the UUID at `uuid` up by one; its digits are lower case. */
export function countUp(uuid: usize): void {
  for (let place = uuid + UUID_BYTES - 1; place >= uuid + COUNTED; place--) {
    const digit = load<u8>(place)
    if (digit !== 0x66) {
      store<u8>(place, digit === 0x39 ? 0x61 : digit + 1)
      return
    }
    store<u8>(place, 0x30)
  }
}
