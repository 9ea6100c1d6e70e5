import { z } from 'zod'
import { PRESETS } from '../../core/config.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { Reject } from '../../exchange/rejects.ts'
import type { ValidateRequest } from '../app-port.ts'
import { attemptsText } from '../attempts-text.ts'
import { defineCommand } from '../command.ts'
import { formatCount } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { withheldOf } from '../load-report.ts'
import { createProgress, silent } from '../progress.ts'
import { rejectsText } from '../rejects-text.ts'
import { from, partition, selectionOf, to } from '../selection-flags.ts'

/** Refused rows shown; more are counted. */
const SHOWN = 20

/** `validate`: the checks of a load, publishing nothing. */
export const validate = defineCommand({
  name: 'validate',
  summary: 'Run the checks of a load on a feed or on local files; publish nothing.',
  description:
    'With a feed, checks what its bucket holds. With --preset or --contract, checks local files before they are delivered; no configuration is needed. The checks are the very code that load runs. Exit code 1 if a partition would be refused.',
  arguments: z.object({
    words: z
      .array(z.string())
      .default([])
      .describe('A feed, or local files with --preset or --contract.')
      .meta({ placeholder: 'FEED|FILE' }),
  }),
  flags: z.object({
    preset: z
      .enum(PRESETS)
      .optional()
      .describe('Check files against the contract of a preset.')
      .meta({ placeholder: 'NAME' }),
    contract: z
      .string()
      .optional()
      .describe('Check files against a contract document.')
      .meta({ placeholder: 'FILE' }),
    partition,
    from,
    to,
  }),
  examples: [
    { command: 'bucketline validate events --partition 2023-01-01', what: 'one day in the bucket' },
    { command: 'bucketline validate --preset hackle-events *.parquet', what: 'before delivering' },
  ],
  async run(context, input) {
    const local = input.preset !== undefined || input.contract !== undefined
    if (input.preset !== undefined && input.contract !== undefined) {
      throw new ExchangeError('usage', '--preset and --contract exclude each other')
    }
    if (local && input.words.length === 0) {
      throw new ExchangeError('usage', 'there is no file to check', {
        hint: 'Name one or more local files.',
      })
    }
    const request: ValidateRequest = {
      ...selectionOf({ ...input, feeds: local ? [] : input.words }),
      files: local ? input.words : [],
      ...(input.preset === undefined ? {} : { preset: input.preset }),
      ...(input.contract === undefined ? {} : { contract: input.contract }),
    }
    const { terminal, json, signal } = context
    await using app = await context.openApp()
    const progress = json ? silent : createProgress(terminal, { now: () => performance.now() })
    try {
      const { rejects, ...checked } = await app.validate(request, {
        signal,
        observe: (event) => progress.observe(event),
      })
      progress.end()
      const validations = checked.validations.map((each) => ({
        ...each,
        withheld: withheldOf(each),
      }))
      const refused = validations.some((each) => each.state === 'refused')
      if (json) await writeJson(terminal, { validations, rejects })
      else {
        await terminal.out(attemptsText(validations, terminal) || 'nothing to check\n')
        const rejected = validations.reduce((sum, each) => sum + each.rejected, 0)
        const rows: Reject[] = []
        for await (const reject of rejects) {
          rows.push(reject)
          if (rows.length === SHOWN) break
        }
        if (rows.length > 0) await terminal.out(`\n${rejectsText(rows, terminal).text}`)
        if (rejected > rows.length) {
          await terminal.out(`… ${formatCount(rejected - rows.length)} more; --json lists all\n`)
        }
      }
      return refused ? 1 : 0
    } finally {
      progress.end()
    }
  },
})
