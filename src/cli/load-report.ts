import type { Counts, LoadAttempt, Note, RefusedObjectRecord, RejectCount } from './app-port.ts'
import type { Cell } from './table.ts'
import type { Color } from './terminal.ts'

/** What loads and dry runs have in common for people. */
export interface AttemptReport extends Counts {
  readonly feed: string
  readonly partition: string
  readonly state: string
  readonly code?: string
  readonly message?: string
  /** Valid rows that a refusal kept from being published; 0 of what was published or failed. */
  readonly withheld: number
  readonly objects: readonly RefusedObjectRecord[]
  readonly rejects: readonly RejectCount[]
  readonly notes: readonly Note[]
}

/** A load as its JSON document says it: `objects` are those refused as a whole. */
export interface LoadReport extends AttemptReport {
  readonly load_id: string
  readonly generation: number
  readonly reason: string
  readonly started_at: Date
  readonly ended_at: Date | undefined
}

export function loadReport(attempt: LoadAttempt): LoadReport {
  return {
    load_id: attempt.load_id,
    feed: attempt.feed,
    partition: attempt.partition,
    generation: attempt.generation,
    reason: attempt.reason,
    state: attempt.state,
    ...(attempt.code === undefined ? {} : { code: attempt.code }),
    ...(attempt.message === undefined ? {} : { message: attempt.message }),
    rows_read: attempt.rows_read,
    rows_published: attempt.rows_published,
    duplicates: attempt.duplicates,
    rejected: attempt.rejected,
    withheld: withheldOf(attempt),
    bytes: attempt.bytes,
    seconds: attempt.seconds ?? 0,
    started_at: attempt.started_at,
    ended_at: attempt.ended_at,
    objects: attempt.object_outcomes.flatMap((each) =>
      each.state === 'refused'
        ? [
            {
              object: each.key,
              version: each.version,
              bytes: each.bytes,
              code: each.code ?? '',
              message: each.message ?? '',
            },
          ]
        : [],
    ),
    rejects: attempt.reject_summary,
    notes: attempt.notes,
  }
}

/** Valid rows that were not published because the whole was refused. */
export function withheldOf(attempt: Omit<Counts, 'seconds'> & { readonly state: string }): number {
  if (attempt.state !== 'refused') return 0
  return attempt.rows_read - attempt.rows_published - attempt.duplicates - attempt.rejected
}

const STATE_COLORS: Readonly<Record<string, Color>> = {
  published: 'green',
  passed: 'green',
  succeeded: 'green',
  refused: 'red',
  failed: 'red',
  missing: 'red',
  late: 'yellow',
  incomplete: 'yellow',
  waiting: 'yellow',
  loading: 'cyan',
  running: 'cyan',
  ready: 'cyan',
  on_time: 'green',
}

/** A state in its colour. */
export function stateCell(state: string): Cell {
  const color = STATE_COLORS[state]
  const text = state.replaceAll('_', ' ')
  return color === undefined ? text : { text, color }
}
