import type { CheckOptions, CheckReport } from '../check-access.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { PolicyRequest, PolicySubject } from '../core/policy/generate.ts'
import type { SyncStatus } from '../core/sync-status.ts'
import type { DeliveryRequest } from '../deliver.ts'
import type { DeliverResult } from '../exchange/deliver/delivery-result.ts'
import type { LoadEvent } from '../exchange/progress.ts'
import type { Reject, RejectQuery } from '../exchange/rejects.ts'
import type { RollbackReport } from '../exchange/rollback.ts'
import type { SweepReport } from '../exchange/sweep.ts'
import type { SyncEvent, SyncReport } from '../exchange/sync/run-sync.ts'
import type { LoadSelection, Selection } from '../plan.ts'
import type { SyncRequest } from '../sync.ts'
import type { ValidateRequest } from '../validate.ts'

/**
 * What the commands ask of the app: the subset they use, as plain data. Field names are those of the
 * JSON documents, so a command hands a record on as it came.
 */

export type { LoadSelection, Selection } from '../plan.ts'

/** A reason with how often it held. */
export interface Note {
  readonly code: string
  readonly message: string
  readonly count: number
}

export interface RejectCount {
  readonly code: string
  readonly column?: string
  readonly count: number
}

export interface RefusedObjectRecord {
  readonly object: string
  readonly version: string
  readonly bytes: number
  readonly code: string
  readonly message: string
}

export type LoadState = 'running' | 'published' | 'refused' | 'failed'

/**
 * The counts that every attempt reports: rows_read = rows_published + duplicates + rejected, and what
 * is left of a refused one are valid rows that were withheld.
 */
export interface Counts {
  readonly rows_read: number
  readonly rows_published: number
  readonly duplicates: number
  readonly rejected: number
  /** Delivered bytes read. */
  readonly bytes: number
  readonly seconds: number
}

/** One attempt as the ledger records it. */
export interface LoadAttempt extends Omit<Counts, 'seconds'> {
  readonly load_id: string
  readonly feed: string
  readonly partition: string
  readonly generation: number
  readonly reason: string
  readonly state: LoadState
  readonly started_at: Date
  readonly ended_at?: Date
  readonly seconds?: number
  /** Why it was refused or failed. */
  readonly code?: string
  readonly message?: string
  readonly object_outcomes: readonly {
    readonly key: string
    readonly version: string
    readonly bytes: number
    readonly state: 'loaded' | 'refused'
    readonly code?: string
    readonly message?: string
  }[]
  readonly reject_summary: readonly RejectCount[]
  readonly notes: readonly Note[]
}

export interface StrayReport {
  readonly feed: string
  readonly object: string
  readonly reason: string
}

export interface PlannedPartition {
  readonly feed: string
  readonly partition: string
  /** `wait`: not complete; `none`: nothing to do, or nothing that a load would do without being forced. */
  readonly action: 'load' | 'wait' | 'none'
  /** Why, as a code: the generation's reason, what is waited for, or `up_to_date`, `pinned` … */
  readonly reason: string
  /** The reason for people. */
  readonly message?: string
  /** Of what is loaded: how, and the generation it makes. */
  readonly publish?: 'replace' | 'append' | 'upsert'
  readonly generation?: number
  readonly objects: number
  /** Bytes a load will read. */
  readonly bytes: number
  readonly notes: readonly Note[]
}

export interface PlanReport {
  readonly partitions: readonly PlannedPartition[]
  readonly strays: readonly StrayReport[]
  /** Feeds that could not be looked at. */
  readonly errors: readonly {
    readonly feed: string
    readonly code: string
    readonly message: string
    readonly hint: string
  }[]
}

export interface PartitionReport {
  readonly feed: string
  readonly partition: string
  readonly state: 'waiting' | 'ready' | 'loading' | 'published' | 'refused' | 'failed'
  readonly timeliness?: 'due' | 'on_time' | 'late' | 'missing'
  /** When it has to be complete. */
  readonly due_at?: Date
  readonly waiting_for?: string
  readonly generation: number
  readonly served_generation?: number
  readonly pinned: boolean
  readonly objects: number
  readonly bytes: number
  readonly rows: number
  readonly completed_at?: Date
  readonly published_at?: Date
  readonly code?: string
  readonly message?: string
}

export interface StatusReport {
  readonly partitions: readonly PartitionReport[]
  readonly strays: readonly StrayReport[]
  readonly syncs: readonly SyncStatus[]
}

export type { SyncStatus } from '../core/sync-status.ts'

export type { ValidateRequest } from '../validate.ts'

/** As a load, had it been one: `rows_published` is what would be published. */
export interface ValidationReport extends Counts {
  readonly feed: string
  readonly partition: string
  readonly state: 'passed' | 'refused'
  readonly code?: string
  readonly message?: string
  readonly objects: readonly RefusedObjectRecord[]
  readonly rejects: readonly RejectCount[]
  readonly notes: readonly Note[]
}

export interface Validation {
  readonly validations: readonly ValidationReport[]
  /** Refused rows, in order. */
  readonly rejects: AsyncIterable<Reject>
}

