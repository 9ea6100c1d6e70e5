import { join } from 'node:path'
import { type Duckdb, literal } from '../duckdb/duckdb.ts'
import type { DatasetFile, Ledger } from '../ledger/ledger.ts'

/** A refused row: where it was, what it said, which rule, why. */
export interface Reject {
  readonly feed: string
  readonly partition: string
  readonly object: string
  readonly version: string
  readonly row: number
  readonly column?: string
  readonly code: string
  readonly codes: readonly string[]
  readonly message: string
  readonly raw: string
}

export interface RejectQuery {
  readonly feed: string
  readonly partition?: string
  readonly code?: string
  /** Of every load, not only of served generations. */
  readonly all: boolean
}

export interface RejectList {
  readonly total: number
  readonly rejects: AsyncIterable<Reject>
}

/** Rows read at a time: bounds memory however many there are. */
const PAGE = 10_000

/** The refused rows of a feed, in partition, object and row order. */
export async function listRejects(
  query: RejectQuery,
  tools: {
    readonly ledger: Ledger
    readonly datasets_dir: string
    readonly openDuckdb: () => Promise<Duckdb>
  },
): Promise<RejectList> {
  const partitions = query.partition === undefined ? undefined : [query.partition]
  const files = query.all
    ? await tools.ledger.rejectFiles(query.feed, partitions)
    : await tools.ledger.servedFiles(query.feed, {
        kinds: ['rejects'],
        objects: false,
        ...(partitions === undefined ? {} : { partitions }),
      })
  const sources = files.map((file) => ({
    partition: file.partition,
    path: join(tools.datasets_dir, file.path),
    rows: file.rows,
  }))
  if (query.code === undefined) {
    const total = files.reduce((sum: number, f: DatasetFile) => sum + f.rows, 0)
    return { total, rejects: readRejects(query.feed, sources, tools.openDuckdb) }
  }
  await using duckdb = await tools.openDuckdb()
  let total = 0
  for (const source of sources) {
    const [row] = await duckdb.all<{ n: bigint }>(
      `SELECT count(*) AS n FROM read_parquet(${literal(source.path)}, hive_partitioning = false) WHERE code = ${literal(query.code)}`,
    )
    total += Number(row?.n ?? 0n)
  }
  return { total, rejects: readRejects(query.feed, sources, tools.openDuckdb, query.code) }
}

/** Reads the reject files of one partition after the other, in pages. */
export async function* readRejects(
  feed: string,
  files: readonly { readonly partition: string; readonly path: string }[],
  openDuckdb: () => Promise<Duckdb>,
  code?: string,
): AsyncGenerator<Reject> {
  if (files.length === 0) return
  await using duckdb = await openDuckdb()
  const only = code === undefined ? '' : ` WHERE code = ${literal(code)}`
  // A partition's objects may have their rejects in several files.
  for (const [partition, group] of Map.groupBy(files, (f) => f.partition)) {
    const paths = group.map(({ path }) => literal(path)).join(', ')
    for (let at = 0; ; at += PAGE) {
      const rows = await duckdb.all<{
        object: string
        version: string
        row: bigint
        column: string | null
        code: string
        codes: string[]
        message: string
        raw: string | null
      }>(
        `SELECT "object", version, "row", "column", code, codes, message, raw FROM read_parquet([${paths}], hive_partitioning = false)${only} ORDER BY "object", "row", version LIMIT ${PAGE} OFFSET ${at}`,
      )
      for (const { column, raw, row, ...rest } of rows)
        yield {
          feed,
          partition,
          ...rest,
          row: Number(row),
          ...(column === null ? {} : { column }),
          raw: raw ?? '',
        }
      if (rows.length < PAGE) break
    }
  }
}
