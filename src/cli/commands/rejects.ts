import { z } from 'zod'
import type { Reject } from '../../exchange/rejects.ts'
import { defineCommand } from '../command.ts'
import { csvLine } from '../csv-output.ts'
import { formatCount, formatPlural } from '../format-value.ts'
import { writeJson, writeJsonLine } from '../json-output.ts'
import { rejectsText } from '../rejects-text.ts'
import { feed, partition } from '../selection-flags.ts'
import type { Terminal } from '../terminal.ts'

/** Rows of the table; more are counted. */
const SHOWN = 50

const CSV_COLUMNS = [
  'feed',
  'partition',
  'object',
  'version',
  'row',
  'column',
  'code',
  'message',
  'raw',
] as const

/** `rejects`: the refused rows, each with where, why and what it said. */
export const rejects = defineCommand({
  name: 'rejects',
  summary: 'Show refused rows: where each was, what it said and why.',
  description:
    'Shows the rejects of the served generations; those of refused loads too with --all. The table ends after 50 rows and says how many there are; the other formats have no limit.',
  arguments: z.object({ feed }),
  flags: z.object({
    partition,
    all: z.boolean().default(false).describe('Of every load, refused ones included.'),
    code: z
      .string()
      .optional()
      .describe('Only rows refused for this reason, such as missing_key.')
      .meta({ placeholder: 'CODE' }),
    format: z
      .enum(['table', 'json', 'jsonl', 'csv'])
      .default('table')
      .describe('How they are printed.')
      .meta({ placeholder: 'FORMAT' }),
  }),
  examples: [
    { command: 'bucketline rejects events --partition 2023-01-01', what: 'what one day lost' },
    {
      command: 'bucketline rejects events --all --format csv > rejects.csv',
      what: 'for the partner',
    },
  ],
  async run(context, input) {
    const { terminal } = context
    await using app = await context.openApp()
    const found = await app.rejects({
      feed: input.feed,
      all: input.all,
      ...(input.partition === undefined ? {} : { partition: input.partition }),
      ...(input.code === undefined ? {} : { code: input.code }),
    })
    if (context.json || input.format === 'json') {
      await writeJson(terminal, { rejects: found.rejects })
    } else if (input.format === 'table') {
      await writeTable(found, terminal)
    } else {
      if (input.format === 'csv') await terminal.out(csvLine(CSV_COLUMNS))
      for await (const reject of found.rejects) {
        if (terminal.closed) break
        if (input.format === 'jsonl') await writeJsonLine(terminal, reject)
        else await terminal.out(csvLine(CSV_COLUMNS.map((column) => reject[column])))
      }
    }
    return 0
  },
})

async function writeTable(
  found: { readonly total: number; readonly rejects: AsyncIterable<Reject> },
  terminal: Terminal,
): Promise<void> {
  const rows: Reject[] = []
  for await (const reject of found.rejects) {
    rows.push(reject)
    if (rows.length === SHOWN) break
  }
  if (rows.length === 0) {
    await terminal.out('no rejects\n')
    return
  }
  const { text, cut } = rejectsText(rows, terminal)
  await terminal.out(text)
  const more = found.total > rows.length ? `, ${formatCount(rows.length)} shown` : ''
  await terminal.out(
    `\n${formatPlural(found.total, 'reject')}${more}${cut ? '; --format jsonl shows objects and rows whole' : ''}\n`,
  )
}
