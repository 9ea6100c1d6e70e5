import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { contractName } from '../contract-name.ts'
import { formatCount, formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { renderTable } from '../table.ts'

/** `contract diff`: what changed, and what of it breaks deliveries or readers. */
export const contractDiff = defineCommand({
  name: 'contract diff',
  summary: 'Compare two contracts and mark breaking changes.',
  description:
    'Exit code 1 if a change breaks deliveries that were valid, or readers of the dataset.',
  arguments: z.object({
    old: contractName
      .describe('The contract as it was: a file, a preset or a feed.')
      .meta({ placeholder: 'OLD' }),
    new: contractName.describe('The contract as it is to be.').meta({ placeholder: 'NEW' }),
  }),
  flags: z.object({}),
  examples: [
    {
      command: 'bucketline contract diff hackle-events contracts/mine.odcs.yaml',
      what: 'against a preset',
    },
  ],
  async run(context, input) {
    const { terminal } = context
    const tools = await context.openContracts()
    const changes = await tools.diff(input.old, input.new)
    const breaking = changes.filter((each) => each.breaking).length
    if (context.json) await writeJson(terminal, { changes })
    else if (changes.length === 0) await terminal.out('no changes\n')
    else {
      const table = renderTable(
        [
          { title: '' },
          { title: 'path', flexible: 2, least: 20, narrow: 'wrap' },
          { title: 'change', flexible: 1, least: 30, narrow: 'wrap' },
        ],
        changes.map((each) => [
          each.breaking ? { text: 'breaking', color: 'red' } : '',
          each.path,
          each.message,
        ]),
        { width: terminal.width, style: terminal.style },
      )
      await terminal.out(
        `${table}\n${formatPlural(changes.length, 'change')}, ${formatCount(breaking)} breaking\n`,
      )
    }
    return breaking > 0 ? 1 : 0
  },
})
