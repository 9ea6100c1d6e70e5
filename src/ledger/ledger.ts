import type {
  BeginLoad,
  BegunLoad,
  DatasetColumn,
  DatasetFile,
  EndLoad,
  FileKind,
  GenerationRecord,
  LatestGeneration,
  LoadQuery,
  LoadRecord,
  NewColumn,
  NewFile,
  ObjectSeen,
  PartitionObservation,
  PartitionRecord,
  Publication,
  Republication,
  Stray,
} from './records.ts'
import type {
  BeginSync,
  BegunSync,
  CommitSync,
  EndSync,
  FailSync,
  KeptStates,
  SyncRecord,
  SyncState,
} from './sync-records.ts'

export type * from './records.ts'
export type * from './sync-records.ts'

/**
 * The ledger is the permanent record of what was seen, loaded, refused and served. It never
 * forgets a key or a version. This file is the port, what it takes and gives stands in `records.ts`
 * and `sync-records.ts`; `postgres.ts` implements it over any PostgreSQL connection, `pglite.ts`
 * brings one up inside the data directory. The same suite, `test/conformance/ledger.ts`, runs
 * against both.
 *
 * Times come in from the caller (`now`): the ledger has no clock of its own, so that a test can
 * live through a week. Every method is one transaction.
 */
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
  /**
   * Number of an attempt's last commit, -1 for none; undefined for an attempt this ledger does not know. One that is
   * on its way is waited for.
   */
  lastSyncCommit(attempt_id: string): Promise<number | undefined>
  /** As `lastSyncCommit`, and from then on `commitSync` throws `lease_lost` for the attempt, should it live after all. */
  cutOffSync(attempt_id: string, now: Date): Promise<number | undefined>
  /** Throws `lease_lost` where another attempt has begun; may be called again. */
  endSync(end: EndSync): Promise<void>
  /** Keeps an attempt that failed before it began. One that runs meanwhile is left alone. */
  failSync(failed: FailSync): Promise<void>
  /** Forgets the states of a sync: it begins anew. How many there were. */
  resetSync(sync: string): Promise<number>
  /** The latest attempt of each sync, by name. */
  syncs(): Promise<SyncRecord[]>
  /** What syncs go on from, by name and kind. */
  keptStates(): Promise<KeptStates[]>
}
