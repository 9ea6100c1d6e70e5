import { z } from 'zod'
import { defineCommand } from '../command.ts'
import { contractName } from '../contract-name.ts'
import { formatBytes, formatPlural } from '../format-value.ts'
import { writeJson } from '../json-output.ts'
import { partition } from '../selection-flags.ts'

/** `contract sample`: a delivery that passes. */
export const contractSample = defineCommand({
  name: 'contract sample',
  summary: 'Write a valid delivery of one partition, to try a feed with.',
  description:
    'Writes the objects under the folder as a partner would under the feed’s prefix: same keys, same format, and the marker if completion needs one. Files that are there are not overwritten.',
  arguments: z.object({
    contract: contractName,
    folder: z.string().describe('Folder to write to.').meta({ placeholder: 'FOLDER' }),
  }),
  flags: z.object({
    rows: z.int().min(0).max(100_000_000).default(1000).describe('Rows in the delivery.'),
    format: z
      .enum(['parquet', 'jsonl', 'csv'])
      .optional()
      .describe('Format of the objects; the contract’s own without it.')
      .meta({ placeholder: 'FORMAT' }),
    partition,
  }),
  examples: [
    {
      command: 'bucketline contract sample hackle-events inbox/events --rows 5000',
      what: 'a day that loads',
    },
  ],
  async run(context, input) {
    const tools = await context.openContracts()
    const files = await tools.sample(input.contract, {
      folder: input.folder,
      rows: input.rows,
      ...(input.format === undefined ? {} : { format: input.format }),
      ...(input.partition === undefined ? {} : { partition: input.partition }),
    })
    if (context.json) await writeJson(context.terminal, { files })
    else {
      for (const { path, rows, bytes } of files) {
        const facts = bytes === 0 ? '' : `  ${formatPlural(rows, 'row')}, ${formatBytes(bytes)}`
        await context.terminal.out(`${path}${facts}\n`)
      }
    }
    return 0
  },
})
