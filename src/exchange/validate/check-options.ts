import type { Feed } from '../../core/feed.ts'
import type { Partition } from '../../core/partition.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Formats, StagedObject } from '../../format/format.ts'
import type { DatasetColumn, NewColumn } from '../../ledger/ledger.ts'

/** An object fetched to local disk, with the values its key gave to layout variables. */
export interface FetchedObject extends StagedObject {
  readonly variables: Readonly<Record<string, string | null>>
}

export interface CheckOptions {
  readonly feed: Feed
  readonly partition: Partition | undefined
  readonly objects: readonly FetchedObject[]
  readonly formats: Formats
  readonly duckdb: Duckdb
  /** The last load of these objects was cut off: each is first read in a process of its own. */
  readonly after_interruption?: boolean
  /** Folder for everything this check writes; made if absent. */
  readonly dir: string
  /** Rows of the partition that stay as they are, as a SELECT: the contract's rules look at the whole of it. */
  readonly kept?: string | undefined
  /** Columns of the dataset so far. */
  readonly known: readonly DatasetColumn[]
  /** Gives ids to columns that have none; returns all of the dataset's. */
  readonly ensureColumns: (columns: readonly NewColumn[]) => Promise<readonly DatasetColumn[]>
  /** A served file of the dataset, to hold new columns against; asked for only where there are some. */
  readonly servedFile?: () => Promise<string | undefined>
  readonly progress?: (step: {
    readonly bytes: number
    readonly rows: number
    readonly rejected: number
  }) => void
  readonly signal?: AbortSignal
}
