/** Median, least and greatest of some values. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Throws where there is no value. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return { median: quantile(sorted, 0.5), min: quantile(sorted, 0), max: quantile(sorted, 1) }
}

/** Value at a share between 0 and 1 of ascending values, interpolated. Throws where there is none. */
export function quantile(ascending: readonly number[], share: number): number {
  const at = (ascending.length - 1) * share
  const below = ascending[Math.floor(at)]
  const above = ascending[Math.ceil(at)]
  if (below === undefined || above === undefined) throw new Error('no value to take a quantile of')
  return below + (above - below) * (at - Math.floor(at))
}
