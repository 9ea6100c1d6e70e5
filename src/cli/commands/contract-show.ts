import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { contractName } from '../contract-name.ts'
import { writeJson } from '../json-output.ts'

/** `contract show`: a contract for a partner, or as the document it is. */
export const contractShow = defineCommand({
  name: 'contract show',
  summary: 'Print a contract as a page that a partner can follow.',
  arguments: z.object({ contract: contractName }),
  flags: z.object({
    format: z
      .enum(['markdown', 'yaml'])
      .default('markdown')
      .describe('A page, or the ODCS document itself.')
      .meta({ placeholder: 'FORMAT' }),
  }),
  examples: [
    {
      command: 'bucketline contract show hackle-events > delivery.md',
      what: 'a page for a partner',
    },
    {
      command: 'bucketline contract show hackle-events --format yaml > mine.odcs.yaml',
      what: 'a preset to change',
    },
  ],
  async run(context, input) {
    const tools = await context.openContracts()
    const { source, yaml, markdown, json } = await tools.show(input.contract)
    if (context.json) await writeJson(context.terminal, { source, contract: json })
    else await context.terminal.out(input.format === 'yaml' ? yaml : markdown)
    return 0
  },
})
