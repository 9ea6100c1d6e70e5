import { z } from 'zod'
import { SyncStatus } from '../../core/sync-status.ts'
import type { PartitionReport, StatusReport } from '../app-port.ts'
import { defineCommand } from '../command.ts'
import { formatBytes, formatCount, formatMinute, formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { stateCell } from '../load-report.ts'
import { from, partition, selectionOf, to } from '../selection-flags.ts'
import { straysText } from '../strays.ts'
import { syncStatusText } from '../sync-status-text.ts'
import { renderTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { visible } from '../text-width.ts'

/** `status`: each partition and each sync as the ledger knows it. */
export const status = defineCommand({
  name: 'status',
  summary: 'Show each partition (waiting, late, published …), and how each sync stands.',
  description:
    'Reads the ledger only; no bucket is listed. A partition is judged against the deadline in its contract. A sync is shown with its last attempt and what the next one goes on from: those of the configuration, then others that the ledger knows, such as files sent with `sync --to`. Exit code 0 whatever it shows.',
  arguments: z.object({
    names: z
      .array(z.string())
      .default([])
      .describe('Names of feeds and syncs; all without any.')
      .meta({ placeholder: 'NAME' }),
  }),
  flags: z.object({ partition, from, to }),
  output: { syncs: SyncStatus },
  examples: [
    { command: 'bucketline status events --from 2023-01-01', what: 'one feed since a day' },
    { command: 'bucketline status crm', what: 'one sync' },
  ],
  async run(context, { names, ...range }) {
    await using app = await context.openApp()
    const report = await app.status(selectionOf({ ...range, feeds: names }))
    if (context.json) await writeJson(context.terminal, { ...report })
    else await context.terminal.out(reportText(report, context.terminal))
    return 0
  },
})

/** Feeds first; where syncs are all there is, no feed is missed. */
function reportText({ partitions, strays, syncs }: StatusReport, terminal: Terminal): string {
  const feeds =
    partitions.length === 0 && strays.length === 0 && syncs.length > 0
      ? ''
      : statusText(partitions, terminal) + straysText(strays, terminal)
  return [feeds, syncStatusText(syncs, terminal)].filter((part) => part !== '').join('\n')
}

/** A row of the table: one partition, or a run of neighbours that never came. */
interface Row {
  readonly first: PartitionReport
  readonly last: PartitionReport
  readonly count: number
}

const neverCame = (each: PartitionReport): boolean =>
  each.timeliness === 'missing' && each.objects === 0 && each.generation === 0

/** A partner that stopped delivering would fill the screen with the same line. */
function rowsOf(partitions: readonly PartitionReport[]): readonly Row[] {
  const rows: Row[] = []
  for (const each of partitions) {
    const row = rows.at(-1)
    if (row && row.first.feed === each.feed && neverCame(row.first) && neverCame(each)) {
      rows[rows.length - 1] = { first: row.first, last: each, count: row.count + 1 }
    } else rows.push({ first: each, last: each, count: 1 })
  }
  return rows
}

/** What `status` shows people. */
export function statusText(partitions: readonly PartitionReport[], terminal: Terminal): string {
  if (partitions.length === 0) return 'no partition has been seen yet\n'
  const { style, width } = terminal
  const table = renderTable(
    [
      { title: 'feed' },
      { title: 'partition' },
      { title: 'state' },
      { title: 'timeliness', drop: 5 },
      { title: 'due', drop: 4 },
      { title: 'generation', align: 'right', drop: 2 },
      { title: 'objects', align: 'right', drop: 3 },
      { title: 'size', align: 'right', drop: 1 },
      { title: 'rows', align: 'right' },
      { title: 'remark', flexible: 1, least: 20, narrow: 'wrap' },
    ],
    rowsOf(partitions).map(({ first: each, last, count }) => [
      each.feed,
      count === 1 ? each.partition : `${each.partition} … ${last.partition}`,
      stateCell(each.state),
      each.timeliness === undefined ? '' : stateCell(each.timeliness),
      each.due_at === undefined ? '' : formatMinute(each.due_at),
      generationText(each),
      formatCount(each.objects),
      formatBytes(each.bytes),
      formatCount(each.rows),
      count === 1 ? remark(each) : `${formatPlural(count, 'partition')} missing`,
    ]),
    { width, style },
  )
  const counts = new Map<string, number>()
  for (const { state } of partitions) counts.set(state, (counts.get(state) ?? 0) + 1)
  const states = [...counts].map(([state, count]) => `${formatCount(count)} ${state}`).join(', ')
  return `${table}\n${formatPlural(partitions.length, 'partition')}: ${states}\n`
}

function generationText(partition: PartitionReport): string {
  const { generation, served_generation: served, pinned } = partition
  if (generation === 0) return ''
  if (served === undefined) return `${generation}, none served`
  return served === generation && !pinned ? `${served}` : `${served} of ${generation}`
}

function remark(partition: PartitionReport): string {
  if (partition.pinned) return 'pinned by a rollback'
  if (partition.waiting_for !== undefined) return partition.waiting_for.replaceAll('_', ' ')
  return visible(partition.message ?? '')
}
