import { z } from 'zod'
import { PRESETS } from '../../core/config.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { Reject } from '../../exchange/rejects.ts'
import type { DeliveryRequest } from '../app-port.ts'
import { defineCommand } from '../command.ts'
import { deliveryText } from '../delivery-text.ts'
import { formatCount } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { createProgress, silent } from '../progress.ts'
import { rejectsText } from '../rejects-text.ts'
import { createSyncProgress, silentSync } from '../sync-progress.ts'

/** Refused rows shown; more are counted. */
const SHOWN = 20

const decimal = z.string().regex(/^\d+(\.\d+)?$/, 'a number such as 1 or 0.5')

/** `deliver`: check records as their receiver will, then send them in the shape it expects. */
export const deliver = defineCommand({
  name: 'deliver',
  summary: 'Send records to a store in the shape that a contract asks for.',
  description:
    'Checks every record with the checks of a load, sets refused ones aside, writes files of the right columns, types, format and size, puts them into the partitions that their time says, and at last writes what says that a partition is complete. Nothing is uploaded before everything was checked and written. Run it again after a failure: it takes up where it was. Exit code 1 if the delivery was refused.',
  arguments: z.object({
    files: z
      .array(z.string())
      .default([])
      .describe('JSON lines, CSV or Parquet files, compressed or not; - reads standard input.')
      .meta({ placeholder: 'FILE' }),
  }),
  flags: z.object({
    contract: z
      .string()
      .optional()
      .describe('Contract document that the receiver goes by.')
      .meta({ placeholder: 'FILE' }),
    preset: z
      .enum(PRESETS)
      .optional()
      .describe('Contract, layout, format and completion of a preset.')
      .meta({ placeholder: 'NAME' }),
    feed: z
      .string()
      .optional()
      .describe('Feed of the configuration, as its partner would deliver to it.')
      .meta({ placeholder: 'FEED' }),
    from_dataset: z
      .string()
      .optional()
      .describe('Deliver what a query of this feed serves, instead of files.')
      .meta({ placeholder: 'FEED' }),
    from_airbyte: z
      .string()
      .optional()
      .describe(
        'Deliver a stream of an Airbyte source; - reads its messages from standard input. The file holds what stands under `source:` of a sync; paths in it start from its folder. The stream is read whole: no state is kept.',
      )
      .meta({ placeholder: 'FILE' }),
    from_sync: z
      .string()
      .optional()
      .describe('Deliver a stream of the Airbyte source of this sync, read whole.')
      .meta({ placeholder: 'SYNC' }),
    stream: z
      .string()
      .optional()
      .describe('Stream of the source to deliver; the only one without it.')
      .meta({ placeholder: 'NAME' }),
    to: z
      .string()
      .optional()
      .describe('Store to deliver to; that of --feed without it.')
      .meta({ placeholder: 'STORE' }),
    prefix: z.string().optional().describe('Key prefix inside the store.'),
    layout: z
      .string()
      .optional()
      .describe('Template of keys, such as dt={yyyy}-{MM}-{dd}/{file}.parquet.')
      .meta({ placeholder: 'TEMPLATE' }),
    format: z
      .enum(['parquet', 'jsonl', 'csv'])
      .optional()
      .describe('Format of the files; what the receiver expects without it.')
      .meta({ placeholder: 'FORMAT' }),
    partition: z
      .string()
      .optional()
      .describe('Rows of files must lie in this partition; of a dataset only it is read.')
      .meta({ placeholder: 'PARTITION' }),
    file_mb: decimal
      .optional()
      .describe('Size of files in MB; what the contract advises without it, else 128.')
      .meta({ placeholder: 'MB' }),
    max_rejected_percent: decimal
      .optional()
      .describe('Deliver unless more rows are refused; the contract’s budget without it.')
      .meta({ placeholder: 'PERCENT' }),
    marker: z
      .boolean()
      .default(true)
      .describe('With --contract, leave out the _SUCCESS that closes a partition.'),
    rejects: z
      .string()
      .optional()
      .describe(
        'File for refused rows, as JSON lines. In the data directory without it, where the latest few are kept.',
      )
      .meta({ placeholder: 'FILE' }),
    replace: z
      .boolean()
      .default(false)
      .describe('Put the delivery in the place of what a partition holds.'),
    dry_run: z.boolean().default(false).describe('Print what would be done; upload nothing.'),
  }),
  examples: [
    {
      command: 'bucketline deliver events.ndjson --preset hackle-events --to outbox --dry-run',
      what: 'what would be uploaded',
    },
    {
      command: 'bucketline deliver day.csv --preset hackle-events --to outbox --replace',
      what: 'a day once more',
    },
    {
      command: 'bucketline deliver --from-dataset events --contract c.odcs.yaml --to outbox',
      what: 'hand on what was loaded',
    },
    {
      command:
        'bucketline deliver --from-airbyte crm.yaml --stream users --contract c.odcs.yaml --to outbox',
      what: 'a stream of an Airbyte source, which is run',
    },
    {
      command:
        'source-crm read … | bucketline deliver --from-airbyte - --stream users --feed users',
      what: 'a stream of one that is run already',
    },
  ],
  async run(context, input) {
    const { terminal, json, signal } = context
    const { file_mb, max_rejected_percent, ...rest } = input
    if (Number(file_mb ?? 1) === 0) throw new ExchangeError('usage', '--file-mb is 0')
    const request = {
      ...defined(rest),
      ...(file_mb === undefined ? {} : { file_mb: Number(file_mb) }),
      ...(max_rejected_percent === undefined
        ? {}
        : { max_rejected_percent: Math.min(100, Number(max_rejected_percent)) }),
      ...(input.files.includes('-') || input.from_airbyte === '-'
        ? { stdin: context.input() }
        : {}),
    } as DeliveryRequest
    await using app = await context.openApp()
    const clock = { now: () => performance.now() }
    const progress = json ? silent : createProgress(terminal, clock)
    const reading = json ? silentSync : createSyncProgress(terminal, clock)
    try {
      const { rejects, ...report } = await app.deliver(request, {
        signal,
        observe: (event) => {
          reading.end()
          progress.observe(event)
        },
        observeSource: (event) => reading.observe(event),
      })
      progress.end()
      if (json) await writeJson(terminal, { ...report, rejects })
      else {
        await terminal.out(deliveryText(report, terminal))
        const rows: Reject[] = []
        for await (const reject of rejects) {
          rows.push(reject)
          if (rows.length === SHOWN) break
        }
        if (rows.length > 0) await terminal.out(`\n${rejectsText(rows, terminal).text}`)
        if (report.rejected > rows.length)
          await terminal.out(
            `… ${formatCount(report.rejected - rows.length)} more; --json lists all\n`,
          )
      }
      return report.state === 'refused' ? 1 : 0
    } finally {
      reading.end()
      progress.end()
    }
  },
})

/** Without the flags that were not given. */
const defined = (input: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined))
