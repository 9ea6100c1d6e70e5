import { z } from 'zod'
import { ExchangeError } from '../../core/errors.ts'
import type { LoadEvent } from '../../exchange/progress.ts'
import { attemptsText } from '../attempts-text.ts'
import { defineCommand } from '../command.ts'
import { asExchangeError, errorReport, exitCodeOf } from '../error-output.ts'
import { writeJson, writeJsonLine } from '../json-output.ts'
import { type LoadReport, loadReport } from '../load-report.ts'
import { createProgress, silent } from '../progress.ts'
import { feeds, from, partition, selectionOf, to } from '../selection-flags.ts'

/** `load`: discover, plan, fetch, validate, publish, report. */
export const load = defineCommand({
  name: 'load',
  summary: 'Load what is new, exactly once, and report what was refused.',
  description:
    'Finds complete partitions with objects that were not loaded yet, checks every row, and publishes each partition in one step. Run it as often as you like: what is loaded is not loaded again. Exit code 1 if a load was refused or failed.',
  arguments: z.object({ feeds }),
  flags: z.object({
    partition,
    from,
    to,
    all: z
      .boolean()
      .default(false)
      .describe('List everything from the start, not only what can have changed.'),
    force: z
      .boolean()
      .default(false)
      .describe('Load again what was published or refused, changed or not.'),
    replay: z
      .boolean()
      .default(false)
      .describe('Load published partitions with rejects again, after a contract changed.'),
    watch: z.boolean().default(false).describe('Go on looking for deliveries until stopped.'),
    every_seconds: z
      .int()
      .min(1)
      .default(30)
      .describe('Pause between two looks with --watch, in seconds.'),
  }),
  examples: [
    { command: 'bucketline load', what: 'everything that is new' },
    { command: 'bucketline load events --partition 2023-01-01 --force', what: 'one day again' },
    { command: 'bucketline load --watch --json', what: 'for ever, one JSON line per load' },
  ],
  async run(context, input) {
    const { terminal, json, signal } = context
    await using app = await context.openApp()
    const progress = json ? silent : createProgress(terminal, { now: () => performance.now() })
    const reports: LoadReport[] = []
    let failed = false
    const observe = (event: LoadEvent) => {
      if (event.type !== 'feed_failed') return progress.observe(event)
      // Without `--watch` it is thrown at the end; with it there is no end, so it is said each time.
      if (!input.watch) return
      failed = true
      const { feed, code, message, hint } = event
      if (json) void writeJsonLine(terminal, { error: { feed, code, message, hint } })
      else terminal.err(`${terminal.err_style('red', `error[${code}]:`)} ${feed}: ${message}\n`)
    }
    try {
      const attempts = app.load(
        { ...selectionOf(input), all: input.all, force: input.force, replay: input.replay },
        { watch: input.watch, every_ms: input.every_seconds * 1000, signal, observe },
      )
      for await (const attempt of attempts) {
        const report = loadReport(attempt)
        if (report.state !== 'published') failed = true
        if (!input.watch) reports.push(report)
        else if (json) await writeJsonLine(terminal, report)
        else {
          progress.end()
          await terminal.out(`${attemptsText([report], terminal)}\n`)
        }
      }
    } catch (error) {
      progress.end()
      // What was loaded before is loaded: it is reported, whatever happened next.
      if (!json && reports.length > 0) await terminal.out(`${attemptsText(reports, terminal)}\n`)
      if (json && reports.length > 0) {
        const told = signal.aborted
          ? new ExchangeError('interrupted', 'stopped by a signal', { cause: error })
          : asExchangeError(error)
        await writeJson(terminal, { loads: reports, error: errorReport(told) })
        return exitCodeOf(told)
      }
      throw error
    } finally {
      progress.end()
    }
    if (input.watch) return failed ? 1 : 0
    if (json) await writeJson(terminal, { loads: reports })
    else await terminal.out(attemptsText(reports, terminal) || 'nothing to load\n')
    return failed ? 1 : 0
  },
})
