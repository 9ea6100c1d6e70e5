import type { Column } from '../../core/contract/contract.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import { compileColumns, type SourceGroup, type SourceOptions } from './source-group.ts'
import type { MapKeys, SourceValue } from './source-value.ts'

/** Rows by which it is judged whether a look at all rows is worth it. */
const SAMPLE_ROWS = 20_000
/** Maps whose rows have more different lists of keys than this share too few. */
const MAX_LISTS = 2_000

/**
 * Looks at the lists of keys that the rows' maps have. They are few where one program wrote them,
 * and what holds for each list holds for every row: that no key stands twice, that none is to be
 * made lower case, which declared keys occur at all. Asking each row costs several times as much.
 */
export async function lookAtMapKeys(
  group: SourceGroup,
  options: SourceOptions,
): Promise<SourceGroup> {
  const map_keys = new Map<string, MapKeys>()
  for (const column of group.columns) {
    const source = group.source(column)
    if (source.kind !== 'typed' || !source.type.startsWith('MAP(VARCHAR')) continue
    const keys = await keysOf(column, source.sql, group, options.duckdb)
    if (keys !== undefined) map_keys.set(column.name, keys)
  }
  if (map_keys.size === 0) return group
  const source = (column: Column): SourceValue => {
    const value = group.source(column)
    const keys = map_keys.get(column.name)
    return value.kind === 'typed' && keys !== undefined ? { ...value, keys } : value
  }
  return { ...group, map_keys, source, columns: compileColumns(source, options) }
}

async function keysOf(
  column: Column,
  map: string,
  group: SourceGroup,
  duckdb: Duckdb,
): Promise<MapKeys | undefined> {
  const lists = (rows: string) =>
    `SELECT DISTINCT map_keys(${map}) AS list FROM ${rows} WHERE ${map} IS NOT NULL`
  const [sample] = await duckdb.all<{ n: bigint }>(
    `SELECT count(*) AS n FROM (${lists(`(FROM ${group.table} LIMIT ${SAMPLE_ROWS})`)})`,
  )
  if (Number(sample?.n ?? 0n) > MAX_LISTS) return undefined
  const lowers = column.keys?.lower_case === true
  // In DuckDB, since it is DuckDB's idea of lower case that would change them.
  const [facts] = await duckdb.all<{ names: string[] } & Omit<MapKeys, 'names'>>(
    `SELECT coalesce(list_distinct(flatten(list(list))), []) AS names,
       coalesce(bool_and(len(list_distinct(${lowers ? 'list_transform(list, lambda k: lower(k))' : 'list'})) = len(list)), true) AS "unique",
       coalesce(bool_and(len(list_filter(list, lambda k: k <> lower(k))) = 0), true) AS all_lower
     FROM (${lists(group.table)})`,
  )
  if (facts === undefined) throw new Error('no answer about the keys of a map')
  return { ...facts, names: new Set(facts.names) }
}
