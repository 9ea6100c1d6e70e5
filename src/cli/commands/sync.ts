import { z } from 'zod'
import { ExchangeError } from '../../core/errors.ts'
import { WriteMode } from '../../core/sync.ts'
import type { SyncReport, SyncRequest } from '../app-port.ts'
import { defineCommand } from '../command.ts'
import { asExchangeError, errorReport, exitCodeOf } from '../error-output.ts'
import { writeJson } from '../json-output.ts'
import { createSyncProgress, silentSync } from '../sync-progress.ts'
import { syncsText } from '../sync-text.ts'

/** `sync`: what is new at a source goes to a destination, and the state into the ledger. */
export const sync = defineCommand({
  name: 'sync',
  summary: 'Send record streams to a destination, each record once.',
  description:
    'Runs the syncs of the configuration that are named, or all of them. Each goes on where the last one ended: the ledger keeps the state together with every commit, so that a sync that was cut off anywhere leaves nothing twice when it is run again. With --to, names are files of JSON lines (- is standard input) that go into one stream; what was sent is remembered by destination and stream. Exit code 1 if a sync failed.',
  arguments: z.object({
    names: z
      .array(z.string())
      .default([])
      .describe('Syncs of the configuration; with --to, files or -.')
      .meta({ placeholder: 'NAME' }),
  }),
  flags: z.object({
    to: z
      .string()
      .optional()
      .describe('Destination for the files that are named.')
      .meta({ placeholder: 'DESTINATION' }),
    stream: z
      .string()
      .optional()
      .describe('With --to: name of the stream.')
      .meta({ placeholder: 'NAME' }),
    namespace: z
      .string()
      .optional()
      .describe('With --to: namespace of the stream.')
      .meta({ placeholder: 'NAME' }),
    mode: WriteMode.optional()
      .describe('With --to: how the stream is written; append without it.')
      .meta({ placeholder: 'MODE' }),
    primary_key: z
      .array(z.string())
      .default([])
      .describe(
        'With --to: fields that make up the key, for append_dedup. A dot leads into an object.',
      )
      .meta({ placeholder: 'FIELD' }),
    cursor_field: z
      .string()
      .optional()
      .describe('With --to: field that orders rows of one key.')
      .meta({ placeholder: 'FIELD' }),
    json_schema: z
      .string()
      .optional()
      .describe('With --to: JSON schema of the records; taken from them without it.')
      .meta({ placeholder: 'FILE' }),
    reset: z
      .boolean()
      .default(false)
      .describe('Forget what was sent before: everything is sent again.'),
  }),
  examples: [
    { command: 'bucketline sync', what: 'all syncs of the configuration' },
    { command: 'bucketline sync crm --reset', what: 'one of them, from the beginning' },
    {
      command: 'bucketline sync events/*.jsonl.gz --to lake --stream events',
      what: 'files that were not sent yet',
    },
  ],
  async run(context, { names, reset, to, ...rest }) {
    const { terminal, json, signal } = context
    const request: SyncRequest = {
      ...requestOf(names, to, rest),
      reset,
      stdin: () => context.input(),
    }
    await using app = await context.openApp()
    const progress = json
      ? silentSync
      : createSyncProgress(terminal, { now: () => performance.now() })
    const reports: SyncReport[] = []
    try {
      const observe = progress.observe.bind(progress)
      for await (const report of app.sync(request, { signal, observe })) reports.push(report)
    } catch (error) {
      progress.end()
      // What was sent before is sent: it is reported, whatever happened next.
      if (reports.length === 0) throw error
      const told = signal.aborted
        ? new ExchangeError('interrupted', 'stopped by a signal', { cause: error })
        : asExchangeError(error)
      if (!json) {
        await terminal.out(syncsText(reports, terminal))
        throw told
      }
      await writeJson(terminal, { syncs: reports, error: errorReport(told) })
      return exitCodeOf(told)
    } finally {
      progress.end()
    }
    if (json) await writeJson(terminal, { syncs: reports })
    else await terminal.out(syncsText(reports, terminal))
    return reports.some(({ state }) => state === 'failed') ? 1 : 0
  },
})

interface FileFlags {
  readonly stream?: string | undefined
  readonly namespace?: string | undefined
  readonly mode?: WriteMode | undefined
  readonly primary_key: readonly string[]
  readonly cursor_field?: string | undefined
  readonly json_schema?: string | undefined
}

function requestOf(
  names: readonly string[],
  to: string | undefined,
  flags: FileFlags,
): Pick<SyncRequest, 'syncs' | 'files'> {
  const { primary_key, ...texts } = flags
  const given = Object.entries(texts).filter(([, value]) => value !== undefined)
  if (to === undefined) {
    const [first] = primary_key.length > 0 ? [['primary_key']] : given
    if (first === undefined) return { syncs: names }
    const flag = `--${String(first[0]).replaceAll('_', '-')}`
    throw new ExchangeError('usage', `${flag} goes with --to.`, {
      hint: 'The settings of a named sync stand in the configuration.',
    })
  }
  if (names.length === 0)
    throw new ExchangeError('usage', 'There is nothing to send.', {
      hint: 'Name files, or - for standard input.',
    })
  if (flags.stream === undefined)
    throw new ExchangeError('usage', '--stream is missing.', {
      hint: 'Say what the stream is called: --stream NAME.',
    })
  const files = { ...Object.fromEntries(given), stream: flags.stream }
  return { syncs: [], files: { ...files, paths: names, destination: to, primary_key } }
}
