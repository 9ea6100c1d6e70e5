import { z } from 'zod'
import { ExchangeError } from '../core/errors.ts'
import type { Selection } from './app-port.ts'

/** Arguments and flags that several commands share. */

export const feeds = z
  .array(z.string())
  .default([])
  .describe('Names of feeds; all without any.')
  .meta({ placeholder: 'FEED' })

export const feed = z.string().describe('Name of the feed.').meta({ placeholder: 'FEED' })

const name = z
  .string()
  .regex(
    /^\d{4}(-\d{2}(-\d{2}(T\d{2}(:\d{2})?)?)?)?$/,
    'a partition is written 2023-01-01, 2015-10-17T09 or 2015-10-17T09:15',
  )

export const partition = name
  .optional()
  .describe('Only this partition, such as 2023-01-01 or 2015-10-17T09.')
  .meta({ placeholder: 'PARTITION' })

export const from = name.optional().describe('First partition.').meta({ placeholder: 'PARTITION' })

export const to = name
  .optional()
  .describe('Last partition, itself included.')
  .meta({ placeholder: 'PARTITION' })

/** A partition as a positional argument. */
export const partitionArgument = name
  .describe('Partition, such as 2023-01-01 or 2015-10-17T09.')
  .meta({ placeholder: 'PARTITION' })

/** The selection out of a command's input; settings not given stay absent. */
export function selectionOf(input: {
  readonly feeds: readonly string[]
  readonly partition?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}): Selection {
  const { from: first, to: last } = input
  // A day as the last one includes its hours, so only what both of them say is compared.
  if (first !== undefined && last !== undefined && first.slice(0, last.length) > last)
    throw new ExchangeError('usage', `--from ${first} lies after --to ${last}`, {
      hint: 'Give the earlier partition with --from.',
    })
  return {
    feeds: input.feeds,
    ...(input.partition === undefined ? {} : { partition: input.partition }),
    ...(input.from === undefined ? {} : { from: input.from }),
    ...(input.to === undefined ? {} : { to: input.to }),
  }
}
