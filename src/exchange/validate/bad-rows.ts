import type { Feed } from '../../core/feed.ts'
import type { Partition } from '../../core/partition.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { DatasetColumns } from './settle-columns.ts'
import { groupCodes, type SourceGroup, valuedRows } from './source-rows.ts'
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

/** Fills the table `bad` with a group's refused rows. Counting comes first: a clean group is done with it. */
export async function findBadRows(
  group: SourceGroup,
  columns: DatasetColumns,
  duckdb: Duckdb,
): Promise<void> {
  const codes = groupCodes(group, columns.reject_undeclared)
  if (codes.length === 0) return
  const coded = (list: typeof codes) =>
    `(SELECT *${list.map((c) => `, ${c.code} AS k${c.i}`).join('')} FROM ${valuedRows(group)})`
  const [counts] = await duckdb.all<Record<string, bigint>>(
    `SELECT ${codes.map((c) => `count(k${c.i}) AS k${c.i}`).join(', ')} FROM ${coded(codes)}`,
  )
  const broken = codes.filter((c) => (counts?.[`k${c.i}`] ?? 0n) > 0n)
  if (broken.length === 0) return
  const list = broken.map((c) => `{'i': ${c.i}, 'code': k${c.i}, 'shown': ${c.shown}}`).join(', ')
  await duckdb.run(
    `INSERT INTO bad SELECT _obj, _row, list_filter([${list}], lambda v: v.code IS NOT NULL) FROM ${coded(broken)} WHERE ${broken.map((c) => `k${c.i} IS NOT NULL`).join(' OR ')}`,
  )
}
