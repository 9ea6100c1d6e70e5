import type { Column } from '../../core/contract/contract.ts'
import { identifier, literal } from '../../duckdb/duckdb.ts'
import { matchFields } from './dataset-columns.ts'
import {
  compileColumns,
  rescuedObject,
  type SourceGroup,
  type SourceObject,
  type SourceOptions,
  sqlText,
} from './source-group.ts'
import type { SourceValue } from './source-value.ts'

/** Rows of Parquet files of one schema, read where they lie. */
export function parquetGroup(
  objects: readonly SourceObject[],
  options: SourceOptions,
): SourceGroup {
  const fields = objects[0]?.passed.fields ?? []
  const match = matchFields(
    fields.map((f) => f.name),
    options.columns,
    options.ignore_case,
  )
  const types = new Map(fields.map((f) => [f.name, f.type ?? 'VARCHAR']))
  // Fields go by names of ours from here on: a partner may use any of those this code uses.
  const slots = new Map(fields.map((f, at) => [f.name, `s${at}`]))
  const slotOf = (field: string) => slots.get(field) ?? 'NULL'
  const variables = options.variables.map((name, at) => ({ name, slot: `v${at}` }))
  const table = parquetTable(objects, { slots, variables })
  const source = (column: Column): SourceValue => {
    const [field] = match.fields.get(column.name) ?? []
    if (field !== undefined)
      return { kind: 'typed', sql: slotOf(field), type: types.get(field) ?? 'VARCHAR' }
    const variable = variables.find((v) => v.name === column.name)
    return variable === undefined ? { kind: 'absent' } : { kind: 'text', sql: variable.slot }
  }
  return {
    format: 'parquet',
    table,
    objects,
    rescued: rescuedObject(
      match.undeclared.flat().map((name) => [name, `to_json(${slotOf(name)})`]),
    ),
    source,
    columns: compileColumns(source, options),
    raw: `to_json({${fields.map((f) => `${literal(f.name)}: ${slotOf(f.name)}`).join(', ')}})::VARCHAR`,
  }
}

/** The rows of Parquet files with their fields under the names of `slots`. */
function parquetTable(
  objects: readonly SourceObject[],
  names: {
    readonly slots: ReadonlyMap<string, string>
    readonly variables: readonly { readonly name: string; readonly slot: string }[]
  },
): string {
  const { slots, variables } = names
  const fields = [...slots].map(([name, slot]) => `, r.${identifier(name)} AS ${slot}`).join('')
  const folded = new Set([...slots.keys()].map((name) => name.toLowerCase()))
  const reader = 'binary_as_string = true, union_by_name = false, hive_partitioning = false'
  if (folded.has('file_row_number')) {
    // DuckDB cannot number the rows of a file that has a column of that name.
    const each = objects.map((o) => {
      const fromKey = variables.map((v) => `, ${sqlText(o.variables[v.name])} AS ${v.slot}`)
      return `SELECT ${o.index} AS _obj, row_number() OVER () AS _row${fields}${fromKey.join('')} FROM read_parquet(${literal(o.passed.path)}, ${reader}) r`
    })
    return `(${each.join(' UNION ALL ')})`
  }
  let file = '_bucketline_file'
  while (folded.has(file)) file += '_'
  const files = objects.map((o) => literal(o.passed.path)).join(', ')
  const numbered = objects.map(
    (o) =>
      `(${literal(o.passed.path)}, ${o.index}${variables.map((v) => `, ${sqlText(o.variables[v.name])}`).join('')})`,
  )
  const slotsOfKey = variables.map((v) => `, f.${v.slot}`).join('')
  // The file's name is joined to the object's number: names repeat in no load, numbers are small.
  return `(SELECT f._obj, r.file_row_number + 1 AS _row${fields}${slotsOfKey} FROM read_parquet([${files}], filename = ${literal(file)}, file_row_number = true, ${reader}) r JOIN (VALUES ${numbered.join(', ')}) f(_path, _obj${variables.map((v) => `, ${v.slot}`).join('')}) ON r.${file} = f._path)`
}
