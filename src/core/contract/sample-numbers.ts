import { scaled, scaleOf, unscaled } from '../decimal-text.ts'
import type { Column } from './contract.ts'
import type { Random } from './sample-random.ts'

/** The values a number column may have, as the multiples `first + step * k` of 10^-scale. */
export interface NumberDomain {
  readonly scale: number
  readonly first: bigint
  readonly step: bigint
  /** How many there are. */
  readonly count: bigint
  /** Digits after the point that values are written with. */
  readonly digits: number
}

/** Numbers are made up from 0 to about this where the contract sets no limit. */
const FREE_VALUES = 1000n

/** Undefined if the limits leave no value. `values` is how many different ones are needed. */
export function numberDomain(column: Column, values: number): NumberDomain | undefined {
  const { type, minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of } = column
  const bounds = [minimum, maximum, exclusive_minimum, exclusive_maximum].filter(
    (bound) => bound !== undefined,
  )
  const scales = [...bounds, ...(multiple_of === undefined ? [] : [multiple_of])].map(scaleOf)
  // Cents are natural enough for a number, and finer where its limits are.
  const digits =
    type.kind === 'decimal' ? type.scale : type.kind === 'integer' ? 0 : Math.max(2, ...scales)
  const scale = Math.max(digits, ...scales)
  const at = (text: string) => scaled(text, scale) ?? 0n
  const unit = 10n ** BigInt(scale - digits)
  const step = multiple_of === undefined ? unit : lcm(unit, at(multiple_of))
  const [least, greatest] = typeRange(column, scale)
  let low = max(least, minimum === undefined ? least : at(minimum))
  if (exclusive_minimum !== undefined) low = max(low, at(exclusive_minimum) + 1n)
  let high = min(greatest, maximum === undefined ? greatest : at(maximum))
  if (exclusive_maximum !== undefined) high = min(high, at(exclusive_maximum) - 1n)
  const open_low = minimum === undefined && exclusive_minimum === undefined
  const open_high = maximum === undefined && exclusive_maximum === undefined
  const free = FREE_VALUES * 10n ** BigInt(digits)
  const wanted = BigInt(values) > free ? BigInt(values) : free
  // Where there is no limit, small numbers from zero up.
  if (open_low && high >= 0n) low = max(low, 0n)
  else if (open_low) low = max(low, high - step * wanted)
  const first = ceilTo(low, step)
  if (open_high) high = min(high, first + step * (wanted - 1n))
  if (first > high) return undefined
  return { scale, first, step, count: (high - first) / step + 1n, digits }
}

/** A value of the domain: the `index`-th where they must differ, else any. */
export function numberText(domain: NumberDomain, random: Random, index?: number): string {
  const limit = domain.count > 4_294_967_296n ? 4_294_967_296 : Number(domain.count)
  const k = index === undefined ? BigInt(random.below(limit)) : BigInt(index)
  const value = domain.first + domain.step * k
  // `scale` can exceed `digits` only for what is a whole multiple of the last digit.
  return unscaled(value / 10n ** BigInt(domain.scale - domain.digits), domain.digits)
}

function typeRange({ type }: Column, scale: number): [bigint, bigint] {
  if (type.kind === 'integer') {
    const unit = 10n ** BigInt(scale)
    const top = 2n ** BigInt(type.signed ? type.bits - 1 : type.bits)
    return [type.signed ? -top * unit : 0n, (top - 1n) * unit]
  }
  const precision = type.kind === 'decimal' ? type.precision - type.scale : 15
  const top = 10n ** BigInt(precision + scale) - 1n
  return [-top, top]
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b)
}
const lcm = (a: bigint, b: bigint): bigint => (a / gcd(a, b)) * b
/** The least multiple of `step` that is not below. */
function ceilTo(value: bigint, step: bigint): bigint {
  const rest = ((value % step) + step) % step
  return rest === 0n ? value : value + step - rest
}
