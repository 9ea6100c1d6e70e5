/** The polynomial of CRC-32 (RFC 1952 §8), lowest power in the highest bit. */
const POLYNOMIAL = 0xedb88320
/** The polynomial 1 in that order of bits, and x^8. */
const ONE = 0x80000000
const BYTE = 0x00800000

/** Product of two polynomials over GF(2), modulo CRC-32's. */
function multiply(a: number, b: number): number {
  let product = 0
  let factor = b
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1
  }
  return product >>> 0
}

/**
 * CRC-32 of two texts one after the other, of which only the CRCs and the second one's length in bytes are
 * known: appending n bytes multiplies the first CRC by x^(8n).
 */
export function crc32Combine(first: number, second: number, second_bytes: number): number {
  let shift = ONE
  let power = BYTE
  for (let rest = second_bytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) shift = multiply(shift, power)
    power = multiply(power, power)
  }
  return (multiply(first, shift) ^ second) >>> 0
}
