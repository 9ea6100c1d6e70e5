import { NAME_LENGTH, type Partition } from '../partition.ts'
import type { Layout, VariableValues } from './layout.ts'
import { isTimeVariable, mayBeEmpty } from './pattern.ts'
import { hasDirectories, variablesBeforeTime } from './shape.ts'
import { writeValue } from './variable-value.ts'

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
    const crowded = level.filter((p) => 'variable' in p && !isTimeVariable(p.variable)).length > 1
    return level
      .map((part) => {
        if ('literal' in part) return part.literal
        if (isTimeVariable(part.variable)) return time[part.variable] ?? ''
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
