import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { ExchangeError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { contractName } from '../contract-name.ts'
import { writeJson } from '../json-output.ts'
import { policyFlags } from '../policy-flags.ts'

/** `contract guide`: all that a partner needs in order to deliver, in one file. */
export const contractGuide = defineCommand({
  name: 'contract guide',
  summary: 'Write the page that a partner follows: one HTML file.',
  description:
    'Says where files go with the keys of the last partition, when a delivery is complete and due, what each column holds, what is refused, and how to check files before they leave; it carries the contract, a sample and a configuration for the check in itself. For a feed it names the bucket, the prefix and the access that is needed; for a preset or a contract file it leaves those open. The page loads nothing and runs no script, so it can be mailed or put behind any web server.',
  arguments: z.object({ contract: contractName }),
  flags: z.object({
    output: z
      .string()
      .optional()
      .describe('File to write; printed without it.')
      .meta({ placeholder: 'FILE' }),
    ...policyFlags,
    force: z.boolean().default(false).describe('Overwrite a file that is there.'),
  }),
  examples: [
    { command: 'bucketline contract guide events --output delivering-events.html', what: 'a feed' },
    { command: 'bucketline contract guide hackle-events > guide.html', what: 'a preset' },
  ],
  async run(context, input) {
    const { terminal, json } = context
    const tools = await context.openContracts()
    const { form, principal, external_id, kms_key, output } = input
    const { source, html, notes } = await tools.guide(input.contract, {
      ...(form === undefined ? {} : { form }),
      ...(principal === undefined ? {} : { principal }),
      ...(external_id === undefined ? {} : { external_id }),
      ...(kms_key === undefined ? {} : { kms_key }),
    })
    if (output !== undefined) await writePage(output, html, input.force)
    if (json) {
      const page = output === undefined ? { html } : { created: [output] }
      await writeJson(terminal, { source, notes, ...page })
      return 0
    }
    if (output === undefined) await terminal.out(html)
    else await terminal.out(`${terminal.style('green', 'created')} ${output}\n`)
    for (const note of notes) terminal.err(`note: ${note}\n`)
    return 0
  },
})

async function writePage(path: string, html: string, force: boolean): Promise<void> {
  try {
    await writeFile(path, html, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new ExchangeError('usage', `${path} is there already`, {
      hint: 'Use --force to overwrite it.',
      cause: error,
    })
  }
}
