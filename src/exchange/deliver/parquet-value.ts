import type { Column, ColumnType } from '../../core/contract/contract.ts'
import { identifier, literal } from '../../duckdb/duckdb.ts'
import { deliveredType } from '../contract/sample-file.ts'

/** A column of a dataset in the type and under the name in which partners deliver it, as SQL. */
export const parquetColumn = (column: Column): string =>
  `${parquetValue(identifier(column.name), column.type)} AS ${identifier(column.names[0] ?? column.name)}`

function parquetValue(sql: string, type: ColumnType, depth = 0): string {
  // A time of the dataset is UTC without a zone; delivered it is an instant, whatever the reader's zone.
  if (type.kind === 'timestamp') return `timezone('UTC', ${sql})`
  if (!differs(type)) return `(${sql})::${deliveredType(type)}`
  switch (type.kind) {
    case 'map': {
      const e = `e${depth}`
      const value = parquetValue(`${e}.value`, type.value, depth + 1)
      return `map_from_entries(list_transform(map_entries(${sql}), lambda ${e}: {'k': ${e}.key, 'v': ${value}}))`
    }
    case 'array': {
      const x = `x${depth}`
      return `list_transform(${sql}, lambda ${x}: ${parquetValue(x, type.item, depth + 1)})`
    }
    case 'object': {
      const fields = type.fields.map(
        (f) =>
          `${literal(f.names[0] ?? f.name)}: ${parquetValue(`(${sql}).${identifier(f.name)}`, f.type, depth + 1)}`,
      )
      return `CASE WHEN (${sql}) IS NOT NULL THEN {${fields.join(', ')}} END`
    }
    default:
      throw new Error(`no value of kind ${type.kind} holds others`)
  }
}

/** Whether more than a cast is needed: casts go by the names of fields, and take no time for UTC. */
function differs(type: ColumnType): boolean {
  switch (type.kind) {
    case 'timestamp':
      return true
    case 'map':
      return differs(type.value)
    case 'array':
      return differs(type.item)
    case 'object':
      return type.fields.some((f) => (f.names[0] ?? f.name) !== f.name || differs(f.type))
    default:
      return false
  }
}
