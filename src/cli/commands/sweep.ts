import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { formatBytes, formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { feeds } from '../selection-flags.ts'

/** `sweep`: files that nothing needs any more. */
export const sweep = defineCommand({
  name: 'sweep',
  summary: 'Delete dataset files and refused rows that nothing needs any more.',
  description:
    'Every load ends with this. It deletes files of generations beyond `retain_generations` and what interrupted loads left behind; the ledger keeps its record of them. Rows that deliveries set aside in the data directory stay for the latest `retain_generations` deliveries to each partition that was named, and for as many that named none; a delivery that sets rows aside sees to that for its feed, too. Nothing in a partner’s bucket is touched.',
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
