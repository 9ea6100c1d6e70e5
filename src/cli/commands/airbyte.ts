import { z } from 'zod'
import { type ConnectorOptions, runConnector } from '../../connector/airbyte/airbyte.ts'
import { defineCommand, none } from '../command.ts'
import type { Context } from '../context.ts'

/** Airbyte's own words: everything on standard output is a message of its protocol, errors too. */
const connector = (
  { terminal, config_file, cwd, env, signal, input }: Context,
  catalog?: string,
): ConnectorOptions => ({
  config: config_file,
  ...(catalog === undefined ? {} : { catalog }),
  input: { [Symbol.asyncIterator]: () => input()[Symbol.asyncIterator]() },
  write: (line) => terminal.out(`${line}\n`),
  cwd,
  env,
  signal,
})

/** `airbyte spec`: the connector's specification. */
export const airbyteSpec = defineCommand({
  name: 'airbyte spec',
  summary: 'Write the connector’s specification.',
  description:
    'One SPEC message: the settings of the S3 destination as a JSON schema, which a platform makes a form of. Names and defaults are those of the Airbyte S3 destination; what is ours beside them is optional.',
  arguments: none,
  flags: none,
  examples: [{ command: 'bucketline airbyte spec', what: 'what a configuration may hold' }],
  run: async (context) => runConnector('spec', connector(context)),
})

/** `airbyte check`: whether a sync could write. */
export const airbyteCheck = defineCommand({
  name: 'airbyte check',
  summary: 'Say whether the destination can be written to.',
  description:
    'One CONNECTION_STATUS message. Lists, puts, puts in parts and deletes again one object under the bucket path’s `_bucketline/`, and names the permission that is missing. A path format that cannot give every object a name of its own fails, too. `--config` is Airbyte’s: a JSON file. Exit code 0 whatever the status, as the protocol has it.',
  arguments: none,
  flags: none,
  examples: [{ command: 'bucketline airbyte check --config config.json', what: 'before a sync' }],
  run: async (context) => runConnector('check', connector(context)),
})

/** `airbyte write`: records in, states out. */
export const airbyteWrite = defineCommand({
  name: 'airbyte write',
  summary: 'Write the records that come on standard input to the destination.',
  description:
    'Reads RECORD, STATE and TRACE messages, one JSON document a line, and writes objects as the configuration says. A state goes out once every record before it is in the bucket. Objects that no state covers when the input ends before its time are removed again. Exit code 1 after a TRACE message that says what went wrong.',
  arguments: none,
  flags: z.object({
    catalog: z
      .string()
      .describe('Configured catalog: the streams, and how each is written.')
      .meta({ placeholder: 'FILE' }),
  }),
  examples: [
    {
      command:
        'source-faker read … | bucketline airbyte write --config config.json --catalog catalog.json',
      what: 'any Airbyte source',
    },
  ],
  run: async (context, { catalog }) => runConnector('write', connector(context, catalog)),
})
