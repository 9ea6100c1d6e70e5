import { z } from 'zod'

const time = (what: string) => z.date().meta({ type: 'string', description: `${what} (ISO 8601).` })
const count = (what: string) => z.int().min(0).describe(what)

/** A sync as `bucketline status` shows it: its last attempt, and what the next one goes on from. */
export const SyncStatus = z.strictObject({
  sync: z
    .string()
    .describe('Name; of files sent with `sync --to`: the destination, a slash and the stream.'),
  configured: z.boolean().describe('Whether the configuration names it.'),
  destination: z.string().describe('Name of the destination.'),
  state: z
    .enum(['succeeded', 'incomplete', 'failed', 'running', 'never'])
    .describe(
      'Of the last attempt. `incomplete`: it failed or was cut off, and some of it is in the bucket; `failed`: nothing of it is.',
    ),
  started_at: time('When the last attempt began').optional(),
  ended_at: time('When it ended; absent where it runs or was cut off').optional(),
  streams: count('Streams of that attempt; absent where it failed before it began.').optional(),
  streams_complete: count('Streams that it sent whole; absent where it was cut off.').optional(),
  records: count('Records of that attempt that are in the bucket.'),
  objects: count('Objects that it wrote; known once it has ended.'),
  bytes: count('Their bytes.'),
  bad_values: count('Values that fitted no type.'),
  states_kind: z
    .enum(['stream', 'file', 'global', 'none'])
    .describe(
      'What the next attempt goes on from: states of streams or of files, one of everything, or nothing.',
    ),
  states: count('How many states those are.'),
  states_at: time('When the last of them was committed').optional(),
  code: z.string().optional().describe('Why the last attempt is incomplete or failed.'),
  message: z.string().optional().describe('The same, for people.'),
})
export type SyncStatus = z.output<typeof SyncStatus>
