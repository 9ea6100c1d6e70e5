import { ExchangeError } from '../core/errors.ts'

/**
 * Order of two keys by their UTF-8 bytes, the order in which every store lists. JavaScript's own
 * `<` compares UTF-16 units and puts U+10000 and beyond before U+E000.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i += 1) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codePointRank(x) - codePointRank(y)
  }
  return a.length - b.length
}

/** Surrogates stand for U+10000 and beyond, so they rank above U+E000..U+FFFF. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}

/** As `start_after`, passes over the keys that start with the prefix (but one that goes on with U+10FFFF itself). */
export function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`
}

const MAX_KEY_BYTES = 1024

/**
 * Refuses what no bucket can hold, with `key_invalid`: empty, over `max_bytes` (1,024) of UTF-8, a NUL, or half
 * a surrogate pair (which would be written as U+FFFD and never be found again).
 */
export function checkKey(key: string, max_bytes = MAX_KEY_BYTES): void {
  const fault =
    key === ''
      ? 'is empty'
      : key.includes('\0')
        ? 'holds a NUL character'
        : !key.isWellFormed()
          ? 'is not well-formed Unicode'
          : Buffer.byteLength(key) > max_bytes
            ? `is longer than ${max_bytes} bytes`
            : undefined
  if (fault !== undefined) throw keyInvalid(key, fault)
}

/** `key_invalid` with the key quoted so that spaces and control characters show. */
export function keyInvalid(key: string, fault: string, cause?: unknown): ExchangeError {
  return new ExchangeError('key_invalid', `The key ${JSON.stringify(key)} ${fault}.`, {
    details: { key },
    ...(cause === undefined ? {} : { cause }),
  })
}
