import type { Feed } from '../../core/feed.ts'
import { type Partition, partitionAt } from '../../core/partition.ts'
import { Format } from '../../core/settings.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Formats } from '../../format/format.ts'
import type { DatasetColumn, NewColumn } from '../../ledger/ledger.ts'
import type { FetchedObject } from '../validate/check-options.ts'
import { type CheckedRows, checkRows } from '../validate/check-rows.ts'

/** Records to deliver, on local disk in any format that is received. */
export interface DeliverSource {
  /** What messages and rejects call it. */
  readonly key: string
  readonly path: string
  readonly bytes: number
  /** Differs where the records do: a delivery is named by it. */
  readonly digest: string
}

/** Checked records, and what their columns are. */
export interface CheckedDelivery extends CheckedRows {
  /** Columns of the files in `candidates`. */
  readonly columns: readonly DatasetColumn[]
  /** Names of the fields of CSV inputs: texts whatever they say. */
  readonly csv_fields: ReadonlySet<string>
}

/**
 * Runs a receiver's checks on records that are still to be put into partitions. Duplicates and the
 * contract's rules on whole partitions come later, when it is known which rows are of which.
 */
export async function checkDelivery(
  sources: readonly DeliverSource[],
  tools: {
    readonly feed: Feed
    /** Where all rows must lie. */
    readonly partition: Partition | undefined
    readonly formats: Formats
    readonly duckdb: Duckdb
    readonly dir: string
    readonly now: Date
    readonly progress?: (step: {
      readonly bytes: number
      readonly rows: number
      readonly rejected: number
    }) => void
    readonly signal?: AbortSignal
  },
): Promise<CheckedDelivery> {
  const { feed, now, ...rest } = tools
  const objects: FetchedObject[] = sources.map(({ key, path, bytes, digest }) => ({
    key,
    path,
    bytes,
    version: digest,
    variables: {},
  }))
  let columns: readonly DatasetColumn[] = []
  const csv_fields = new Set<string>()
  const checked = await checkRows({
    ...rest,
    formats: {
      ...rest.formats,
      gate: async (...gated) => {
        const result = await rest.formats.gate(...gated)
        if (result.refused === undefined && result.format === 'csv')
          for (const field of result.fields) csv_fields.add(field.name)
        return result
      },
    },
    partition: tools.partition ?? anyPartition(feed, now),
    feed: {
      ...feed,
      format: Format.parse({ ...feed.format, type: 'auto', compression: 'auto' }),
      contract: { ...feed.contract, key: [], quality: [] },
    },
    objects,
    known: [],
    ensureColumns: async (wanted) => {
      columns = numbered(wanted)
      return columns
    },
  })
  return { ...checked, columns, csv_fields }
}

/**
 * The span of every partition that a receiver would look at; it takes one that starts up to its own
 * length from now. Dates are compared by name, so they have no such span.
 */
function anyPartition(feed: Feed, now: Date): Partition | undefined {
  const { contract, layout } = feed
  const time = contract.columns.find((c) => c.name === contract.time_column)
  if (time?.type.kind !== 'timestamp') return undefined
  const current = partitionAt(now, layout.grain, layout.zone)
  const length = current.end.getTime() - current.start.getTime()
  const last = partitionAt(new Date(now.getTime() + length), layout.grain, layout.zone)
  return { name: '', grain: layout.grain, start: new Date('1000-01-02T00:00:00Z'), end: last.end }
}

/** Ids that only this run sees. */
function numbered(columns: readonly NewColumn[]): DatasetColumn[] {
  let next = 1
  return columns.map((column) => ({
    ...column,
    field_id: next++,
    nested_ids: Object.fromEntries(column.nested.map((path) => [path, next++])),
    added_at: new Date(0),
  }))
}
