import { MARK } from '../../src/format/read-passed.ts'

/** A number's value as written: digits and power of ten, whatever the notation. */
function decimal(token: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const trimmed = digits.replace(/0+$/, '')
  const exponent = Number(power) - fraction.length + digits.length - trimmed.length
  return trimmed === '' ? `${sign}0` : `${sign}${trimmed}e${exponent}`
}

export const hex = (text: string): string => `s${Buffer.from(text, 'utf16le').toString('hex')}`

/**
 * A valid JSON text as data in which strings and names are hexadecimal and numbers are `#` and every
 * digit of them. Names are not left to JSON.parse: V8 13.6 takes one that begins with an escape for
 * one that begins with a backslash when it has seen such a one at that place.
 */
export const exactly = (text: string): unknown =>
  JSON.parse(
    text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
      token.startsWith('"') ? `"${hex(JSON.parse(token) as string)}"` : `"#${decimal(token)}"`,
    ),
  )

/** What `readPassed` gives for a column, undone. */
export function unmarked(json: string): unknown {
  const value = JSON.parse(json) as unknown
  return typeof value === 'string' && value.startsWith(MARK)
    ? exactly(value.slice(MARK.length))
    : exactly(json)
}

/** Every string of a valid JSON text, also those that a repeated name hides from JSON.parse. */
export const wellFormed = (text: string): boolean =>
  [...text.matchAll(/"(?:[^"\\]|\\.)*"/g)].every(([token]) =>
    (JSON.parse(token) as string).isWellFormed(),
  )
