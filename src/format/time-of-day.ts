import { readTypeName, type TypeName } from '../core/duckdb-type.ts'
import { identifier } from '../duckdb/duckdb.ts'

/** A day in microseconds; 24:00:00 is a time to DuckDB. */
const DAY = 86_400_000_000

/**
 * Whether a value holds a time that is none of a day, as SQL; undefined where its type holds no
 * times. DuckDB ends the process when it writes such a time as text, so none may come that far.
 */
export function beyondDay(value: string, type: string): string | undefined {
  // Most types have none, and need not be read.
  if (!/\bTIME\b/i.test(type)) return undefined
  const tree = readTypeName(type)
  return tree === undefined ? undefined : beyond(value, tree, 0)
}

function beyond(value: string, type: TypeName, depth: number): string | undefined {
  if ('list' in type) return anyOf(value, type.list, depth)
  if ('map' in type)
    return either([
      anyOf(`map_keys(${value})`, type.map.key, depth),
      anyOf(`map_values(${value})`, type.map.value, depth),
    ])
  if ('struct' in type)
    return either(
      type.struct.map((field) => beyond(`(${value}).${identifier(field.name)}`, field.type, depth)),
    )
  // Times with a zone are brought into their day as they are read.
  if (type.name.toUpperCase() !== 'TIME') return undefined
  return `epoch_us(${value}) NOT BETWEEN 0 AND ${DAY}`
}

function anyOf(list: string, item: TypeName, depth: number): string | undefined {
  const name = `e${depth}`
  const broken = beyond(name, item, depth + 1)
  return broken === undefined
    ? undefined
    : `len(list_filter(${list}, lambda ${name}: ${broken})) > 0`
}

function either(conditions: readonly (string | undefined)[]): string | undefined {
  const some = conditions.filter((c) => c !== undefined)
  return some.length === 0 ? undefined : `(${some.join(' OR ')})`
}
