import type { Counts, LoadAttempt, Note, RefusedObjectRecord, RejectCount } from './app-port.ts'
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatPlural,
  formatSeconds,
} from './format-value.ts'
import { type Cell, renderTable } from './table.ts'
import type { Color, Terminal } from './terminal.ts'
import { visible } from './text-width.ts'

/** What loads and dry runs have in common for people. */
export interface AttemptReport extends Counts {
  readonly feed: string
  readonly partition: string
  readonly state: string
  readonly code?: string
  readonly message?: string
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

export const STATE_COLORS: Readonly<Record<string, Color>> = {
  published: 'green',
  passed: 'green',
  refused: 'red',
  failed: 'red',
  missing: 'red',
  late: 'yellow',
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

/** Attempts as a table, what was wrong with each, and the sum; '' without any. */
export function attemptsText(attempts: readonly AttemptReport[], terminal: Terminal): string {
  if (attempts.length === 0) return ''
  const { style, width } = terminal
  const table = renderTable(
    [
      { title: 'feed', flexible: true },
      { title: 'partition' },
      { title: 'state' },
      { title: 'rows read', align: 'right' },
      { title: 'published', align: 'right' },
      { title: 'duplicates', align: 'right' },
      { title: 'rejected', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'time', align: 'right' },
    ],
    attempts.map((each) => [
      each.feed,
      each.partition,
      stateCell(each.state),
      formatCount(each.rows_read),
      formatCount(each.rows_published),
      formatCount(each.duplicates),
      each.rejected > 0 ? { text: formatCount(each.rejected), color: 'yellow' } : '0',
      formatBytes(each.bytes),
      formatSeconds(each.seconds),
    ]),
    { width, style },
  )
  const details = attempts.flatMap((each) => detailLines(each, terminal))
  return [
    table,
    ...(details.length > 0 ? [`${details.join('\n')}\n`] : []),
    sumText(attempts),
  ].join('\n')
}

function detailLines(attempt: AttemptReport, { style }: Terminal): readonly string[] {
  const lines: string[] = []
  if (attempt.message !== undefined && attempt.state !== 'published') {
    lines.push(`  ${style('red', attempt.code ?? attempt.state)}  ${visible(attempt.message)}`)
  }
  for (const object of attempt.objects) {
    lines.push(
      `  ${style('red', object.code)}  ${visible(object.object)}: ${visible(object.message)}`,
    )
  }
  for (const reject of attempt.rejects) {
    const where = reject.column === undefined ? '' : ` in ${visible(reject.column)}`
    lines.push(
      `  ${style('yellow', reject.code)}${where}: ${formatPlural(reject.count, 'row')} (${formatPercent(reject.count, attempt.rows_read)})`,
    )
  }
  for (const note of attempt.notes) {
    const times = note.count > 1 ? ` (${formatCount(note.count)} times)` : ''
    lines.push(`  ${style('cyan', note.code)}  ${visible(note.message)}${times}`)
  }
  if (lines.length === 0) return []
  return [`${style('bold', attempt.feed)} ${attempt.partition}`, ...lines]
}

function sumText(attempts: readonly AttemptReport[]): string {
  const sum = (field: keyof Counts) => attempts.reduce((total, each) => total + each[field], 0)
  const read = sum('rows_read')
  return `${formatPlural(read, 'row')} read = ${formatCount(sum('rows_published'))} published + ${formatCount(sum('duplicates'))} duplicates + ${formatCount(sum('rejected'))} rejected, ${formatBytes(sum('bytes'))}\n`
}
