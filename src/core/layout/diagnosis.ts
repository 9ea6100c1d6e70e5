import { type PartitionParts, partitionFromParts } from '../partition.ts'
import type { Layout, LayoutPart, StrayReason } from './layout.ts'
import { type Digits, matchKey, matchLevel, TIME_VARIABLES, variablesAbove } from './pattern.ts'

/** What a key should have looked like, for messages. */
export function expectation(layout: Layout): string {
  const example: Record<string, string> = {
    yyyy: '2023',
    MM: '01',
    dd: '31',
    HH: '09',
    mm: '15',
    file: 'part-00000',
  }
  const text = layout.levels
    .map((level) =>
      level.map((p) => ('literal' in p ? p.literal : (example[p.variable] ?? 'x'))).join(''),
    )
    .join('/')
  return `expected ${layout.template}, such as ${text}`
}

/**
 * Why a key, or a directory ending in `/`, fits no partition of the layout: the first that holds of
 * unpadded, wrong order, a date that does not exist, and no match.
 */
export function diagnoseKey(layout: Layout, key: string): StrayReason {
  const names = key.split('/')
  const directory = names.at(-1) === ''
  if (directory) names.pop()
  const depth = directory ? names.length : layout.levels.length
  const expected = expectation(layout)
  if (depth < layout.levels.length || names.length === layout.levels.length) {
    const levels = layout.levels.slice(0, depth)
    const swapped = swappedDate(layout, levels, names)
    if (swapped !== undefined) {
      const message = `the date is written ${swapped}; ${expected}`
      return { code: 'wrong_order', message }
    }
    const texts = matchKey(layout, depth, { key, digits: 'exact' })
    if (texts !== undefined) {
      const names = variablesAbove(layout, depth)
      return { code: 'impossible_date', message: impossible(layout, texts, names) }
    }
    if (matchKey(layout, depth, { key, digits: 'loose' }) !== undefined) {
      return { code: 'unpadded', message: `${unpadded(levels, names)}; ${expected}` }
    }
  }
  const order = wrongOrder(layout, names, directory)
  if (order !== undefined) return { code: 'wrong_order', message: `${order}; ${expected}` }
  return { code: 'stray_object', message: `${mismatch(layout, names, directory)}; ${expected}` }
}

function unpadded(levels: readonly (readonly LayoutPart[])[], names: readonly string[]): string {
  const short = names.filter((name, index) => {
    const level = levels[index]
    return level !== undefined && !matches(level, name, 'exact')
  })
  return `"${short.join('", "')}" should have two digits`
}

const matches = (level: readonly LayoutPart[], name: string, digits: Digits): boolean =>
  matchLevel(level, name, digits) !== undefined

function impossible(layout: Layout, texts: readonly string[], names: readonly string[]): string {
  const [year, month, day, hour, minute] = TIME_VARIABLES.flatMap((name) => {
    const at = names.indexOf(name)
    return at < 0 ? [] : [texts[at] ?? '']
  })
  const date = [year, month, day].filter((text) => text !== undefined).join('-')
  const time = hour === undefined ? '' : `T${hour}${minute === undefined ? '' : `:${minute}`}`
  const quarter =
    minute !== undefined && Number(minute) < 60 && Number(minute) % 15 !== 0
      ? ' as the start of a quarter of an hour'
      : ''
  return `${date}${time} does not exist in ${layout.zone}${quarter}`
}

/** Orders in which people write a date, other than the one a level asks for. */
const date_orders: readonly (readonly string[])[] = [
  ['dd', 'MM', 'yyyy'],
  ['MM', 'dd', 'yyyy'],
  ['yyyy', 'dd', 'MM'],
  ['yyyy', 'MM', 'dd'],
]

/** The order in which a level's date seems to be written, if the level's own order gives no date. */
function swappedDate(
  layout: Layout,
  levels: readonly (readonly LayoutPart[])[],
  names: readonly string[],
): string | undefined {
  for (const [index, level] of levels.entries()) {
    const others_fit = levels.every((l, i) => i === index || matches(l, names[i] ?? '', 'exact'))
    const own = level.flatMap((p) => ('variable' in p ? [p.variable] : []))
    const dated = own.filter((name) => ['yyyy', 'MM', 'dd'].includes(name))
    if (!others_fit || dated.length !== 3) continue
    if (matchesDate(layout, level, names[index] ?? '')) continue
    for (const order of date_orders) {
      if (order.every((name, at) => name === dated[at])) continue
      const rest = [...order]
      const swapped = level.map((part) =>
        'variable' in part && dated.includes(part.variable)
          ? { variable: rest.shift() ?? '' }
          : part,
      )
      if (matchesDate(layout, swapped, names[index] ?? '')) {
        return swapped.map((p) => ('literal' in p ? p.literal : p.variable)).join('')
      }
    }
  }
  return undefined
}

function matchesDate(layout: Layout, level: readonly LayoutPart[], name: string): boolean {
  const texts = matchLevel(level, name, 'exact')
  if (texts === undefined) return false
  const own = level.flatMap((p) => ('variable' in p ? [p.variable] : []))
  const value = (variable: string) => Number(texts[own.indexOf(variable)])
  const parts: PartitionParts = { year: value('yyyy'), month: value('MM'), day: value('dd') }
  // Eight digits can be read in several orders; a year far off is not what was meant.
  return (
    parts.year > 1900 && parts.year < 2200 && partitionFromParts(parts, layout.zone) !== undefined
  )
}

/** Whether the directories are the layout's own in another order. */
function wrongOrder(
  layout: Layout,
  names: readonly string[],
  directory: boolean,
): string | undefined {
  const wanted = layout.levels.slice(0, -1)
  const given = directory ? names : names.slice(0, -1)
  if (wanted.length < 2 || given.length === 0 || given.length > wanted.length) return undefined
  const free = wanted.map((level, index) => ({ level, index }))
  const taken: number[] = []
  for (const name of given) {
    const at = free.findIndex(({ level }) => hasTime(level) && matches(level, name, 'loose'))
    const any = at >= 0 ? at : free.findIndex(({ level }) => matches(level, name, 'loose'))
    if (any < 0) return undefined
    taken.push(...free.splice(any, 1).map(({ index }) => index))
  }
  if (taken.every((index, at) => index === at)) return undefined
  return `the directories "${given.join('/')}" are in another order`
}

const hasTime = (level: readonly LayoutPart[]): boolean =>
  level.some((p) => 'variable' in p && TIME_VARIABLES.some((name) => name === p.variable))

function mismatch(layout: Layout, names: readonly string[], directory: boolean): string {
  const { levels } = layout
  const wanted = directory ? levels.slice(0, -1) : levels
  const off = names.findIndex((name, index) => {
    const level = levels[index]
    return level !== undefined && !matches(level, name, 'exact')
  })
  // The object's own name is held against the last level only.
  const directories = Math.min(directory ? names.length : names.length - 1, levels.length - 1)
  if (off >= 0 && (off < directories || names.length === levels.length)) {
    const level = levels[off] ?? []
    const shape = level.map((p) => ('literal' in p ? p.literal : `{${p.variable}}`)).join('')
    return `"${names[off]}" does not fit "${shape}"`
  }
  const more = names.length > wanted.length
  return `the key has ${names.length} levels, ${more ? 'more' : 'fewer'} than the layout's ${wanted.length}`
}
