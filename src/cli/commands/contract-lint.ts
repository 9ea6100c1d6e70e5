import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'

const COLORS = { error: 'red', warning: 'yellow', note: 'cyan' } as const

/** `contract lint`: whether a document is a contract, and what of it is not executed. */
export const contractLint = defineCommand({
  name: 'contract lint',
  summary: 'Check contract documents, and say what in them is not executed.',
  description: 'Exit code 1 if one of them is not valid. Remarks and warnings change nothing.',
  arguments: z.object({
    contracts: z
      .array(z.string())
      .min(1)
      .describe('Contract files, presets, or feeds of the configuration.')
      .meta({ placeholder: 'CONTRACT' }),
  }),
  flags: z.object({}),
  examples: [
    { command: 'bucketline contract lint contracts/*.odcs.yaml', what: 'all of a folder' },
  ],
  async run(context, input) {
    const { terminal } = context
    const tools = await context.openContracts()
    const lints = []
    for (const name of input.contracts) lints.push(await tools.lint(name))
    if (context.json) await writeJson(terminal, { contracts: lints })
    else {
      for (const { source, valid, problems } of lints) {
        for (const each of problems) {
          const place = [source, each.line, each.column].filter((part) => part !== undefined)
          const path = each.path === undefined ? '' : ` ${terminal.style('dim', `(${each.path})`)}`
          await terminal.out(
            `${place.join(':')}: ${terminal.style(COLORS[each.severity], each.severity)}: ${each.message}${path}\n`,
          )
        }
        const verdict = valid
          ? terminal.style('green', 'valid')
          : terminal.style('red', 'not valid')
        await terminal.out(`${source}: ${verdict}, ${formatPlural(problems.length, 'remark')}\n`)
      }
    }
    return lints.every((lint) => lint.valid) ? 0 : 1
  },
})
