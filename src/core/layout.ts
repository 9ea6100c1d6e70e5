import type { Grain } from './contract.ts'
import { ExchangeError } from './errors.ts'
import { diagnoseKey, expectation } from './layout-diagnosis.ts'
import { mayBeEmpty, patternOf, TIME_VARIABLES, type TimeVariable } from './layout-pattern.ts'
import {
  NAME_LENGTH,
  type Partition,
  type PartitionParts,
  partitionFromParts,
} from './partition.ts'
import { readValue, writeValue } from './variable-value.ts'
import { checkZone } from './zone.ts'

/** Why a key under a feed's prefix belongs to no partition. */
export type StrayReason =
  | { readonly code: 'no_match'; readonly message: string }
  | { readonly code: 'unpadded'; readonly message: string }
  | { readonly code: 'wrong_order'; readonly message: string }
  | { readonly code: 'impossible_date'; readonly message: string }
  | { readonly code: 'future'; readonly message: string }

/** Values of variables such as `{region}`; null is Hive's `__HIVE_DEFAULT_PARTITION__`. */
export type VariableValues = Readonly<Record<string, string | null>>

export interface ParsedKey {
  readonly partition: Partition
  /** What stands for `{file}`, as written; empty where the layout has none. */
  readonly file: string
  /** Values of further variables such as `{region}`; they become columns. */
  readonly variables: VariableValues
}

/** What a directory tells before its objects are listed. */
export interface ParsedDirectory {
  /** Beginning of the names of the partitions that can lie in it: `2015-10`, a whole name, or nothing. */
  readonly time: string
  /** The partition, where the directory names it completely. */
  readonly partition?: Partition
  readonly variables: VariableValues
}

export type LayoutPart = { readonly literal: string } | { readonly variable: string }

/**
 * The template that ties a key to a partition; parses keys and writes them. Keys are relative to
 * the feed's prefix. Plain data: two layouts of the same template and zone are equal.
 */
export interface Layout {
  readonly template: string
  readonly grain: Grain
  readonly zone: string
  /** Names of variables other than time and `{file}`, in order. */
  readonly variables: readonly string[]
  /** Path levels; the last one is the object's name, those before it are directories. */
  readonly levels: readonly (readonly LayoutPart[])[]
  /** Index of the level at which the partition is known. */
  readonly time_level: number
  /** Keys sort as their partitions do: time comes first, from long to short. */
  readonly sorted: boolean
}

const parts_of_time: Record<TimeVariable, keyof PartitionParts> = {
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
  mm: 'minute',
}
const grains: Record<TimeVariable, Grain> = {
  yyyy: 'year',
  MM: 'month',
  dd: 'day',
  HH: 'hour',
  mm: '15 minutes',
}

const isTime = (name: string): name is TimeVariable => name in grains

function invalid(template: string, why: string): ExchangeError {
  return new ExchangeError('layout_invalid', `The layout "${template}" ${why}.`)
}

/**
 * Reads a template such as `dt={yyyy}-{MM}-{dd}/region={region}/{file}.parquet`. Time variables are
 * `{yyyy} {MM} {dd} {HH} {mm}`; a variable may repeat; `/` or `/…` at the end stands for `/{file}`.
 * Throws `layout_invalid` or `zone_invalid`.
 */
export function parseLayout(template: string, options: { readonly zone?: string } = {}): Layout {
  const zone = options.zone ?? 'UTC'
  checkZone(zone)
  const full = template.replace(/\/(…|\.\.\.)?$/, '/{file}')
  const levels = full.split('/').map((text) => parseLevel(template, text))
  const names = levels.map((level) => level.flatMap((p) => ('variable' in p ? [p.variable] : [])))
  const all = new Set(names.flat())
  const grain = grainOf(template, all)
  if (names.flat().filter((name) => name === 'file').length > 1) {
    throw invalid(template, 'has {file} twice')
  }
  if (names.slice(0, -1).flat().includes('file')) {
    throw invalid(template, 'has {file} in a directory; it stands for the last part of a key')
  }
  const needed = new Set<string>(TIME_VARIABLES.filter((name) => all.has(name)))
  const time_level = names.findIndex((_, index) =>
    needed.isSubsetOf(new Set(names.slice(0, index + 1).flat())),
  )
  if (!all.has('file') && time_level < levels.length - 1) {
    throw invalid(template, 'has no {file}')
  }
  return {
    template,
    grain,
    zone,
    variables: [...all].filter((name) => name !== 'file' && !isTime(name)),
    levels,
    time_level,
    sorted: sortsByTime(names.slice(0, time_level + 1).flat(), [...needed]),
  }
}

