import type { Column, Contract } from '../../core/contract/contract.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { DatasetColumn, Note } from '../../ledger/ledger.ts'
import {
  declaredKeyColumns,
  knownColumn,
  OBJECT_COLUMN,
  RESCUED_COLUMN,
  ROW_COLUMN,
} from '../validate/dataset-columns.ts'
import type { CheckedDelivery } from './check-delivery.ts'
import type { DeliveryOutput } from './output.ts'

/** What is delivered beside the contract's columns. */
export interface Undeclared {
  /** Fields that become columns at a receiver whose contract lets them. */
  readonly columns: readonly Column[]
  /** The JSON object `_rescued` holds further fields that are delivered: names that a column has already. */
  readonly rescued: boolean
}

/** Settles what becomes of fields that the contract does not declare; a note says which are left out. */
export async function settleUndeclared(
  { columns, csv_fields, candidates }: CheckedDelivery,
  tools: {
    readonly feed: Feed
    readonly output: DeliveryOutput
    readonly duckdb: Duckdb
    readonly notes: Note[]
  },
): Promise<Undeclared> {
  const { feed, output, duckdb, notes } = tools
  const added = evolvedColumns(columns, feed)
  const nested = feed.contract.flat ? added.filter((c) => c.type.kind === 'json') : []
  if (nested.length > 0)
    throw new ExchangeError(
      'not_writable',
      `Fields hold objects or arrays, and the contract takes flat records only: ${names(nested.map((c) => c.name))}.`,
    )
  const text = added.filter((c) => c.type.kind === 'string' && csv_fields.has(c.name))
  if (text.length > 0 && output.format !== 'csv')
    notes.push({
      code: 'delivered_as_text',
      count: text.length,
      message: `CSV says no types, so fields that the contract does not declare are delivered as text: ${names(text.map((c) => c.name))}`,
    })
  if (!columns.some((c) => c.name === RESCUED_COLUMN)) return { columns: added, rescued: false }
  const rescued = feed.new_columns === 'evolve' && output.format === 'jsonl'
  if (!rescued && candidates.length > 0) {
    const left = await rescuedNames(
      candidates.map((file) => file.path),
      duckdb,
    )
    if (left.rows > 0)
      notes.push({
        code: 'fields_left_out',
        count: left.rows,
        message: `fields that the contract does not declare are not delivered: ${names(left.names)}`,
      })
  }
  return { columns: added, rescued }
}

function evolvedColumns(columns: readonly DatasetColumn[], feed: Feed): Column[] {
  const { contract, layout } = feed
  const not_ours = new Set([
    ...contract.columns.map((c) => c.name),
    ...declaredKeyColumns(contract as Contract).map((k) => k.name),
    ...layout.variables,
    OBJECT_COLUMN,
    ROW_COLUMN,
    RESCUED_COLUMN,
  ])
  return columns.filter((c) => !not_ours.has(c.name)).map(knownColumn)
}

/** Names of the fields in `_rescued` and how many rows have one. */
async function rescuedNames(
  files: readonly string[],
  duckdb: Duckdb,
): Promise<{ readonly names: readonly string[]; readonly rows: number }> {
  const [row] = await duckdb.all<{ names: string[] | null; n: bigint }>(
    `SELECT list_sort(list_distinct(flatten(list(json_keys(${RESCUED_COLUMN}))))) AS names, count(*) AS n
     FROM read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false) WHERE ${RESCUED_COLUMN} IS NOT NULL`,
  )
  return { names: row?.names ?? [], rows: Number(row?.n ?? 0n) }
}

const NAMED = 20

const names = (all: readonly string[]) =>
  all.length > NAMED
    ? `${all.slice(0, NAMED).join(', ')} and ${all.length - NAMED} more`
    : all.join(', ')
