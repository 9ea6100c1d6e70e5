import type { Column } from '../../core/contract/contract.ts'
import { judgeLooseJson } from './loose-json.ts'
import { lookAtMapKeys } from './map-keys.ts'
import { parquetGroup } from './parquet-group.ts'
import {
  compileColumns,
  type SourceGroup,
  type SourceObject,
  type SourceOptions,
} from './source-group.ts'
import type { SourceValue } from './source-value.ts'
import { textGroup } from './text-group.ts'

/** Turns passed objects into groups of rows, with what each column's values are checked by. */
export async function sourceGroups(
  objects: readonly SourceObject[],
  options: SourceOptions,
): Promise<SourceGroup[]> {
  const groups: SourceGroup[] = []
  for (const format of ['jsonl', 'csv'] as const) {
    const of = objects.filter((o) => o.passed.format === format)
    if (of.length > 0) groups.push(await textGroup(format, of, options))
  }
  const parquet = Map.groupBy(
    objects.filter((o) => o.passed.format === 'parquet'),
    (o) => JSON.stringify([o.passed.fields.map((f) => [f.name, f.type]), Object.keys(o.variables)]),
  )
  for (const of of parquet.values()) groups.push(parquetGroup(of, options))
  const looked = await Promise.all(groups.map((group) => lookAtMapKeys(group, options)))
  if (!(await judgeLooseJson(looked, options))) return looked
  return looked.map((group) => {
    const source = (column: Column): SourceValue => {
      const value = group.source(column)
      return value.kind === 'absent' ? value : { ...value, judged: true }
    }
    return { ...group, source, columns: compileColumns(source, options) }
  })
}
