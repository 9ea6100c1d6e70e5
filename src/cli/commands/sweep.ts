import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { formatBytes, formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { feeds } from '../selection-flags.ts'

/** `sweep`: files that nothing needs any more. */
export const sweep = defineCommand({
  name: 'sweep',
  summary: 'Delete dataset files that no kept generation needs.',
  description:
    'Every load ends with this. It deletes files of generations beyond `retain_generations` and what interrupted loads left behind; the ledger keeps its record of them. Nothing in a partner’s bucket is touched.',
  arguments: z.object({ feeds }),
  flags: z.object({}),
  examples: [],
  async run(context, input) {
    await using app = await context.openApp()
    const reports = await app.sweep(input.feeds)
    if (context.json) await writeJson(context.terminal, { sweeps: reports })
    else {
      const lines = reports.map(
        (each) =>
          `${each.feed}: ${formatPlural(each.files, 'file')}, ${formatBytes(each.bytes)} deleted\n`,
      )
      await context.terminal.out(lines.join('') || 'nothing to delete\n')
    }
    return 0
  },
})
