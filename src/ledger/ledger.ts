/**
 * The ledger is the permanent record of what was seen, loaded, refused and served. It never
 * forgets a key or a version. This file is the whole port; `postgres.ts` implements it over any
 * PostgreSQL connection, `pglite.ts` brings one up inside the data directory.
 * The same suite, `test/conformance/ledger.ts`, runs against both.
 *
 * Times come in from the caller (`now`): the ledger has no clock of its own, so that a test can
 * live through a week. Every method is one transaction.
 */

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
  readonly now: Date
}

export interface BegunSync {
  readonly states: readonly SyncState[]
  /** The attempt before this one. */
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
  readonly started_at: Date
  readonly ended_at?: Date
  readonly code?: string
  readonly message?: string
}

export interface LoadQuery {
  readonly feed?: string
  readonly partition?: string
  readonly load_ids?: readonly string[]
  /** The latest ones; all without it. */
  readonly limit?: number
}

export interface Ledger extends AsyncDisposable {
  /** For messages: where it is, without secrets. */
  readonly description: string

  /** Records listings of whole partitions, and strays. Counts partitions new to the ledger. */
  observe(
    feed: string,
    seen: readonly PartitionObservation[],
    strays: readonly Stray[],
    now: Date,
  ): Promise<{ readonly new_partitions: number; readonly new_objects: number }>
  /**
   * All of a feed's partitions, by name; cheap enough for 100,000. `from` and `to` are inclusive, and
   * a `to` that names a longer partition includes those in it (`2023-01-05` the hour `2023-01-05T09`).
   */
  partitions(
    feed: string,
    range?: { readonly from?: string; readonly to?: string },
  ): Promise<PartitionRecord[]>
  /** The objects present in the partitions' latest listings. */
  objects(
    feed: string,
    partitions: readonly string[],
  ): Promise<(ObjectSeen & { readonly partition: string })[]>
  /** Strays of the latest listings. A full listing replaces all of a feed's strays. */
  strays(feed?: string): Promise<Stray[]>
  /** Forgets nothing but strays that a full listing no longer shows. */
  clearStrays(feed: string): Promise<void>

  generations(feed: string, partition: string): Promise<GenerationRecord[]>
  /** For each partition that has one, its latest generation, and the served one with it. */
  latestGenerations(
    feed: string,
    partitions: readonly string[],
  ): Promise<Map<string, LatestGeneration>>

  /**
   * Claims the partition (or the feed) and makes the generation, or takes up an unpublished one of
   * the same objects and hashes. Undefined: somebody else has it, or the plan is out of date.
   */
  beginLoad(request: BeginLoad): Promise<BegunLoad | undefined>
  /** Keeps the claim alive; false when it was lost to another loader. */
  renewLease(load_id: string, lease_ms: number, now: Date): Promise<boolean>
  /**
   * The commit point of a load: its generation and all republished ones are served, or none. Throws
   * `lease_lost`. After an answer was lost it may be called again: a published load stays as it is.
   */
  publish(load_id: string, publication: Publication): Promise<void>
  /** Ends a load without publishing; the served generation stays. Throws `lease_lost`; may be called again. */
  endLoad(load_id: string, end: EndLoad): Promise<void>
  /** Marks running loads whose lease is over (or all, when this process alone holds the ledger) as failed: `interrupted`. */
  recover(now: Date, everything: boolean): Promise<readonly string[]>

  /** Attempts in the order they began. */
  loads(query: LoadQuery): Promise<LoadRecord[]>
  /** Files of the served generations, in partition order. `from` and `to` are inclusive, as in `partitions`. */
  servedFiles(
    feed: string,
    query?: {
      readonly partitions?: readonly string[]
      readonly from?: string
      readonly to?: string
      /** Only these kinds of files; all without it. */
      readonly kinds?: readonly FileKind[]
      /** False leaves `objects` empty: a query over many partitions needs no names of objects. */
      readonly objects?: boolean
    },
  ): Promise<DatasetFile[]>
  /** Files of any one generation that were not swept. */
  generationFiles(feed: string, partition: string, generation: number): Promise<DatasetFile[]>
  /** Reject files of every load of a feed that were not swept, newest load last. */
  rejectFiles(feed: string, partitions?: readonly string[]): Promise<DatasetFile[]>

  /**
   * Serves an older generation and pins the partition. With `data` it is a new generation of the older
   * one's objects. Throws `generation_unavailable` (never published, or swept) or `partition_loading`.
   */
  rollback(
    feed: string,
    partition: string,
    generation: number,
    change: {
      readonly republished: readonly Republication[]
      /** New files of the older generation where its winners differ from when it was served. */
      readonly data?: readonly NewFile[]
      readonly now: Date
    },
  ): Promise<void>

  /**
   * Assigns ids (from 1 in each feed, never used twice) to columns and to paths inside them that have none
   * yet, and returns all of the feed's columns by id. A known column keeps its ids and takes the type asked for.
   */
  ensureColumns(feed: string, columns: readonly NewColumn[], now: Date): Promise<DatasetColumn[]>
  columns(feed: string): Promise<DatasetColumn[]>

  /**
   * Every file a sweep must leave alone: of served generations, of the `retain` latest published ones of each
   * partition, and of as many latest ones of any outcome. Files of running loads have no rows yet: a sweep
   * also leaves alone what carries a name of `runningLoads`.
   */
  retainedFiles(
    feed: string,
    retain: number,
    partitions?: readonly string[],
  ): Promise<readonly string[]>
  /** Load ids that are running under a live lease: their staging must not be swept. */
  runningLoads(now: Date): Promise<readonly string[]>
  /** Records that files are gone; their rows stay. */
  markSwept(feed: string, paths: readonly string[], now: Date): Promise<void>

  /**
   * Begins an attempt of a sync, which from now on is the only one that may commit: one that still runs
   * learns so by `lease_lost`.
   */
  beginSync(request: BeginSync): Promise<BegunSync>
  syncStates(sync: string): Promise<SyncState[]>
  /**
   * The commit point of what a sync has sent: the states and the commit's number are kept, or neither. Throws
   * `lease_lost`. After an answer was lost it may be called again. A state of the scope `global` takes the
   * place of all others, and any other takes its place.
   */
  commitSync(commit: CommitSync): Promise<void>
  /** Number of an attempt's last commit, -1 for none; undefined for an attempt this ledger does not know. */
  lastSyncCommit(attempt_id: string): Promise<number | undefined>
  /** Throws `lease_lost` where another attempt has begun; may be called again. */
  endSync(end: EndSync): Promise<void>
  /** Forgets the states of a sync: it begins anew. How many there were. */
  resetSync(sync: string): Promise<number>
  /** The latest attempt of each sync, by name. */
  syncs(): Promise<SyncRecord[]>
}
