import type { Feed } from '../../core/feed.ts'
import type { ObjectVersion } from '../../ledger/ledger.ts'

export interface PlanWarning {
  readonly code: 'small_objects' | 'large_objects'
  readonly message: string
  /** Objects it holds for. */
  readonly count: number
}

/** An object this many times smaller or larger than advised is worth a word. */
const far = 10

/** Objects far from the size the contract advises; nothing where it advises none. */
export function sizeWarnings(feed: Feed, objects: readonly ObjectVersion[]): PlanWarning[] {
  const advised = feed.contract.advice?.file_bytes
  if (advised === undefined) return []
  const warn = (code: PlanWarning['code'], found: readonly ObjectVersion[], extreme: number) => {
    if (found.length === 0) return []
    const word = code === 'small_objects' ? 'smallest' : 'largest'
    const share = `${found.length} of ${objects.length} objects`
    const message = `${share} are more than ${far} times ${word === 'smallest' ? 'smaller' : 'larger'} than the advised ${sizeText(advised)}; the ${word} has ${sizeText(extreme)}`
    return [{ code, message, count: found.length }]
  }
  const small = objects.filter(({ size }) => size < advised / far)
  const large = objects.filter(({ size }) => size > advised * far)
  return [
    ...warn('small_objects', small, Math.min(...small.map(({ size }) => size))),
    ...warn('large_objects', large, Math.max(...large.map(({ size }) => size))),
  ]
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : value.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`
}
