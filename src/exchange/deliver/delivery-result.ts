import type { Note, RejectSummary } from '../../ledger/ledger.ts'
import { type AbortedUploads, leftText, uploadsText } from '../unfinished-uploads.ts'
import type { CheckedRows } from '../validate/check-rows.ts'
import type { PartitionPlan } from './delivery-plan.ts'

/** What became, or would become, of one partition. */
export interface DeliveryRecord {
  readonly delivery_id: string
  readonly partition: string
  /** `unchanged`: this very delivery lay there already, whole. */
  readonly state: 'planned' | 'delivered' | 'unchanged'
  readonly action: PartitionPlan['action']
  readonly rows: number
  readonly bytes: number
  readonly files: readonly { readonly key: string; readonly bytes: number; readonly rows: number }[]
  /** Keys of stale parts that were, or will be, deleted. */
  readonly deleted: readonly string[]
  /** Keys of what says that the partition is complete. */
  readonly closed_by: readonly string[]
}

/** rows_read = rows_delivered + duplicates + rejected; of a refused delivery the rest was withheld. */
export interface DeliverResult {
  readonly delivery_id: string
  readonly state: 'planned' | 'delivered' | 'refused'
  /** Why it was refused. */
  readonly code?: string
  readonly message?: string
  readonly deliveries: readonly DeliveryRecord[]
  readonly rows_read: number
  readonly rows_delivered: number
  readonly duplicates: number
  readonly rejected: number
  readonly withheld: number
  /** Inputs that were refused as a whole. */
  readonly objects: readonly {
    readonly object: string
    readonly code: string
    readonly message: string
  }[]
  readonly reject_counts: readonly RejectSummary[]
  readonly notes: readonly Note[]
  /** Where refused rows were set aside. */
  readonly rejects_file?: string
  /** Parquet file of the refused rows in `dir`. */
  readonly rejects_staged?: string
}

/** What is told of uploads that an earlier run had left. */
export function uploadNotes(uploads: readonly AbortedUploads[]): Note[] {
  const count = uploads.reduce((sum, { aborted }) => sum + aborted, 0)
  const refused = uploads.find((each) => each.refused !== undefined)?.refused
  return [
    ...(count === 0
      ? []
      : [
          {
            code: 'uploads_aborted',
            message: `An earlier run had died: ${uploadsText(count)} of it ${count === 1 ? 'was' : 'were'} removed.`,
            count,
          },
        ]),
    ...(refused === undefined
      ? []
      : [{ code: 'uploads_left', message: leftText(refused), count: 1 }]),
  ]
}

export function recordOf(
  delivery_id: string,
  plan: PartitionPlan,
  dry_run: boolean,
): DeliveryRecord {
  return {
    delivery_id,
    partition: plan.partition,
    state: plan.action === 'none' ? 'unchanged' : dry_run ? 'planned' : 'delivered',
    action: plan.action,
    rows: plan.rows,
    bytes: plan.files.reduce((sum, f) => sum + f.bytes, 0),
    files: plan.files.map(({ key, bytes, rows }) => ({ key, bytes, rows })),
    deleted: plan.stale,
    closed_by: plan.closing.map((c) => c.key),
  }
}

/** What a result says whatever became of the delivery. */
export function summary(
  delivery_id: string,
  checked: CheckedRows,
  duplicates: number,
  notes: readonly Note[],
  rejects_file: string | undefined,
) {
  return {
    delivery_id,
    rows_read: checked.rows_read,
    duplicates,
    rejected: checked.rejected,
    objects: checked.objects.flatMap((o) =>
      o.state === 'refused'
        ? [{ object: o.key, code: o.code ?? '', message: o.message ?? '' }]
        : [],
    ),
    reject_counts: checked.rejects,
    notes: [...checked.notes, ...notes],
    ...(rejects_file === undefined ? {} : { rejects_file }),
    ...(checked.rejects_file === undefined ? {} : { rejects_staged: checked.rejects_file }),
  }
}
