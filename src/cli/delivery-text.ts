import type { DeliveryRecord, DeliveryReport } from './app-port.ts'
import {
  formatBytes,
  formatCount,
  formatPercent,
  formatPlural,
  formatSeconds,
} from './format-value.ts'
import { type Cell, renderTable } from './table.ts'
import type { Terminal } from './terminal.ts'
import { visible } from './text-width.ts'
import { hangingText } from './wrap-text.ts'

/** Deliveries as a table, what is worth knowing of them, and the sum; ends in a newline. */
export function deliveryText(report: DeliveryReport, terminal: Terminal): string {
  const { deliveries } = report
  const parts = [
    deliveries.length === 0 ? '' : tableText(deliveries, terminal),
    detailText(report, terminal),
    `${hangingText('', sumText(report), terminal.width)}\n`,
  ]
  return parts.filter((part) => part !== '').join('\n')
}

const COLORS = { delivered: 'green', planned: 'cyan', unchanged: 'dim' } as const

function tableText(deliveries: readonly DeliveryRecord[], { style, width }: Terminal): string {
  const deleted = deliveries.some((d) => d.deleted.length > 0)
  return renderTable(
    [
      { title: 'partition' },
      { title: 'state' },
      { title: 'action', drop: 4 },
      { title: 'files', align: 'right' },
      { title: 'rows', align: 'right' },
      { title: 'size', align: 'right', drop: 3 },
      ...(deleted ? [{ title: 'deleted', align: 'right' as const, drop: 2 }] : []),
      { title: 'first file', flexible: 1, least: 24, narrow: 'cut_start' as const, drop: 1 },
    ],
    deliveries.map((d): Cell[] => [
      d.partition,
      { text: d.state, color: COLORS[d.state] },
      d.action === 'none' ? '–' : d.action,
      formatCount(d.files.length),
      formatCount(d.rows),
      formatBytes(d.bytes),
      ...(deleted ? [formatCount(d.deleted.length)] : []),
      d.files[0]?.key ?? '',
    ]),
    { style, width },
  )
}

function detailText(report: DeliveryReport, { style, width }: Terminal): string {
  const lines: string[] = []
  const line = (lead: string, text: string) => lines.push(`${hangingText(lead, text, width)}\n`)
  if (report.message !== undefined)
    line(`${style('red', report.code ?? report.state)}  `, visible(report.message))
  for (const { code, object, message } of report.objects)
    line(`${style('red', code)}  `, `${visible(object)}: ${visible(message)}`)
  for (const { code, column, count } of report.reject_counts) {
    const place = column === undefined ? ': ' : ` in ${visible(column)}: `
    line(
      style('yellow', code),
      `${place}${formatPlural(count, 'row')} (${formatPercent(count, report.rows_read)})`,
    )
  }
  for (const { code, message } of report.notes) line(`${style('cyan', code)}  `, visible(message))
  if (report.rejects_file !== undefined)
    line('', `refused rows are in ${visible(report.rejects_file)}`)
  return lines.join('')
}

function sumText(report: DeliveryReport): string {
  const { state, deliveries, rows_read, rows_delivered, duplicates, rejected, withheld } = report
  const kept = withheld > 0 ? ` + ${formatCount(withheld)} withheld` : ''
  const verb = state === 'planned' ? 'to deliver' : 'delivered'
  const counts = `${formatPlural(rows_read, 'row')} read = ${formatCount(rows_delivered)} ${verb} + ${formatPlural(duplicates, 'duplicate')} + ${formatCount(rejected)} rejected${kept}`
  if (state === 'refused') return `${counts}; nothing was uploaded`
  if (deliveries.length === 0) return `${counts}; nothing to deliver`
  const bytes = deliveries.reduce((sum, d) => sum + d.bytes, 0)
  const files = deliveries.reduce((sum, d) => sum + d.files.length, 0)
  return `${counts}, ${formatPlural(files, 'file')}, ${formatBytes(bytes)}, in ${formatSeconds(report.seconds)}`
}
