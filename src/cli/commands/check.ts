import { z } from 'zod'
import { checkText } from '../check-text.ts'
import { defineCommand } from '../command.ts'
import { writeJson } from '../json-output.ts'

/** `check`: whether a store can be reached and read, step by step, and what to change where not. */
export const check = defineCommand({
  name: 'check',
  summary: 'Probe the access to a store step by step, and say what to change.',
  description:
    'Asks in turn for the connection, TLS, the credentials, the region, the bucket, a listing, the first byte of one object, the same byte by version, and its decryption, and names the permission that is missing. Of a feed it also says what the layout takes of the first 1,000 keys under its prefix. Nothing is written without --write. A denied listing is asked for once more as a paying requester, as only that tells a requester-pays bucket from a denial; where it is one, you are billed for one request. Exit code 1 if a step failed that loads need.',
  arguments: z.object({
    target: z
      .string()
      .describe('Name of a store or of a feed.')
      .meta({ placeholder: 'STORE|FEED' }),
  }),
  flags: z.object({
    write: z
      .boolean()
      .default(false)
      .describe('Also write one object under the prefix, and delete it again.'),
    timeout: z
      .int()
      .min(1)
      .max(600)
      .default(10)
      .describe('Seconds that a step may take.')
      .meta({ placeholder: 'SECONDS' }),
  }),
  examples: [
    { command: 'bucketline check auctions', what: 'what a feed needs' },
    { command: 'bucketline check metamx --write', what: 'a store that is also written to' },
  ],
  async run({ terminal, json, signal, openApp }, input) {
    await using app = await openApp()
    const shows_progress = !json && terminal.err_width !== undefined
    const clear = () => {
      if (shows_progress) terminal.err('\r\u001b[K')
    }
    const report = await app
      .check(input.target, {
        write: input.write,
        deadline_ms: input.timeout * 1_000,
        signal,
        onStep: (step) => {
          clear()
          if (shows_progress) {
            terminal.err(terminal.err_style('dim', `asking: ${step.replaceAll('_', ' ')} …`))
          }
        },
      })
      .finally(clear)
    if (json) await writeJson(terminal, { ...report })
    else await terminal.out(checkText(report, terminal))
    return report.ok ? 0 : 1
  },
})
