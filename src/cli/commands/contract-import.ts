import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { ExchangeError } from '../../core/errors.ts'
import { defineCommand } from '../command.ts'
import { writeJson } from '../json-output.ts'

/** `contract import`: a first contract out of sample files. */
export const contractImport = defineCommand({
  name: 'contract import',
  summary: 'Draft a contract from sample files.',
  description:
    'Reads Parquet, JSON lines or CSV and writes what they show: columns, types, which are never null, which have few values. Read it through before it is agreed: samples do not know what is forbidden.',
  arguments: z.object({
    files: z.array(z.string()).min(1).describe('Sample files.').meta({ placeholder: 'FILE' }),
  }),
  flags: z.object({
    id: z
      .string()
      .optional()
      .describe('Id of the contract; after the first file without it.')
      .meta({ placeholder: 'ID' }),
    output: z
      .string()
      .optional()
      .describe('File to write; printed without it.')
      .meta({ placeholder: 'FILE' }),
    force: z.boolean().default(false).describe('Overwrite a file that is there.'),
  }),
  examples: [
    {
      command: 'bucketline contract import sample.jsonl.gz --output contracts/clicks.odcs.yaml',
      what: 'a draft',
    },
  ],
  async run(context, input) {
    const { terminal } = context
    const tools = await context.openContracts()
    const { yaml, notes } = await tools.import(
      input.files,
      input.id === undefined ? {} : { id: input.id },
    )
    if (input.output !== undefined) {
      try {
        await writeFile(input.output, yaml, { flag: input.force ? 'w' : 'wx' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        throw new ExchangeError('usage', `${input.output} is there already`, {
          hint: 'Use --force to overwrite it.',
          cause: error,
        })
      }
    }
    if (context.json) {
      await writeJson(terminal, {
        notes,
        ...(input.output === undefined ? { contract: yaml } : { created: [input.output] }),
      })
      return 0
    }
    if (input.output === undefined) await terminal.out(yaml)
    else await terminal.out(`${terminal.style('green', 'created')} ${input.output}\n`)
    for (const note of notes) terminal.err(`note: ${note}\n`)
    return 0
  },
})
