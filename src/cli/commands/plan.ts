import { z } from 'zod'
import type { PlannedPartition } from '../app-port.ts'
import { defineCommand } from '../command.ts'
import { formatBytes, formatCount, formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { feeds, from, partition, selectionOf, to } from '../selection-flags.ts'
import { straysText } from '../strays.ts'
import { type Cell, renderTable } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { visible } from '../text-width.ts'
import { hangingText } from '../wrap-text.ts'

/** `plan`: what `load` would do now. */
export const plan = defineCommand({
  name: 'plan',
  summary: 'Show what load would do, without loading.',
  description:
    'Lists the buckets and prints which partitions would be loaded, why, and how much would be read; what is waited for; and objects whose keys fit no layout.',
  arguments: z.object({ feeds }),
  flags: z.object({
    partition,
    from,
    to,
    all: z
      .boolean()
      .default(false)
      .describe('List everything from the start, not only what can have changed.'),
    force: z.boolean().default(false).describe('Plan to load again what was published or refused.'),
    replay: z
      .boolean()
      .default(false)
      .describe('Plan to load published partitions with rejects again.'),
  }),
  examples: [{ command: 'bucketline plan', what: 'what the next load does' }],
  async run(context, input) {
    await using app = await context.openApp()
    const report = await app.plan(
      { ...selectionOf(input), all: input.all, force: input.force, replay: input.replay },
      { signal: context.signal },
    )
    if (context.json) await writeJson(context.terminal, { ...report })
    else {
      await context.terminal.out(
        planText(report.partitions, context.terminal) + straysText(report.strays, context.terminal),
      )
    }
    for (const { feed, code, message, hint } of context.json ? [] : report.errors) {
      const { err_style: style } = context.terminal
      context.terminal.err(
        `${style('red', `error[${code}]:`)} ${feed}: ${message}\nhint: ${hint}\n`,
      )
    }
    return report.errors.length > 0 ? 1 : 0
  },
})

function actionCell(action: PlannedPartition['action']): Cell {
  if (action === 'none') return '–'
  return { text: action, color: action === 'load' ? 'green' : 'yellow' }
}

function planText(partitions: readonly PlannedPartition[], terminal: Terminal): string {
  const shown = partitions.filter((each) => each.reason !== 'up_to_date')
  if (shown.length === 0) return 'nothing to load\n'
  const { style, width } = terminal
  const table = renderTable(
    [
      { title: 'feed' },
      { title: 'partition' },
      { title: 'action' },
      { title: 'reason', flexible: 1, least: 24, narrow: 'wrap' },
      { title: 'publish', drop: 1 },
      { title: 'objects', align: 'right', drop: 2 },
      { title: 'size', align: 'right', drop: 3 },
    ],
    shown.map((each) => [
      each.feed,
      each.partition,
      actionCell(each.action),
      each.message ?? each.reason.replaceAll('_', ' '),
      each.publish ?? '',
      formatCount(each.objects),
      formatBytes(each.bytes),
    ]),
    { width, style },
  )
  const notes = shown.flatMap((each) =>
    each.notes.map((note) => {
      const text = `${each.feed} ${each.partition}: ${visible(note.message)}`
      return `${hangingText(`${style('yellow', note.code)}  `, text, width)}\n`
    }),
  )
  const loads = shown.filter((each) => each.action === 'load')
  const bytes = loads.reduce((sum, each) => sum + each.bytes, 0)
  const waiting = shown.filter((each) => each.action === 'wait').length
  const rest = waiting > 0 ? `, ${formatCount(waiting)} waiting` : ''
  return `${table}\n${notes.length > 0 ? `${notes.join('')}\n` : ''}${formatPlural(loads.length, 'partition')} to load, ${formatBytes(bytes)}${rest}\n`
}
