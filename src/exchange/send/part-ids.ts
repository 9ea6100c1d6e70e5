import type { ObjectStore } from '../../store/store.ts'
import { isKeyPrefix } from '../../store/store.ts'

/** Where more objects than this lie side by side, listing them for each sync costs more than names that need no order. */
const MANY = 1_000

/** Gives the part ids of one sync. */
export interface PartIds {
  /**
   * The next id under a prefix: one more than the greatest there is, a UUID where there are too many to list.
   * `numberOf` reads the id back from a key.
   */
  next(prefix: string, numberOf: (key: string) => number | undefined): Promise<number | string>
}

export function partIds(store: ObjectStore, uuid: () => string): PartIds {
  const counters = new Map<string, Promise<{ next: number } | 'uuid'>>()
  const begin = async (prefix: string, numberOf: (key: string) => number | undefined) => {
    let next = 0
    let seen = 0
    for await (const entry of store.list(prefix)) {
      if (isKeyPrefix(entry)) continue
      if (++seen > MANY) return 'uuid'
      const number = numberOf(entry.key)
      if (number !== undefined && number >= next) next = number + 1
    }
    return { next }
  }
  return {
    async next(prefix, numberOf) {
      const known = counters.get(prefix) ?? begin(prefix, numberOf)
      counters.set(prefix, known)
      const counter = await known
      return counter === 'uuid' ? uuid() : counter.next++
    },
  }
}

/** What two texts begin with. */
export function commonPrefix(a: string, b: string): string {
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  return a.slice(0, at)
}
