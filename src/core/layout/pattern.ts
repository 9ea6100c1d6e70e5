import { escapePattern } from './glob.ts'
import type { Layout, LayoutPart } from './layout.ts'
import { NULL_TEXT } from './variable-value.ts'

/** Time variables from long to short. */
export const TIME_VARIABLES = ['yyyy', 'MM', 'dd', 'HH', 'mm'] as const
export type TimeVariable = (typeof TIME_VARIABLES)[number]

export const isTimeVariable = (name: string): name is TimeVariable =>
  TIME_VARIABLES.some((variable) => variable === name)

export interface Pattern {
  readonly exact: RegExp
  /** As `exact`, but months, days, hours and minutes may have one digit. */
  readonly loose: RegExp
  /** Names of the variables in the order of the captures; a name may repeat. */
  readonly names: readonly string[]
}

const isTimePart = (part: LayoutPart | undefined): boolean =>
  part !== undefined && 'variable' in part && isTimeVariable(part.variable)

/**
 * Whether the level's variable may be empty, as in `region=/`. Not where the level would be empty
 * too, and not beside another variable, where it would be unclear which of them is.
 */
export function mayBeEmpty(level: readonly LayoutPart[]): boolean {
  const free = level.filter((part) => 'variable' in part && !isTimePart(part)).length
  return free === 1 && level.some((part) => 'literal' in part)
}

/** The regular expression of one level, without anchors. */
export function levelSource(level: readonly LayoutPart[], digits: 'exact' | 'loose'): string {
  const free = level.filter((part) => 'variable' in part && !isTimePart(part)).length
  const may_be_empty = mayBeEmpty(level)
  return level
    .map((part, index) => {
      if ('literal' in part) return escapePattern(part.literal)
      if (part.variable === 'yyyy') return '(\\d{4})'
      if (isTimePart(part)) {
        // Digits that stand side by side have no other end than their number.
        const joined = isTimePart(level[index - 1]) || isTimePart(level[index + 1])
        return digits === 'loose' && !joined ? '(\\d{1,2})' : '(\\d{2})'
      }
      // The last `{file}` takes all it can, other values end at the first sign that follows them.
      if (part.variable === 'file') return '([^/]+)'
      if (may_be_empty) return '([^/]*?)'
      return free > 1 ? `(${NULL_TEXT}|[^/]+?)` : '([^/]+?)'
    })
    .join('')
}

const patterns = new WeakMap<Layout, Map<number, Pattern>>()

/** The pattern of whole keys (`depth` = number of levels) or of directories of that depth, which end in `/`. */
export function patternOf(layout: Layout, depth: number): Pattern {
  let of_layout = patterns.get(layout)
  if (of_layout === undefined) {
    of_layout = new Map()
    patterns.set(layout, of_layout)
  }
  const ready = of_layout.get(depth)
  if (ready !== undefined) return ready
  const levels = layout.levels.slice(0, depth)
  const end = depth > 0 && depth < layout.levels.length ? '/' : ''
  const source = (digits: 'exact' | 'loose') =>
    new RegExp(`^${levels.map((level) => levelSource(level, digits)).join('/')}${end}$`)
  const pattern = {
    exact: source('exact'),
    loose: source('loose'),
    names: levels.flat().flatMap((part) => ('variable' in part ? [part.variable] : [])),
  }
  of_layout.set(depth, pattern)
  return pattern
}
