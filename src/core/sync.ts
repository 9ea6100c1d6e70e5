import { z } from 'zod'
import { Duration } from './settings.ts'

/** `syncs:` of bucketline.yaml: what is sent, from where and how. */

export const WriteMode = z.enum(['append', 'overwrite', 'append_dedup'])
export type WriteMode = z.output<typeof WriteMode>

const words = z.array(z.string().min(1))

/** A field: a text, in which a dot leads into an object, or as a list the names on the way, which may hold dots. */
const FieldPath = z.union([
  z
    .string()
    .transform((text) => text.split('.'))
    .refine((path) => path.every((name) => name !== ''), 'a name is empty'),
  words.min(1, 'names no field'),
])

const stream = {
  stream: z.string().min(1).describe('Name of the stream; the path format may hold it.'),
  namespace: z.string().min(1).optional().describe('Namespace of the stream.'),
  json_schema: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Path of a JSON schema of the records. Without it, where the format needs one, it is taken from the records.',
    ),
}

export const AirbyteSource = z.strictObject({
  type: z.literal('airbyte').describe('A command that speaks the Airbyte protocol.'),
  command: words.min(1, 'names no command').describe('Program and its first arguments.'),
  config: z
    .union([z.string().min(1), z.record(z.string(), z.unknown())])
    .default({})
    .describe(
      'Configuration of the source, or the path of its JSON file. Secrets can be `{ env }` or `{ file }` anywhere inside.',
    ),
  catalog: z
    .string()
    .min(1)
    .optional()
    .describe('Path of a configured catalog (JSON), in place of `streams` and `modes`.'),
  streams: z
    .union([z.literal('all'), words.min(1, 'names no stream')])
    .default('all')
    .describe('Streams that the source discovers: `all`, or these.'),
  modes: z
    .record(z.string(), WriteMode)
    .default({})
    .describe(
      'How single streams are written: `overwrite` reads everything each time; `append` and `append_dedup` read what is new where the source can tell.',
    ),
  exit_within: Duration.prefault('60s').describe(
    'A source that goes on for longer after its output has ended is ended (SIGTERM, then SIGKILL), and the sync is judged by what it said of its streams.',
  ),
})

const FileSource = z.strictObject({
  type: z.literal('files').describe('JSON lines, compressed (gzip, zstd) or not.'),
  paths: words.min(1, 'names no file').describe('Globs of files.'),
  ...stream,
})

const StdinSource = z.strictObject({
  type: z.literal('stdin').describe('JSON lines on standard input.'),
  ...stream,
})

const QuerySource = z.strictObject({
  type: z.literal('query').describe('A query over loaded datasets.'),
  sql: z.string().min(1).describe('DuckDB SQL; datasets have their feeds’ names.'),
  ...stream,
})

export const SourceSettings = z
  .discriminatedUnion('type', [AirbyteSource, FileSource, StdinSource, QuerySource])
  .describe('Where the records come from.')
export type SourceSettings = z.output<typeof SourceSettings>
export type AirbyteSource = z.output<typeof AirbyteSource>
/** A source of one stream. */
export type StreamSource = Exclude<SourceSettings, AirbyteSource>

export const SyncSettings = z
  .strictObject({
    destination: z.string().min(1).describe('Name of a destination.'),
    source: SourceSettings,
    mode: WriteMode.optional().describe(
      '`append` new objects beside the old ones, `overwrite` the old ones, or `append_dedup`: merge rows by key. Default `append`; of an Airbyte source what each stream is made for.',
    ),
    primary_key: z
      .array(FieldPath)
      .default([])
      .describe(
        'Fields that make up the key. A dot leads into an object; a list of names does, too, and they may hold dots: `[id, address.city, [address, zip.code]]`.',
      ),
    cursor_field: FieldPath.optional().describe(
      'Field that orders rows of one key, written as one of the key; the greatest stays. Default: the later row.',
    ),
  })
  .superRefine((sync, context) => {
    const wrong = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (sync.source.type === 'airbyte') {
      if (sync.primary_key.length > 0) wrong('primary_key', 'is for sources of one stream')
      if (sync.cursor_field !== undefined) wrong('cursor_field', 'is for sources of one stream')
      if (sync.source.catalog !== undefined && sync.mode !== undefined)
        wrong('mode', 'is said by the catalog')
    } else if (sync.mode === 'append_dedup' && sync.primary_key.length === 0) {
      wrong('primary_key', 'is missing; append_dedup merges rows by it')
    }
  })
export type SyncSettings = z.output<typeof SyncSettings>