function parseLevel(template: string, text: string): LayoutPart[] {
  if (text === '' || text === '.' || text === '..') {
    throw invalid(template, text === '' ? 'has an empty level' : `has a level "${text}"`)
  }
  const parts: LayoutPart[] = []
  for (const [piece] of text.matchAll(/\{[^{}]*\}|[^{}]+|[{}]/g)) {
    if (!/[{}]/.test(piece)) {
      parts.push({ literal: piece })
      continue
    }
    const variable = piece.slice(1, -1)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) {
      throw invalid(template, `has "${piece}" where a variable such as {yyyy} was expected`)
    }
    const meant = TIME_VARIABLES.find((t) => t.toLowerCase() === variable.toLowerCase())
    if (meant !== undefined && !isTime(variable)) {
      throw invalid(template, `has {${variable}}; write {${meant}}`)
    }
    parts.push({ variable })
  }
  checkSeparated(template, parts)
  return parts
}

/** Two variables of free length need something between them that their values, as written, cannot hold. */
function checkSeparated(template: string, parts: readonly LayoutPart[]): void {
  let open: string | undefined
  let between = ''
  for (const part of parts) {
    if ('literal' in part) {
      between += part.literal
      continue
    }
    const { variable } = part
    if (
      open !== undefined &&
      (isTime(variable) ? between === '' : !/[^A-Za-z0-9%]/.test(between))
    ) {
      throw invalid(
        template,
        `does not say where {${open}} ends and {${variable}} begins; put a sign such as "-" between them`,
      )
    }
    if (!isTime(variable)) {
      open = variable
      between = ''
    }
  }
}

function grainOf(template: string, names: ReadonlySet<string>): Grain {
  if (!names.has('yyyy')) {
    throw invalid(template, 'has no {yyyy}; time is written with {yyyy} {MM} {dd} {HH} {mm}')
  }
  const count = TIME_VARIABLES.filter((name) => names.has(name)).length
  const missing = TIME_VARIABLES.slice(0, count).find((name) => !names.has(name))
  if (missing !== undefined) {
    const shorter = TIME_VARIABLES.slice(count).find((name) => names.has(name))
    const mixed = missing === 'MM' && shorter === 'mm' ? ' ({mm} is minutes, {MM} is months)' : ''
    throw invalid(template, `has {${shorter}} without {${missing}}${mixed}`)
  }
  return grains[TIME_VARIABLES[count - 1] ?? 'yyyy']
}

function sortsByTime(names: readonly string[], needed: readonly string[]): boolean {
  if (!names.every(isTime)) return false
  const first_seen = [...new Set<string>(names)]
  return first_seen.every((name, index) => name === needed[index])
}

type Values = Map<string, string>

/** Values of the variables, or the name of one that has two different values. */
function valuesIn(match: RegExpExecArray, names: readonly string[]): Values | string {
  const values: Values = new Map()
  for (const [index, name] of names.entries()) {
    const value = match[index + 1] ?? ''
    const before = values.get(name)
    // By value: a level that holds several variables encodes more than one that holds one.
    if (before !== undefined && readValue(before) !== readValue(value)) return name
    values.set(name, value)
  }
  return values
}

function partsIn(values: Values): PartitionParts {
  const parts: Partial<Record<keyof PartitionParts, number>> = {}
  for (const name of TIME_VARIABLES) {
    const text = values.get(name)
    if (text === undefined) break
    parts[parts_of_time[name]] = Number(text)
  }
  return { year: 0, ...parts }
}

function variablesIn(layout: Layout, values: Values): VariableValues {
  const variables: Record<string, string | null> = {}
  for (const name of layout.variables) {
    const text = values.get(name)
    if (text !== undefined) variables[name] = readValue(text)
  }
  return variables
}

/** A partition may start at most its own length after now: clocks differ, and so do zones. */
function isFuture(partition: Partition, now: Date | undefined): boolean {
  if (now === undefined) return false
  const { start, end } = partition
  return start.getTime() > now.getTime() + (end.getTime() - start.getTime())
}

const future = (partition: Partition, now: Date | undefined): StrayReason => ({
  code: 'future',
  message: `the partition ${partition.name} starts more than one ${partition.grain} after ${now?.toISOString()}`,
})

/**
 * Reads a key relative to the feed's prefix. A key that fits no partition gives the reason; one in a
 * partition later than the next after `now` is `future` (not looked at without `now`).
 */
export function parseKey(layout: Layout, key: string, now?: Date): ParsedKey | StrayReason {
  const pattern = patternOf(layout, layout.levels.length)
  const match = pattern.exact.exec(key)
  if (match === null) return diagnoseKey(layout, key)
  const values = valuesIn(match, pattern.names)
  if (typeof values === 'string') return repeated(layout, values)
  const partition = partitionFromParts(partsIn(values), layout.zone)
  if (partition === undefined) return diagnoseKey(layout, key)
  if (isFuture(partition, now)) return future(partition, now)
  return { partition, file: values.get('file') ?? '', variables: variablesIn(layout, values) }
}

const repeated = (layout: Layout, name: string): StrayReason => ({
  code: 'no_match',
  message: `{${name}} has two different values; ${expectation(layout)}`,
})

