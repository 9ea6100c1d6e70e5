/**
 * Decimal numbers as text. Limits and values of contracts are compared exactly; a double would
 * make 0.1 something else and lose what lies beyond 2^53.
 */

const decimal = /^([-+]?)(\d*)(?:\.(\d*))?(?:[eE]([-+]?\d+))?$/
/** 10^MAX_SHIFT is the greatest power written out; `1e999999999` would fill the memory. */
const MAX_SHIFT = 400

/**
 * Canonical form of a number as written in YAML or JSON: no exponent, no needless zeros.
 * Undefined for what is not a finite decimal number.
 */
export function decimalText(written: string): string | undefined {
  if (/^0[xo][\da-fA-F]+$/.test(written)) {
    try {
      return BigInt(written).toString()
    } catch {
      return undefined
    }
  }
  const [, sign, whole = '', fraction = '', exponent = '0'] = decimal.exec(written) ?? []
  if (sign === undefined || whole + fraction === '') return undefined
  const shift = Number(exponent)
  if (Math.abs(shift) > MAX_SHIFT) return undefined
  let digits = whole + fraction
  let point = whole.length + shift
  if (point < 0) {
    digits = '0'.repeat(-point) + digits
    point = 0
  }
  digits = digits.padEnd(point, '0')
  const left = digits.slice(0, point).replace(/^0+/, '') || '0'
  const right = digits.slice(point).replace(/0+$/, '')
  const value = right === '' ? left : `${left}.${right}`
  return sign === '-' && value !== '0' ? `-${value}` : value
}

/** Digits after the point of a canonical decimal text. */
export function scaleOf(text: string): number {
  const point = text.indexOf('.')
  return point < 0 ? 0 : text.length - point - 1
}

/** A canonical decimal text as a count of 10^-scale; undefined if it has more digits than that. */
export function scaled(text: string, scale: number): bigint | undefined {
  if (scaleOf(text) > scale) return undefined
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.')
  const count = BigInt(whole + fraction.padEnd(scale, '0'))
  return text.startsWith('-') ? -count : count
}

/** The text of a count of 10^-scale, with exactly `scale` digits after the point. */
export function unscaled(count: bigint, scale: number): string {
  const digits = (count < 0n ? -count : count).toString().padStart(scale + 1, '0')
  const sign = count < 0n ? '-' : ''
  if (scale === 0) return sign + digits
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Negative, zero or positive, as `left - right`; both canonical. */
export function compareDecimals(left: string, right: string): number {
  const scale = Math.max(scaleOf(left), scaleOf(right))
  const a = scaled(left, scale) ?? 0n
  const b = scaled(right, scale) ?? 0n
  return a < b ? -1 : a > b ? 1 : 0
}
