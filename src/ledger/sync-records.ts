/** What the ledger keeps of syncs. */

/** What a sync goes on from, for one scope: a stream, a file, or `global`, which speaks of everything. */
export interface SyncState {
  readonly scope: string
  /** JSON text, kept as it came. */
  readonly state: string
}

export interface BeginSync {
  readonly sync: string
  readonly attempt_id: string
  /** Name of the destination, for people. */
  readonly destination: string
  /** Names the process, for people: `host:pid`. */
  readonly holder: string
  readonly streams: number
  readonly now: Date
}

/** An attempt that failed before it could begin. */
export interface FailSync extends Omit<BeginSync, 'streams' | 'now'> {
  readonly code: string
  readonly message: string
  readonly started_at: Date
  readonly now: Date
}

export interface BegunSync {
  readonly states: readonly SyncState[]
  /** The attempt that began before this one. */
  readonly last?: SyncRecord
}

export interface CommitSync {
  readonly sync: string
  readonly attempt_id: string
  /** Greater than those of the attempt's commits before. */
  readonly n: number
  /** Of the attempt that are in the bucket now. */
  readonly records: number
  readonly states: readonly SyncState[]
  readonly now: Date
}

export interface SyncCounts {
  readonly records: number
  readonly objects: number
  readonly bytes: number
  readonly bad_values: number
}

export interface EndSync {
  readonly sync: string
  readonly attempt_id: string
  readonly state: 'succeeded' | 'failed'
  readonly code?: string
  readonly message?: string
  readonly counts: SyncCounts
  /** Streams that were sent whole; absent where nobody knows. */
  readonly streams_complete?: number
  /** Scopes whose states only served to go on with an attempt that was cut off. */
  readonly forget: readonly string[]
  readonly now: Date
}

/** One attempt of a sync. */
export interface SyncRecord extends SyncCounts {
  readonly sync: string
  readonly attempt_id: string
  readonly destination: string
  readonly state: 'running' | 'succeeded' | 'failed'
  readonly holder: string
  /** Absent where it failed before it began. */
  readonly streams?: number
  /** Those sent whole; absent where it was cut off. */
  readonly streams_complete?: number
  readonly started_at: Date
  readonly ended_at?: Date
  readonly code?: string
  readonly message?: string
}

/** States that a sync goes on from, of one kind of scope. */
export interface KeptStates {
  readonly sync: string
  readonly kind: 'stream' | 'file' | 'global'
  readonly count: number
  readonly committed_at: Date
}
