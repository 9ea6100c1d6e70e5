import type { ColumnType } from './contract/contract.ts'

/** A type as people read it: `decimal(24, 6)`, `map of string`, `object (a string, b integer)`. */
export function typeText(type: ColumnType): string {
  switch (type.kind) {
    case 'integer':
      return type.bits === 64 && type.signed
        ? 'integer'
        : `${type.signed ? '' : 'unsigned '}integer (${type.bits} bits)`
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'timestamp':
      return type.zone === 'UTC' ? 'timestamp' : `timestamp (${type.zone})`
    case 'json':
      return type.must_be_object ? 'json object' : 'json'
    case 'map':
      return `map of ${typeText(type.value)}`
    case 'array':
      return `list of ${typeText(type.item)}`
    case 'object':
      return `object (${type.fields.map(({ name, type: of }) => `${name} ${typeText(of)}`).join(', ')})`
    default:
      return type.kind
  }
}

/** How the values of two types are related, for who delivers and who reads. */
export type TypeChange =
  | 'same'
  /** Every old value is a new value, and reads as before. */
  | 'wider'
  /** Some old values are no longer values. */
  | 'narrower'
  | 'other'

/** Fields of objects are compared by `diffContracts`, not here. */
export function compareTypes(old: ColumnType, next: ColumnType): TypeChange {
  if (old.kind === 'integer' && next.kind === 'integer') {
    return fromRanges(integerRange(old), integerRange(next))
  }
  if (old.kind === 'decimal' && next.kind === 'decimal') {
    const whole = next.precision - next.scale - (old.precision - old.scale)
    const scale = next.scale - old.scale
    if (whole === 0 && scale === 0) return 'same'
    if (whole >= 0 && scale >= 0) return 'wider'
    return whole <= 0 && scale <= 0 ? 'narrower' : 'other'
  }
  if (old.kind === 'timestamp' && next.kind === 'timestamp') {
    return old.zone === next.zone ? 'same' : 'other'
  }
  if (old.kind === 'json' && next.kind === 'json') {
    const [before, after] = [old.must_be_object ?? false, next.must_be_object ?? false]
    return before === after ? 'same' : before ? 'wider' : 'narrower'
  }
  if (old.kind === 'map' && next.kind === 'map') return compareTypes(old.value, next.value)
  if (old.kind === 'array' && next.kind === 'array') return compareTypes(old.item, next.item)
  return old.kind === next.kind ? 'same' : 'other'
}

function integerRange({ bits, signed }: { bits: number; signed: boolean }): [bigint, bigint] {
  return signed
    ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
    : [0n, 2n ** BigInt(bits) - 1n]
}

function fromRanges(old: [bigint, bigint], next: [bigint, bigint]): TypeChange {
  if (old[0] === next[0] && old[1] === next[1]) return 'same'
  if (next[0] <= old[0] && next[1] >= old[1]) return 'wider'
  return next[0] >= old[0] && next[1] <= old[1] ? 'narrower' : 'other'
}
