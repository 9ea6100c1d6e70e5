/** Escapes in JSON strings (RFC 8259 §7) that are known to be valid, in bytes of UTF-8. */

const BACKSLASH = 0x5c
const LETTER_U = 0x75
/** What a letter stands for; any other sign but `u` is itself. */
const LETTERS = new Uint8Array(256).map((_, sign) => sign)
for (const [letter, said] of ['b\b', 'f\f', 'n\n', 'r\r', 't\t']) {
  LETTERS[(letter as string).charCodeAt(0)] = (said as string).charCodeAt(0)
}

/** The code point that the escape says whose backslash is at `p`; half of a surrogate pair is U+FFFD. */
export function escapedCode(b: Uint8Array, p: number): number {
  const sign = b[p + 1] as number
  if (sign !== LETTER_U) return LETTERS[sign] as number
  const unit = codeUnit(b, p + 2)
  if (unit < 0xd800 || unit > 0xdfff) return unit
  if (unit > 0xdbff || b[p + 6] !== BACKSLASH || b[p + 7] !== LETTER_U) return 0xfffd
  const low = codeUnit(b, p + 8)
  if (low < 0xdc00 || low > 0xdfff) return 0xfffd
  return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
}

/** Bytes of that escape, which says `code`. */
export function escapeLength(b: Uint8Array, p: number, code: number): number {
  if (b[p + 1] !== LETTER_U) return 2
  return code > 0xffff ? 12 : 6
}

const codeUnit = (b: Uint8Array, p: number): number =>
  Number.parseInt(String.fromCharCode(...b.subarray(p, p + 4)), 16)

/** Writes a code point as UTF-8 (RFC 3629 §3); returns where it ends. */
export function writeCodePoint(out: Uint8Array, at: number, code: number): number {
  let end = at
  if (code < 0x80) {
    out[end++] = code
    return end
  }
  if (code < 0x800) out[end++] = 0xc0 | (code >> 6)
  else {
    if (code < 0x10000) out[end++] = 0xe0 | (code >> 12)
    else {
      out[end++] = 0xf0 | (code >> 18)
      out[end++] = 0x80 | ((code >> 12) & 0x3f)
    }
    out[end++] = 0x80 | ((code >> 6) & 0x3f)
  }
  out[end++] = 0x80 | (code & 0x3f)
  return end
}
