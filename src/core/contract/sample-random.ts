/** Made-up data must be the same on every machine: a small generator with a seed (mulberry32). */
export interface Random {
  /** At least 0, less than 1. */
  next(): number
  /** A whole number from 0 to `count` - 1. */
  below(count: number): number
  pick<T>(values: readonly T[]): T
}

/** The numbers of one seed and row; neighbouring rows have unrelated ones. */
export function randomOf(seed: number, row: number): Random {
  let state = mix(Math.trunc(seed) ^ mix(row + 0x9e3779b9))
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    return (mix(state) >>> 0) / 4_294_967_296
  }
  const below = (count: number) => Math.floor(next() * count)
  return {
    next,
    below,
    pick<T>(values: readonly T[]) {
      const value = values[below(values.length)]
      if (value === undefined) throw new Error('nothing to pick from')
      return value
    },
  }
}

function mix(value: number): number {
  let bits = value | 0
  bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
  return bits ^ (bits >>> 14)
}

/** A version 4 UUID; the first 32 bits differ for every `row` of a seed, so that none comes twice. */
export function uuidOf(random: Random, seed: number, row: number): string {
  const hex = (bits: number) => (bits >>> 0).toString(16).padStart(8, '0')
  const word = () => hex(random.below(4_294_967_296))
  const [b, c, d] = [word(), word(), word()]
  // An odd factor maps 32-bit numbers one to one.
  const a = hex(Math.imul(row + 1, 0x9e3779b1) ^ Math.imul(Math.trunc(seed) + 1, 0x85ebca6b))
  const variant = '89ab'[random.below(4)]
  return `${a}-${b.slice(0, 4)}-4${b.slice(5)}-${variant}${c.slice(1, 4)}-${c.slice(4)}${d}`
}
