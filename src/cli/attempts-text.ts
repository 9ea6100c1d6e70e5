import type { Counts, Note, RejectCount } from './app-port.ts'
import { type Entry, type Fold, foldAttempts } from './fold-attempts.ts'
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatPlural,
  formatSeconds,
} from './format-value.ts'
import { type AttemptReport, stateCell } from './load-report.ts'
import { type Cell, renderTable, type TableColumn } from './table.ts'
import type { Style, Terminal } from './terminal.ts'
import { visible } from './text-width.ts'
import { hangingText } from './wrap-text.ts'

/** Different notes of folded loads that are shown; more are counted. */
const NOTES = 5

type Count = Exclude<keyof Counts, 'seconds'> | 'withheld'

const sumOf = (attempts: readonly AttemptReport[], count: Count | 'seconds'): number =>
  attempts.reduce((total, each) => total + each[count], 0)

/** Attempts as a table, what was wrong with each, and the sum; '' without any. */
export function attemptsText(attempts: readonly AttemptReport[], terminal: Terminal): string {
  if (attempts.length === 0) return ''
  const entries = foldAttempts(attempts)
  const details = entries.flatMap((entry) => detailLines(entry, terminal))
  return [
    tableText(entries, terminal),
    ...(details.length > 0 ? [`${details.join('\n')}\n`] : []),
    `${hangingText('', sumText(attempts), terminal.width)}\n`,
  ].join('\n')
}

const attemptsOf = (entry: Entry): readonly AttemptReport[] =>
  entry.type === 'one' ? [entry.attempt] : entry.fold.attempts

function tableText(entries: readonly Entry[], { style, width }: Terminal): string {
  const withheld = sumOf(entries.flatMap(attemptsOf), 'withheld') > 0
  const again = entries.flatMap(attemptsOf).some((each) => reasonOf(each) !== 'first')
  const columns: TableColumn[] = [
    { title: 'feed' },
    { title: 'partition' },
    { title: 'state' },
    // A first delivery needs no reason.
    ...(again ? [{ title: 'reason', drop: 5 }] : []),
    { title: 'rows read', align: 'right', drop: 4 },
    { title: 'published', align: 'right' },
    { title: 'duplicates', align: 'right', drop: 3 },
    { title: 'rejected', align: 'right' },
    ...(withheld ? [{ title: 'withheld', align: 'right' as const }] : []),
    { title: 'size', align: 'right', drop: 1 },
    { title: 'time', align: 'right', drop: 2 },
  ]
  const rows = entries.map((entry) => {
    const attempts = attemptsOf(entry)
    const count = (name: Count) => formatCount(sumOf(attempts, name))
    const marked = (name: Count): Cell =>
      sumOf(attempts, name) > 0 ? { text: count(name), color: 'yellow' } : '0'
    return [
      attempts[0]?.feed ?? '',
      ...(entry.type === 'one'
        ? [entry.attempt.partition, stateCell(entry.attempt.state)]
        : [`${entry.fold.first} … ${entry.fold.last}`, foldedState(entry.fold)]),
      ...(again ? [reasonsOf(attempts)] : []),
      count('rows_read'),
      count('rows_published'),
      count('duplicates'),
      marked('rejected'),
      ...(withheld ? [marked('withheld')] : []),
      formatBytes(sumOf(attempts, 'bytes')),
      formatSeconds(sumOf(attempts, 'seconds')),
    ]
  })
  return renderTable(columns, rows, { width, style })
}

/** Validations have none: they make no generation. */
const reasonOf = (each: AttemptReport): string =>
  'reason' in each && typeof each.reason === 'string' ? each.reason : 'first'

/** `added object`; several of a fold as one. */
const reasonsOf = (attempts: readonly AttemptReport[]): string => {
  const reasons = new Set(attempts.map(reasonOf))
  return reasons.size === 1 ? [...reasons].join('').replaceAll('_', ' ') : 'several'
}

const foldedState = (fold: Fold): Cell => ({
  text: `${formatCount(fold.attempts.length)} ${fold.attempts[0]?.state ?? ''}`,
  color: 'green',
})

function detailLines(entry: Entry, terminal: Terminal): readonly string[] {
  const { style } = terminal
  if (entry.type === 'fold') {
    const lines = foldLines(entry.fold, terminal)
    const { feed, first, last } = entry.fold
    return lines.length === 0 ? [] : [`${style('bold', feed)} ${first} … ${last}`, ...lines]
  }
  const { attempt } = entry
  const lines: string[] = []
  const line = (lead: string, text: string) => {
    lines.push(hangingText(`  ${lead}`, text, terminal.width))
  }
  if (attempt.message !== undefined && attempt.state !== 'published') {
    line(`${style('red', attempt.code ?? attempt.state)}  `, visible(attempt.message))
  }
  for (const { code, object, message } of attempt.objects) {
    line(`${style('red', code)}  `, `${visible(object)}: ${visible(message)}`)
  }
  for (const reject of attempt.rejects) {
    const share = formatPercent(reject.count, attempt.rows_read)
    line(...rejectLine(reject, share, style))
  }
  for (const note of attempt.notes) {
    const times = note.count > 1 ? ` (${formatCount(note.count)} times)` : ''
    line(...noteLine(note, times, style))
  }
  if (lines.length === 0) return []
  return [`${style('bold', attempt.feed)} ${attempt.partition}`, ...lines]
}

/** What folded loads have in common, and where the rest can be seen. */
function foldLines(fold: Fold, { style, width }: Terminal): readonly string[] {
  const lines = fold.rejects.map((reject) =>
    rejectLine(reject, `in ${formatPlural(reject.partitions, 'partition')}`, style),
  )
  for (const note of fold.notes.slice(0, NOTES)) {
    lines.push(noteLine(note, ` (in ${formatPlural(note.partitions, 'partition')})`, style))
  }
  if (fold.notes.length > NOTES) {
    lines.push(['', `and ${formatCount(fold.notes.length - NOTES)} more notes: --json lists all`])
  }
  if (fold.with_rejects > 0) {
    const more = `and ${formatCount(fold.with_rejects)} more with rejects: `
    lines.push([more, `bucketline rejects ${fold.feed}`])
  }
  return lines.map(([lead, text]) => hangingText(`  ${lead}`, text, width))
}

type Line = readonly [lead: string, text: string]

function rejectLine({ code, column, count }: RejectCount, share: string, style: Style): Line {
  const rows = `${formatPlural(count, 'row')} (${share})`
  return column === undefined
    ? [`${style('yellow', code)}: `, rows]
    : [`${style('yellow', code)} `, `in ${visible(column)}: ${rows}`]
}

const noteLine = ({ code, message }: Note, times: string, style: Style): Line => [
  `${style('cyan', code)}  `,
  `${visible(message)}${times}`,
]

function sumText(attempts: readonly AttemptReport[]): string {
  const count = (name: Count) => formatCount(sumOf(attempts, name))
  const read = formatPlural(sumOf(attempts, 'rows_read'), 'row')
  const withheld = sumOf(attempts, 'withheld') > 0 ? ` + ${count('withheld')} withheld` : ''
  return `${read} read = ${count('rows_published')} published + ${formatPlural(sumOf(attempts, 'duplicates'), 'duplicate')} + ${count('rejected')} rejected${withheld}, ${formatBytes(sumOf(attempts, 'bytes'))}`
}
