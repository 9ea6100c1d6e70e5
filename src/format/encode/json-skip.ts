/** Finding where JSON values end (RFC 8259), in bytes that are known to be UTF-8. */

/** Containers within one value of a record; the record's data is one more. See `parseExact`. */
const MAX_DEPTH = 999

/** 1 for bytes that stand for themselves in a string. */
const PLAIN = new Uint8Array(256).map((_, c) => (c >= 0x20 && c !== 0x22 && c !== 0x5c ? 1 : 0))
/** 1 for what may follow a backslash, but `u`. */
const ESCAPE = new Uint8Array(256)
for (const sign of '"\\/bfnrt') ESCAPE[sign.charCodeAt(0)] = 1
const HEX = new Uint8Array(256)
for (const sign of '0123456789abcdefABCDEF') HEX[sign.charCodeAt(0)] = 1

const OBJECT = 1
const ARRAY = 0
const open = new Uint8Array(MAX_DEPTH + 1)

/** A line feed is none here: it ends the line. */
const isSpace = (c: number | undefined): boolean => c === 0x20 || c === 0x09 || c === 0x0d
const isDigit = (c: number | undefined): boolean => c !== undefined && c >= 0x30 && c <= 0x39

/** The first position from `p` on that is no white space. */
export function skipSpace(b: Uint8Array, p: number): number {
  let at = p
  while (isSpace(b[at])) at++
  return at
}

/** End of the string whose opening quote is at `p`; -1 minus the position of a byte that cannot stand there. */
export function skipString(b: Uint8Array, p: number): number {
  let at = p + 1
  for (;;) {
    let c = b[at] as number
    while (PLAIN[c] === 1) c = b[++at] as number
    if (c === 0x22) return at + 1
    if (c !== 0x5c) return -1 - at
    const sign = b[at + 1] as number
    if (ESCAPE[sign] === 1) at += 2
    else if (
      sign === 0x75 &&
      HEX[b[at + 2] as number] === 1 &&
      HEX[b[at + 3] as number] === 1 &&
      HEX[b[at + 4] as number] === 1 &&
      HEX[b[at + 5] as number] === 1
    ) {
      at += 6
    } else return -1 - at
  }
}

function skipNumber(b: Uint8Array, p: number): number {
  let at = p
  if (b[at] === 0x2d) at++
  if (b[at] === 0x30) at++
  else {
    if (!isDigit(b[at])) return -1 - at
    while (isDigit(b[at])) at++
  }
  if (b[at] === 0x2e) {
    at++
    if (!isDigit(b[at])) return -1 - at
    while (isDigit(b[at])) at++
  }
  if (((b[at] as number) | 0x20) === 0x65) {
    at++
    if (b[at] === 0x2b || b[at] === 0x2d) at++
    if (!isDigit(b[at])) return -1 - at
    while (isDigit(b[at])) at++
  }
  return at
}

function skipScalar(b: Uint8Array, p: number): number {
  switch (b[p]) {
    case 0x22:
      return skipString(b, p)
    case 0x74:
      return b[p + 1] === 0x72 && b[p + 2] === 0x75 && b[p + 3] === 0x65 ? p + 4 : -1 - p
    case 0x66:
      return b[p + 1] === 0x61 && b[p + 2] === 0x6c && b[p + 3] === 0x73 && b[p + 4] === 0x65
        ? p + 5
        : -1 - p
    case 0x6e:
      return b[p + 1] === 0x75 && b[p + 2] === 0x6c && b[p + 3] === 0x6c ? p + 4 : -1 - p
    default:
      return skipNumber(b, p)
  }
}

/** After a name's opening quote at `p`: where its value begins, or -1 minus where it goes wrong. */
export function skipName(b: Uint8Array, p: number): number {
  if (b[p] !== 0x22) return -1 - p
  const end = skipString(b, p)
  if (end < 0) return end
  const colon = skipSpace(b, end)
  return b[colon] === 0x3a ? skipSpace(b, colon + 1) : -1 - colon
}

/**
 * End of the value that begins at `p`, whatever it is; -1 minus the position where it is no JSON, or is
 * nested deeper than 999 containers. What follows the value is not looked at.
 */
export function skipValue(b: Uint8Array, p: number): number {
  let at = p
  let depth = 0
  for (;;) {
    const c = b[at]
    if (c === 0x7b || c === 0x5b) {
      if (depth === MAX_DEPTH) return -1 - at
      open[++depth] = c === 0x7b ? OBJECT : ARRAY
      at = skipSpace(b, at + 1)
      if (b[at] !== c + 2) {
        if (c === 0x7b) {
          at = skipName(b, at)
          if (at < 0) return at
        }
        continue
      }
    } else {
      at = skipScalar(b, at)
      if (at < 0 || depth === 0) return at
      at = skipSpace(b, at)
    }
    // At what follows a value, or at the bracket that closes an empty container.
    for (;;) {
      const object = open[depth] === OBJECT
      const next = b[at]
      if (next === 0x2c) {
        at = skipSpace(b, at + 1)
        if (object) {
          at = skipName(b, at)
          if (at < 0) return at
        }
        break
      }
      if (next !== (object ? 0x7d : 0x5d)) return -1 - at
      at++
      if (--depth === 0) return at
      at = skipSpace(b, at)
    }
  }
}