export type { DeliveryRequest } from '../deliver.ts'
export type { DeliveryRecord } from '../exchange/deliver/delivery-result.ts'

/** What was delivered, or would be. */
export interface DeliveryReport extends Omit<DeliverResult, 'rejects_staged'> {
  /** The store, as a person would name it. */
  readonly store: string
  readonly seconds: number
}

export interface Delivery extends DeliveryReport {
  /** Refused rows, in order. */
  readonly rejects: AsyncIterable<Reject>
}

export type { SyncEvent, SyncReport, SyncStreamReport } from '../exchange/sync/run-sync.ts'
export type { SyncRequest } from '../sync.ts'

export interface QueryResult {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly rows: readonly (readonly unknown[])[]
}

export interface LoadOptions {
  readonly watch: boolean
  /** Pause between two looks of `watch`, in milliseconds. */
  readonly every_ms: number
  readonly signal: AbortSignal
  /** Called as work goes on; must be cheap. */
  readonly observe: (event: LoadEvent) => void
}

export interface App extends AsyncDisposable {
  /** Probes the access to a store or a feed; opens no ledger. */
  check(name: string, options: CheckOptions): Promise<CheckReport>
  /** What an access policy for a feed has to know; opens no ledger and no store. */
  policySubject(feed: string): Promise<PolicySubject>
  plan(selection: LoadSelection, io: { readonly signal: AbortSignal }): Promise<PlanReport>
  /** Each attempt as it ends; with `watch` until the signal is aborted. */
  load(selection: LoadSelection, options: LoadOptions): AsyncIterable<LoadAttempt>
  validate(
    request: ValidateRequest,
    options: { readonly signal: AbortSignal; readonly observe: (event: LoadEvent) => void },
  ): Promise<Validation>
  /** Turns records into a delivery that fits a contract; opens a ledger only for a dataset. */
  deliver(
    request: DeliveryRequest,
    options: {
      readonly signal: AbortSignal
      readonly observe: (event: LoadEvent) => void
      /** Called with what an Airbyte source says, and how much has come of it. */
      readonly observeSource?: (event: SyncEvent) => void
    },
  ): Promise<Delivery>
  /** Sends what is new; each sync's report as it ends. */
  sync(
    request: SyncRequest,
    options: { readonly signal: AbortSignal; readonly observe: (event: SyncEvent) => void },
  ): AsyncIterable<SyncReport>
  status(selection: Selection): Promise<StatusReport>
  rejects(selection: RejectQuery): Promise<{
    readonly total: number
    readonly rejects: AsyncIterable<Reject>
  }>
  query(sql: string): Promise<QueryResult>
  export(
    sql: string,
    target: { readonly path: string; readonly format: 'csv' | 'parquet' | 'json' },
  ): Promise<void>
  /** Without a generation: the one served before. */
  rollback(target: {
    readonly feed: string
    readonly partition: string
    readonly generation?: number
  }): Promise<RollbackReport>
  sweep(feeds: readonly string[]): Promise<readonly SweepReport[]>
}

/** A defect or remark in a contract document. */
export interface ContractProblem {
  readonly severity: 'error' | 'warning' | 'note'
  readonly message: string
  /** From 1; undefined where the remark is on the whole document. */
  readonly line?: number
  readonly column?: number
  /** Place in the document, such as `schema[0].properties[2]`. */
  readonly path?: string
}

export interface ContractLint {
  /** File, preset or feed. */
  readonly source: string
  readonly valid: boolean
  readonly problems: readonly ContractProblem[]
}

export interface ContractChange {
  readonly path: string
  readonly breaking: boolean
  readonly message: string
}

export interface SampleFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
}

/** A contract is named by a preset, a file or a feed of the configuration, tried in this order. */
export interface ContractTools {
  /** The document (`yaml`), the page a partner can follow (`markdown`), or the compiled form (`json`). */
  show(name: string): Promise<{
    readonly source: string
    readonly yaml: string
    readonly markdown: string
    readonly json: unknown
  }>
  /** The page a partner follows: one HTML document. */
  guide(
    name: string,
    access: Omit<PolicyRequest, 'job'>,
  ): Promise<{
    readonly source: string
    readonly html: string
    /** What the page leaves open, and how to fill it in. */
    readonly notes: readonly string[]
  }>
  lint(name: string): Promise<ContractLint>
  /** Writes a valid delivery of one partition under `folder`; existing files are an error. */
  sample(
    name: string,
    options: {
      readonly folder: string
      readonly rows: number
      readonly format?: 'parquet' | 'jsonl' | 'csv'
      readonly partition?: string
    },
  ): Promise<readonly SampleFile[]>
  /** Drafts a contract from sample files. */
  import(
    files: readonly string[],
    options: { readonly id?: string },
  ): Promise<{ readonly yaml: string; readonly notes: readonly string[] }>
  diff(from: string, to: string): Promise<readonly ContractChange[]>
}

/** How an error looks in a JSON document. */
export interface ErrorReport {
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly retryable: boolean
  readonly details: Readonly<Record<string, unknown>>
}