/** Reads a directory relative to the feed's prefix (`y=2015/m=10/`), of any depth the layout has. */
export function parseDirectory(
  layout: Layout,
  directory: string,
  now?: Date,
): ParsedDirectory | StrayReason {
  const depth = directory.split('/').length - 1
  if (depth >= layout.levels.length) return diagnoseKey(layout, directory)
  const pattern = patternOf(layout, depth)
  const match = pattern.exact.exec(directory)
  if (match === null) return diagnoseKey(layout, directory)
  const values = valuesIn(match, pattern.names)
  if (typeof values === 'string') return repeated(layout, values)
  const variables = variablesIn(layout, values)
  if (!values.has('yyyy')) return { time: '', variables }
  const slice = partitionFromParts(partsIn(values), layout.zone)
  if (slice === undefined) return diagnoseKey(layout, directory)
  if (isFuture(slice, now)) return future(slice, now)
  return {
    time: slice.name,
    ...(depth > layout.time_level ? { partition: slice } : {}),
    variables,
  }
}

/** Writes the levels up to and including `last`. */
function writeLevels(
  layout: Layout,
  last: number,
  values: {
    readonly partition: Partition
    readonly file?: string
    readonly variables?: VariableValues
  },
): string {
  const [yyyy, MM, dd, HH, mm] = values.partition.name.split(/[-T:]/)
  const time: Partial<Record<string, string>> = { yyyy, MM, dd, HH, mm }
  const levels = layout.levels.slice(0, last + 1).map((level) => {
    const crowded = level.filter((p) => 'variable' in p && !isTime(p.variable)).length > 1
    return level
      .map((part) => {
        if ('literal' in part) return part.literal
        if (isTime(part.variable)) return time[part.variable] ?? ''
        if (part.variable === 'file') return values.file ?? ''
        const value = values.variables?.[part.variable]
        if (value === undefined) throw new Error(`no value for {${part.variable}}`)
        if (value === '' && !mayBeEmpty(level)) {
          throw new Error(`{${part.variable}} cannot be empty in "${layout.template}"`)
        }
        return writeValue(value, { crowded })
      })
      .join('')
  })
  return levels.join('/')
}

/**
 * Writes the key of an object, relative to the prefix: the inverse of `parseKey`. `file` may hold no
 * slash. Values of variables are percent-encoded where the sign would be ambiguous; null becomes
 * `__HIVE_DEFAULT_PARTITION__`.
 */
export function writeKey(
  layout: Layout,
  partition: Partition,
  values: { readonly file?: string; readonly variables?: VariableValues } = {},
): string {
  const file = values.file ?? ''
  const has_file = layout.levels.at(-1)?.some((p) => 'variable' in p && p.variable === 'file')
  if (has_file !== (file !== '') || file.includes('/')) {
    throw new Error(`"${file}" cannot be {file} in "${layout.template}"`)
  }
  if (partition.grain !== layout.grain) {
    throw new Error(`the partition ${partition.name} is not one of ${layout.grain}`)
  }
  return writeLevels(layout, layout.levels.length - 1, { ...values, partition })
}

/**
 * The one directory, ending in `/`, in which all of a partition's objects lie. Undefined where the
 * layout has none: time ends in the object's name, or a variable comes before time.
 */
export function partitionPrefix(layout: Layout, partition: Partition): string | undefined {
  if (!hasDirectories(layout) || variablesBeforeTime(layout)) return undefined
  return `${writeLevels(layout, layout.time_level, { partition })}/`
}

/** Whether a partition's objects can lie in several directories, one for each value of a variable. */
export const variablesBeforeTime = (layout: Layout): boolean =>
  layout.levels
    .slice(0, layout.time_level + 1)
    .flat()
    .some((part) => 'variable' in part && !isTime(part.variable))

/** Whether partitions have directories of their own, so that listing one leaves the others alone. */
export const hasDirectories = (layout: Layout): boolean =>
  layout.time_level < layout.levels.length - 1

/**
 * Text at which the keys of a slice of time begin, where keys sort by time: `start` may be of a
 * longer or shorter grain than partitions. Undefined where keys do not sort by time.
 */
export function sortedFrom(layout: Layout, start: string): string | undefined {
  if (!layout.sorted) return undefined
  const name = start.slice(0, NAME_LENGTH[layout.grain])
  const [yyyy, MM, dd, HH, mm] = name.split(/[-T:]/)
  const time: Partial<Record<string, string>> = { yyyy, MM, dd, HH, mm }
  let text = ''
  for (const [index, level] of layout.levels.slice(0, layout.time_level + 1).entries()) {
    if (index > 0) text += '/'
    for (const part of level) {
      if ('literal' in part) text += part.literal
      else if (time[part.variable] === undefined) return text
      else text += time[part.variable]
    }
    if (index === layout.time_level) break
  }
  return text
}
