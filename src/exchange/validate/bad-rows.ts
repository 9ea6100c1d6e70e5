import type { Feed } from '../../core/feed.ts'
import type { Partition } from '../../core/partition.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { DatasetColumns } from './settle-columns.ts'
import { computedOnce, groupCodes, type SourceGroup, valuedRows } from './source-group.ts'
import type { Rule } from './source-value.ts'

/** The rule that a row lies in its partition, on the contract's time column. */
export function partitionRules(
  feed: Feed,
  partition: Partition | undefined,
): Record<string, (value: string) => readonly Rule[]> {
  const time = feed.contract.time_column
  const column = feed.contract.columns.find((c) => c.name === time)
  if (column === undefined || partition === undefined) return {}
  if (column.type.kind === 'date') {
    // A date begins with the name of its day, month or year.
    const name = partition.name.slice(0, 10)
    return {
      [column.name]: (v) => [
        [
          'out_of_partition',
          name.length === 10
            ? `${v} <> DATE ${literal(name)}`
            : `NOT starts_with((${v})::VARCHAR, ${literal(`${name}-`)})`,
        ],
      ],
    }
  }
  const bound = (at: Date) =>
    `TIMESTAMP ${literal(at.toISOString().replace('T', ' ').replace('Z', ''))}`
  const { start, end } = partition
  return {
    [column.name]: (v) => [['out_of_partition', `${v} < ${bound(start)} OR ${v} >= ${bound(end)}`]],
  }
}

/** Fills the table `bad`, which all connections see, with a group's refused rows, each with every rule it broke. */
export async function findBadRows(
  group: SourceGroup,
  columns: DatasetColumns,
  duckdb: Duckdb,
): Promise<void> {
  const codes = groupCodes(group, columns.reject_undeclared)
  if (codes.length === 0) return
  const list = codes.map((c) => `{'i': ${c.i}, 'code': k${c.i}, 'shown': ${c.shown}}`).join(', ')
  const broken = codes.map((c) => `k${c.i} IS NOT NULL`).join(' OR ')
  const coded = (table: string) =>
    `(SELECT *${codes.map((c) => `, ${c.code} AS k${c.i}`).join('')} FROM ${valuedRows({ ...group, table })})`
  const insert = (table: string) =>
    `INSERT INTO bad SELECT _obj, _row, list_filter([${list}], lambda v: v.code IS NOT NULL) FROM (SELECT *, ${computedOnce(broken)} AS _bucketline_broken FROM ${coded(table)}) WHERE _bucketline_broken`
  if (group.lanes === undefined) await duckdb.run(insert(group.table))
  else await duckdb.together(group.lanes.map((lane) => insert(lane.table)))
}
