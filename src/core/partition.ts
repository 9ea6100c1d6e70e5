import type { Grain } from './contract.ts'

/**
 * A partition is named by its start in the feed's zone: `2023-01-01`, `2015-10-17T09`,
 * `2015-10-17T09:15`, `2015-10`, `2015`. Names sort as the times do.
 */
export interface Partition {
  readonly name: string
  readonly grain: Grain
  /** Instants, half open. With a daylight saving change a day has 23 or 25 hours. */
  readonly start: Date
  readonly end: Date
}
