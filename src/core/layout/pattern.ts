import type { Layout, LayoutPart } from './layout.ts'
import { NULL_TEXT } from './variable-value.ts'

/** Time variables from long to short. */
export const TIME_VARIABLES = ['yyyy', 'MM', 'dd', 'HH', 'mm'] as const
export type TimeVariable = (typeof TIME_VARIABLES)[number]

export const isTimeVariable = (name: string): name is TimeVariable =>
  TIME_VARIABLES.some((variable) => variable === name)

/** `loose`: months, days, hours and minutes may have one digit. */
export type Digits = 'exact' | 'loose'

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

/**
 * The texts of a level's variables in order, a name's as often as it stands there; undefined where
 * the text does not fit. `{file}` takes all it can, other values end at the first sign that follows
 * them. Takes time in proportion to the text, whatever a partner writes: a regular expression with
 * several variables would try all places where each could end.
 */
export function matchLevel(
  level: readonly LayoutPart[],
  text: string,
  digits: Digits,
): string[] | undefined {
  const crowded = level.filter((part) => 'variable' in part && !isTimePart(part)).length > 1
  const may_be_empty = mayBeEmpty(level)
  const values: string[] = []
  /** By part, ends of its value from which on it is known that the rest does not fit. */
  const dead = level.map(() => text.length + 1)

  const take = (index: number, at: number, end: number): boolean => {
    values.push(text.slice(at, end))
    if (fits(index + 1, end)) return true
    values.pop()
    return false
  }

  const fits = (index: number, at: number): boolean => {
    const part = level[index]
    if (part === undefined) return at === text.length
    if ('literal' in part) {
      return text.startsWith(part.literal, at) && fits(index + 1, at + part.literal.length)
    }
    if (isTimePart(part)) {
      // Digits that stand side by side have no other end than their number.
      const joined = isTimePart(level[index - 1]) || isTimePart(level[index + 1])
      const widths = part.variable === 'yyyy' ? [4] : digits === 'loose' && !joined ? [2, 1] : [2]
      return widths.some((width) => hasDigits(text, at, width) && take(index, at, at + width))
    }
    const limit = dead[index] as number
    const file = part.variable === 'file'
    const first = may_be_empty && !file ? at : at + 1
    if (file) {
      for (let end = limit - 1; end >= first; end--) if (take(index, at, end)) return true
    } else {
      const null_end = at + NULL_TEXT.length
      if (crowded && null_end < limit && text.startsWith(NULL_TEXT, at)) {
        if (take(index, at, null_end)) return true
      }
      for (let end = first; end < limit; end++) if (take(index, at, end)) return true
    }
    dead[index] = Math.min(limit, first)
    return false
  }

  return fits(0, 0) ? values : undefined
}

function hasDigits(text: string, at: number, width: number): boolean {
  const end = at + width
  if (end > text.length) return false
  for (let p = at; p < end; p++) {
    const digit = text.charCodeAt(p)
    if (digit < 0x30 || digit > 0x39) return false
  }
  return true
}

/** As `matchLevel`, for a whole key (`depth` = number of levels) or a directory of that depth, which ends in `/`. */
export function matchKey(
  layout: Layout,
  depth: number,
  { key, digits }: { readonly key: string; readonly digits: Digits },
): string[] | undefined {
  const directory = depth > 0 && depth < layout.levels.length
  const names = depth === 0 && key === '' ? [] : key.split('/')
  if (directory && names.pop() !== '') return undefined
  if (names.length !== depth) return undefined
  const values: string[] = []
  for (const [index, name] of names.entries()) {
    const found = matchLevel(layout.levels[index] ?? [], name, digits)
    if (found === undefined) return undefined
    values.push(...found)
  }
  return values
}

/** Names of the variables of the levels above `depth`, in the order of `matchKey`'s texts; a name may repeat. */
export const variablesAbove = (layout: Layout, depth: number): string[] =>
  layout.levels
    .slice(0, depth)
    .flat()
    .flatMap((part) => ('variable' in part ? [part.variable] : []))
