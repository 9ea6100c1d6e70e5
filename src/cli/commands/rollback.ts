import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { feed, partitionArgument } from '../selection-flags.ts'

/** `rollback`: an older generation is served again. */
export const rollback = defineCommand({
  name: 'rollback',
  summary: 'Serve an older generation of a partition again.',
  description:
    'The partition is pinned: it stays at that generation until an object of it changes or it is loaded with --force.',
  arguments: z.object({ feed, partition: partitionArgument }),
  flags: z.object({
    generation: z
      .int()
      .min(1)
      .optional()
      .describe('The generation; the one served before without it.'),
  }),
  examples: [{ command: 'bucketline rollback events 2023-01-01', what: 'the generation before' }],
  async run(context, input) {
    await using app = await context.openApp()
    const report = await app.rollback({
      feed: input.feed,
      partition: input.partition,
      ...(input.generation === undefined ? {} : { generation: input.generation }),
    })
    if (context.json) await writeJson(context.terminal, { rollbacks: [report] })
    else {
      await context.terminal.out(
        `${report.feed} ${report.partition}: generation ${report.generation} is served again in place of ${report.replaced_generation}, ${formatPlural(report.rows, 'row')}\n`,
      )
    }
    return 0
  },
})
