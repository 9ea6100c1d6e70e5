/**
 * An engine makes staged Parquet files servable and answers queries over them. DuckDB reads the
 * files where they lie; a distributed engine would ingest the same files.
 */
export interface EngineFeatures {
  /** Queries are given the ledger's files, so a reader sees one consistent set whatever is being published. */
  readonly reads_files: boolean
}

export interface StagedFile {
  /** Absolute path in staging. */
  readonly staged: string
  /** Path under the datasets folder that the ledger will name. */
  readonly path: string
}

export interface PublishPlan {
  readonly load_id: string
  readonly feed: string
  readonly files: readonly StagedFile[]
}

/** A dataset as the ledger says it is served: its name and the files that make it up. */
export interface DatasetSnapshot {
  readonly feed: string
  readonly files: readonly string[]
  /** Files that name rows of `files` which are not served, by `_object` and `_row`. */
  readonly beaten: readonly string[]
  /** Columns to show when no file has been published yet. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

export interface ResultTable {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

/** Closed when it is no longer asked: it may keep what it read. */
export interface Engine extends AsyncDisposable {
  readonly features: EngineFeatures
  /** Makes staged files durable under their final paths. The same plan twice is one publish. */
  publish(plan: PublishPlan): Promise<void>
  /** Whether every file of the plan is already in place; asked after a crash. */
  published(plan: PublishPlan): Promise<boolean>
  /** Removes files no generation needs any more; absent ones are no error. */
  retire(paths: readonly string[]): Promise<void>
  /** Runs one read-only statement in which each dataset is a table of its feed's name. */
  query(sql: string, snapshots: readonly DatasetSnapshot[]): Promise<ResultTable>
  /** As `query`, into a file. */
  export(
    sql: string,
    snapshots: readonly DatasetSnapshot[],
    target: { readonly path: string; readonly format: 'csv' | 'parquet' | 'json' },
  ): Promise<void>
}
