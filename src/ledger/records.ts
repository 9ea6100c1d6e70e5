/** What the ledger keeps of objects, partitions, generations, loads and the files of datasets. */

export type LoadState = 'running' | 'published' | 'refused' | 'failed'
export type PartitionState = 'waiting' | 'ready' | 'loading' | 'published' | 'refused' | 'failed'

/** Why a generation was made. */
export type GenerationReason =
  | 'first'
  | 'changed_object'
  | 'added_object'
  | 'removed_object'
  | 'contract_changed'
  | 'settings_changed'
  | 'forced'
  | 'replay'
  | 'winner_withdrawn'
  | 'winner_replaced'
  | 'rollback'

export interface ObjectSeen {
  readonly key: string
  readonly version: string
  readonly size: number
  readonly modified_at: Date
  /** Only `data` objects hold rows. */
  readonly role: 'data' | 'marker' | 'manifest'
}

/** What one complete listing of a partition showed; objects known before and not in it are gone. */
export interface PartitionObservation {
  readonly partition: string
  readonly objects: readonly ObjectSeen[]
  readonly complete: boolean
  /** Why it is not complete, such as `no_marker` or `stale_marker`. */
  readonly waiting_for?: string
  /** When the partner's delivery was complete: the newest of the objects that make it so. */
  readonly completed_at?: Date
}

export interface Stray {
  readonly feed: string
  readonly object: string
  /** `stray_object`, `unpadded`, `wrong_order`, `impossible_date`, `future`, `not_in_manifest` … */
  readonly code: string
  readonly reason: string
}

export interface PartitionRecord {
  readonly feed: string
  readonly partition: string
  readonly state: PartitionState
  readonly waiting_for?: string
  /** Greatest generation made; 0 before the first. */
  readonly generation: number
  readonly served_generation?: number
  /** Set by a rollback: the served generation stays until an object changes or a load is forced. */
  readonly pinned: boolean
  readonly objects: number
  readonly bytes: number
  /** Of the served generation. */
  readonly rows: number
  readonly first_seen_at: Date
  readonly checked_at: Date
  /** When the first complete delivery was complete; what punctuality is judged by. */
  readonly first_completed_at?: Date
  readonly completed_at?: Date
  readonly published_at?: Date
  readonly last_load?: LastLoad
}

/** The latest attempt on a partition. `load_id` also tells a plan whether it is still current. */
export interface LastLoad {
  readonly load_id: string
  readonly generation: number
  readonly state: LoadState
  readonly contract_hash: string
  readonly settings_hash: string
  readonly code?: string
  readonly message?: string
  readonly retryable: boolean
}

export interface ObjectVersion {
  readonly key: string
  readonly version: string
  readonly size: number
}

export interface GenerationRecord {
  readonly generation: number
  readonly reason: GenerationReason
  /** The generation whose objects these are: itself, or an earlier one where only winners changed. */
  readonly content_generation: number
  readonly created_at: Date
  readonly contract_hash: string
  readonly settings_hash: string
  readonly objects: readonly ObjectVersion[]
  readonly published: boolean
}

/** The generation attempted last, with the one that is served; they are equal after a clean load. */
export interface LatestGeneration extends GenerationRecord {
  /** Undefined before the first publication. */
  readonly served?: GenerationRecord
}

export interface BeginLoad {
  readonly feed: string
  readonly partition: string
  readonly reason: GenerationReason
  /**
   * The frozen set of the generation: all `data` objects of the observation it was planned from, whole
   * also where only some are read. Objects that no listing showed are a defect of the caller.
   */
  readonly objects: readonly ObjectVersion[]
  readonly contract_hash: string
  readonly settings_hash: string
  /** Names the process, for people: `host:pid`. */
  readonly holder: string
  readonly lease_ms: number
  /** `last_load.load_id` of the partition as the plan saw it; undefined if there was none. */
  readonly expected_last_load?: string
  /** One load at a time for the whole feed, where rows of other partitions are compared. */
  readonly exclusive_feed: boolean
  readonly now: Date
}

export interface BegunLoad {
  readonly load_id: string
  readonly generation: number
  readonly served_generation?: number
}

