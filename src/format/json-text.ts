/** Small judgements on JSON text that the line scanner makes rarely or out of its main loop. */

/** 1 for the bytes of a string that need no look: printable ASCII but `"` and `\`. */
export const PLAIN = new Uint8Array(256).map((_, c) =>
  c >= 0x20 && c < 0x80 && c !== 0x22 && c !== 0x5c ? 1 : 0,
)

/** Value of a hexadecimal digit, 255 for any other byte. */
const HEX = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/**
 * Length of the UTF-8 sequence that starts with the byte ≥ 0x80 at `p`; 0 where it is not one
 * (overlong forms, surrogates and what lies beyond U+10FFFF are not: RFC 3629 §3).
 */
export function utf8Length(b: Uint8Array, p: number): number {
  const c = b[p] as number
  const c1 = b[p + 1] as number
  if (c < 0xc2) return 0
  if (c < 0xe0) return (c1 & 0xc0) === 0x80 ? 2 : 0
  if ((c1 & 0xc0) !== 0x80 || ((b[p + 2] as number) & 0xc0) !== 0x80) return 0
  if (c < 0xf0) {
    if (c === 0xe0 && c1 < 0xa0) return 0
    if (c === 0xed && c1 > 0x9f) return 0
    return 3
  }
  if (c > 0xf4 || ((b[p + 3] as number) & 0xc0) !== 0x80) return 0
  if (c === 0xf0 && c1 < 0x90) return 0
  if (c === 0xf4 && c1 > 0x8f) return 0
  return 4
}

/** The code unit of `\uXXXX` whose first digit is at `p`, or -1. */
function codeUnit(b: Uint8Array, p: number): number {
  let unit = 0
  for (let at = p; at < p + 4; at++) {
    const digit = HEX[b[at] as number] as number
    if (digit === 255) return -1
    unit = unit * 16 + digit
  }
  return unit
}

/** Length of the escape whose backslash is at `p`; 0 where it is none, or half of a surrogate pair. */
export function escapeLength(b: Uint8Array, p: number): number {
  switch (b[p + 1]) {
    case 0x22: // "
    case 0x5c: // backslash
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2
    case 0x75: {
      const unit = codeUnit(b, p + 2)
      if (unit < 0) return 0
      if (unit < 0xd800 || unit > 0xdfff) return 6
      if (unit > 0xdbff || b[p + 6] !== 0x5c || b[p + 7] !== 0x75) return 0
      const low = codeUnit(b, p + 8)
      return low >= 0xdc00 && low <= 0xdfff ? 12 : 0
    }
    default:
      return 0
  }
}

/**
 * End (after the closing quote) of the string whose opening quote is at `p`; where it is not a
 * valid string, -1 minus the position of the byte that is wrong.
 */
export function stringEnd(b: Uint8Array, p: number): number {
  let at = p + 1
  for (;;) {
    let c = b[at] as number
    while (PLAIN[c] === 1) c = b[++at] as number
    if (c === 0x22) return at + 1
    const length = c >= 0x80 ? utf8Length(b, at) : c === 0x5c ? escapeLength(b, at) : 0
    if (length === 0) return -1 - at
    at += length
  }
}

/** Why the byte at `p` cannot stand in a string. */
export function stringFault(b: Uint8Array, p: number): string {
  const c = b[p] as number
  if (c === 0x0a) return 'the line ends inside a string'
  if (c < 0x20) return 'a control character stands unescaped in a string'
  if (c === 0x5c) {
    const unit = b[p + 1] === 0x75 ? codeUnit(b, p + 2) : -1
    return unit < 0 ? 'an escape is not one of JSON’s' : 'an escape is half of a surrogate pair'
  }
  return 'a string holds bytes that are not UTF-8'
}

/**
 * Whether a number with fraction or exponent survives DuckDB, which keeps it as a double and
 * writes that back with the fewest digits that name it: the digits must be those of the token.
 */
export function isExact(token: string): boolean {
  const value = Number(token)
  if (!Number.isFinite(value)) return false
  // Most writers write a double as its shortest text; exponents differ in how they look.
  if (String(value) === token) return true
  const digits = significant(token)
  return value === 0 ? digits === '' : digits === significant(String(value))
}

/** Digits of a number's mantissa without sign, point and the zeros around them. */
function significant(token: string): string {
  const [mantissa = ''] = token.split(/[eE]/)
  return mantissa.replace(/[^0-9]/g, '').replace(/^0+|0+$/g, '')
}

/** A name that stands twice in one object of the text, at any depth; the text must be valid JSON. */
export function duplicateName(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []
  let name_next = false
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/g)) {
    if (token === '{') {
      open.push(new Set())
      name_next = true
    } else if (token === '[') {
      open.push(undefined)
      name_next = false
    } else if (token === '}' || token === ']') {
      open.pop()
      name_next = false
    } else if (token === ',') {
      name_next = open.at(-1) !== undefined
    } else if (name_next) {
      const name = JSON.parse(token) as string
      const names = open.at(-1)
      if (names?.has(name)) return name
      names?.add(name)
      name_next = false
    }
  }
  return undefined
}
