import type { SyncReport, SyncStreamReport } from './app-port.ts'
import { formatBytes, formatCount, formatPlural, formatSeconds } from './format-value.ts'
import { type Cell, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import { visible } from './text-width.ts'
import { hangingText } from './wrap-text.ts'

/** Syncs as a table of their streams, what is worth knowing of them, and the sum; ends in a newline. */
export function syncsText(reports: readonly SyncReport[], terminal: Terminal): string {
  const parts = [
    tableText(reports, terminal),
    reports.map((report) => detailText(report, terminal)).join(''),
    sumText(reports),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function tableText(reports: readonly SyncReport[], { style, width }: Terminal): string {
  const rows = reports.flatMap((report) =>
    report.streams.map((stream) => ({ sync: report.sync, stream })),
  )
  if (rows.length === 0) return ''
  const any = (of: (stream: SyncStreamReport) => number) =>
    rows.some(({ stream }) => of(stream) > 0)
  const several = reports.length > 1
  const bad = any(({ bad_values }) => bad_values)
  const gone = any(({ superseded }) => superseded)
  return renderTable(
    [
      ...(several ? [{ title: 'sync', flexible: 2 }] : []),
      { title: 'stream', flexible: 1, least: 16, narrow: 'cut' as const },
      { title: 'state' },
      { title: 'mode', drop: 1 },
      { title: 'records', align: 'right' },
      { title: 'objects', align: 'right', drop: 3 },
      { title: 'size', align: 'right', drop: 2 },
      ...(bad ? [{ title: 'bad values', align: 'right' as const }] : []),
      ...(gone ? [{ title: 'superseded', align: 'right' as const, drop: 4 }] : []),
    ],
    rows.map(({ sync, stream }): Cell[] => [
      ...(several ? [sync] : []),
      streamName(stream),
      stream.complete ? { text: 'sent', color: 'green' } : { text: 'incomplete', color: 'red' },
      stream.mode,
      formatCount(stream.records_sent),
      formatCount(stream.objects.length),
      formatBytes(stream.bytes),
      ...(bad ? [formatCount(stream.bad_values)] : []),
      ...(gone ? [formatCount(stream.superseded)] : []),
    ]),
    { style, width },
  )
}

const streamName = ({ stream, namespace }: SyncStreamReport): string =>
  namespace === undefined ? stream : `${namespace}.${stream}`

/** Values shown of each stream that were bad. */
const EXAMPLES = 5

function detailText(report: SyncReport, { style, width }: Terminal): string {
  const lines: string[] = []
  const line = (lead: string, text: string) =>
    lines.push(`${hangingText(lead, visible(text), width)}\n`)
  if (report.state === 'failed') {
    const hint = report.hint === undefined ? '' : ` ${report.hint}`
    line(
      `${style('red', report.code ?? 'failed')}  `,
      `${report.sync}: ${report.message ?? ''}${hint}`,
    )
  }
  for (const { code, message } of report.notes)
    line(`${style('cyan', code)}  `, `${report.sync}: ${message}`)
  for (const stream of report.streams) {
    if (stream.bad_values === 0) continue
    const count = formatPlural(stream.bad_values, 'value')
    line(style('yellow', 'bad_value'), `  ${streamName(stream)}: ${count} fitted no type`)
    for (const { field, message, raw } of stream.examples.slice(0, EXAMPLES))
      line('', `  ${field}: ${message} It said ${raw}`)
  }
  return lines.join('')
}

function sumText(reports: readonly SyncReport[]): string {
  const streams = reports.flatMap((report) => report.streams)
  const sum = (of: (stream: SyncStreamReport) => number) =>
    streams.reduce((all, stream) => all + of(stream), 0)
  const seconds = reports.reduce((all, report) => all + report.seconds, 0)
  const failed = reports.filter((report) => report.state === 'failed').length
  const facts = [
    `${formatPlural(
      sum(({ records_sent }) => records_sent),
      'record',
    )} sent`,
    formatPlural(
      sum(({ objects }) => objects.length),
      'object',
    ),
    formatBytes(sum(({ bytes }) => bytes)),
    ...(failed === 0 ? [] : [`${formatPlural(failed, 'sync')} failed`]),
  ]
  return `${facts.join(', ')}, in ${formatSeconds(seconds)}\n`
}