export interface LoadCounts {
  readonly rows_read: number
  readonly rows_published: number
  readonly duplicates: number
  readonly rejected: number
  readonly objects: number
  /** Delivered bytes read. */
  readonly bytes: number
}

export interface LoadObject {
  readonly key: string
  readonly version: string
  readonly bytes: number
  readonly state: 'loaded' | 'refused'
  readonly rows_read: number
  readonly rejected: number
  readonly code?: string
  readonly message?: string
}

export interface RejectSummary {
  readonly code: string
  readonly column?: string
  readonly count: number
}

export interface Note {
  readonly code: string
  readonly message: string
  readonly count: number
}

/** What a file of a generation holds. */
export type FileKind =
  /** Rows that are served, but for those that `beaten` names. */
  | 'data'
  /** Every valid row that won inside its partition, where some lost to other partitions; not served. */
  | 'candidates'
  /** `_object` and `_row` of rows in `data` that have lost to other partitions since it was written. */
  | 'beaten'
  /** Refused rows. */
  | 'rejects'

export interface NewFile {
  readonly kind: FileKind
  /** Relative to the datasets folder. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly min_time?: Date
  readonly max_time?: Date
  /** Data objects whose rows the file holds; lets a re-delivered object replace its own rows. */
  readonly objects: readonly { readonly key: string; readonly version: string }[]
}

export interface DatasetFile extends NewFile {
  readonly file_id: string
  readonly feed: string
  readonly partition: string
  readonly generation: number
  /** The load that wrote it. */
  readonly load_id: string
}

/** Another partition whose served rows change because this load's rows win or no longer win. */
export interface Republication {
  readonly partition: string
  readonly reason: 'winner_withdrawn' | 'winner_replaced'
  /** New files of the partition. Its `data` and `beaten` files go unless `carried`; the others stay. */
  readonly files: readonly NewFile[]
  /** Files to carry over, perhaps with a new kind, such as a `data` file that becomes `candidates`. */
  readonly carried: readonly { readonly file_id: string; readonly kind: FileKind }[]
}

export interface Publication {
  readonly counts: LoadCounts
  readonly files: readonly NewFile[]
  /** Files of the generation served so far that the new one keeps as they are (append). */
  readonly kept_files: readonly string[]
  readonly objects: readonly LoadObject[]
  readonly rejects: readonly RejectSummary[]
  readonly notes: readonly Note[]
  readonly republished: readonly Republication[]
  readonly now: Date
}

export interface EndLoad {
  readonly state: 'refused' | 'failed'
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly counts: LoadCounts
  /** Refused loads keep their rejects: `rejects --all` shows them. */
  readonly files: readonly NewFile[]
  readonly objects: readonly LoadObject[]
  readonly rejects: readonly RejectSummary[]
  readonly notes: readonly Note[]
  readonly now: Date
}

export interface LoadRecord extends LoadCounts {
  readonly load_id: string
  readonly feed: string
  readonly partition: string
  readonly generation: number
  readonly reason: GenerationReason
  readonly state: LoadState
  readonly started_at: Date
  readonly ended_at?: Date
  readonly seconds?: number
  readonly code?: string
  readonly message?: string
  readonly retryable: boolean
  readonly holder: string
  readonly object_outcomes: readonly LoadObject[]
  readonly reject_summary: readonly RejectSummary[]
  readonly notes: readonly Note[]
}

/** A column of a dataset with the ids it keeps for ever (Parquet field ids, Iceberg column ids). */
export interface DatasetColumn {
  readonly name: string
  /** DuckDB's name of the type. */
  readonly type: string
  readonly field_id: number
  /** Ids of key, value, element or struct fields inside it, by path (`key`, `value`, `element.x`). */
  readonly nested_ids: Readonly<Record<string, number>>
  readonly semantic: 'column' | 'dimension' | 'measure'
  readonly added_at: Date
}

export interface NewColumn {
  readonly name: string
  readonly type: string
  /** Paths inside it that need an id. */
  readonly nested: readonly string[]
  readonly semantic: 'column' | 'dimension' | 'measure'
}

export interface LoadQuery {
  readonly feed?: string
  readonly partition?: string
  readonly load_ids?: readonly string[]
  /** The latest ones; all without it. */
  readonly limit?: number
}
