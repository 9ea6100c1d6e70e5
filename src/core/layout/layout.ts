import type { Grain } from '../contract/contract.ts'
import { type Partition, type PartitionParts, partitionFromParts } from '../partition.ts'
import { diagnoseKey, expectation } from './diagnosis.ts'
import { matchKey, TIME_VARIABLES, type TimeVariable, variablesAbove } from './pattern.ts'
import { readValue } from './variable-value.ts'

// The rest of what there is to a layout, so that callers need know one file only.
export { hasDirectories, variablesBeforeTime } from './shape.ts'
export { parseLayout } from './template.ts'
export { partitionPrefix, sortedFrom, writeKey } from './writer.ts'

/** Why a key under a feed's prefix belongs to no partition. */
export type StrayReason =
  | { readonly code: 'stray_object'; readonly message: string }
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

type Values = Map<string, string>

/** Values of the variables, or the name of one that has two different values. */
function valuesIn(texts: readonly string[], names: readonly string[]): Values | string {
  const values: Values = new Map()
  for (const [index, name] of names.entries()) {
    const value = texts[index] ?? ''
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

/** Without the present time, so that the same stray has the same reason in every run. */
const future = (partition: Partition): StrayReason => ({
  code: 'future',
  message: `the partition ${partition.name} starts more than one ${partition.grain} from now`,
})

/**
 * Reads a key relative to the feed's prefix. A key that fits no partition gives the reason; one in a
 * partition later than the next after `now` is `future` (not looked at without `now`).
 */
export function parseKey(layout: Layout, key: string, now?: Date): ParsedKey | StrayReason {
  const depth = layout.levels.length
  const texts = matchKey(layout, depth, { key, digits: 'exact' })
  if (texts === undefined) return diagnoseKey(layout, key)
  const values = valuesIn(texts, variablesAbove(layout, depth))
  if (typeof values === 'string') return repeated(layout, values)
  const partition = partitionFromParts(partsIn(values), layout.zone)
  if (partition === undefined) return diagnoseKey(layout, key)
  if (isFuture(partition, now)) return future(partition)
  return { partition, file: values.get('file') ?? '', variables: variablesIn(layout, values) }
}

const repeated = (layout: Layout, name: string): StrayReason => ({
  code: 'stray_object',
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
  const texts = matchKey(layout, depth, { key: directory, digits: 'exact' })
  if (texts === undefined) return diagnoseKey(layout, directory)
  const values = valuesIn(texts, variablesAbove(layout, depth))
  if (typeof values === 'string') return repeated(layout, values)
  const variables = variablesIn(layout, values)
  if (!values.has('yyyy')) return { time: '', variables }
  const slice = partitionFromParts(partsIn(values), layout.zone)
  if (slice === undefined) return diagnoseKey(layout, directory)
  if (isFuture(slice, now)) return future(slice)
  return {
    time: slice.name,
    ...(depth > layout.time_level ? { partition: slice } : {}),
    variables,
  }
}
