import { z } from 'zod'
import { avroCodec } from './compression-level.ts'
import { DEFAULT_FILE_NAME_PATTERN, DEFAULT_PATH_FORMAT, type Destination } from './destination.ts'
import {
  DialectOptions,
  destinationOf,
  dialectOf,
  FILE_NAME_TEXT,
  PATH_FORMAT_TEXT,
  SharedOptions,
  tellsQuoteFromDelimiter,
} from './options.ts'
import type { Output } from './output.ts'

/** `destinations:` of bucketline.yaml. */

const flatten = z
  .boolean()
  .default(false)
  .describe('Make the fields of a record columns of their own.')
const compression = z
  .enum(['none', 'gzip', 'zstd'])
  .default('gzip')
  .describe('Compression of whole objects.')

export const DestinationFormat = z
  .discriminatedUnion('type', [
    z
      .strictObject({ type: z.literal('csv'), flatten, compression, ...DialectOptions })
      .refine(tellsQuoteFromDelimiter, {
        error: 'is the same character as the quote',
        path: ['delimiter'],
      }),
    z.strictObject({ type: z.literal('jsonl'), flatten, compression }),
    z.strictObject({
      type: z.literal('avro'),
      codec: z
        .enum(['none', 'deflate', 'bzip2', 'xz', 'zstandard', 'snappy'])
        .default('none')
        .describe('Compression of blocks.'),
      level: z
        .int()
        .optional()
        .describe(
          'deflate 0 to 9, default 0; xz 0 to 9, default 6; zstandard -5 to 22, default 3.',
        ),
      checksum: z.boolean().default(false).describe('zstandard: put a checksum into each block.'),
    }),
    z.strictObject({
      type: z.literal('parquet'),
      codec: z
        .enum(['uncompressed', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd'])
        .default('snappy')
        .describe('Compression of pages.'),
      row_group_mb: z
        .int()
        .min(1)
        .max(4096)
        .default(128)
        .describe('Size of a row group before compression; MiB.'),
      page_kb: z
        .int()
        .min(1)
        .max(1_048_576)
        .default(1024)
        .describe('Size of a data page before compression; KiB.'),
      dictionary_page_kb: z
        .int()
        .min(1)
        .max(1_048_576)
        .default(1024)
        .describe('Size up to which a column’s values are kept in a dictionary; KiB.'),
      dictionary: z.boolean().default(true).describe('Write repeated values once.'),
    }),
  ])
  .describe('How objects are encoded.')

export const DestinationSettings = z.strictObject({
  store: z.string().min(1).describe('Name of a store.'),
  path: z
    .string()
    .default('')
    .describe('Directory in the store under which everything is written; variables work here too.'),
  path_format: z.string().default(DEFAULT_PATH_FORMAT).describe(PATH_FORMAT_TEXT),
  file_name_pattern: z.string().min(1).default(DEFAULT_FILE_NAME_PATTERN).describe(FILE_NAME_TEXT),
  format: DestinationFormat,
  ...SharedOptions,
})
export type DestinationSettings = z.output<typeof DestinationSettings>

/** Completes the settings. Throws `config_invalid` for a compression level that the codec does not have. */
export const readDestination = (settings: DestinationSettings): Destination =>
  destinationOf(settings, {
    bucket_path: settings.path,
    path_format: settings.path_format,
    file_name_pattern: settings.file_name_pattern,
    output: outputOf(settings.format),
  })

function outputOf(format: DestinationSettings['format']): Output {
  switch (format.type) {
    case 'csv':
      return {
        type: 'csv',
        flatten: format.flatten,
        compression: format.compression,
        dialect: dialectOf(format),
      }
    case 'jsonl':
      return format
    case 'avro':
      return { type: 'avro', codec: avroCodec(format) }
    case 'parquet':
      return {
        type: 'parquet',
        codec: format.codec,
        row_group_bytes: format.row_group_mb * 1_048_576,
        page_bytes: format.page_kb * 1024,
        dictionary_page_bytes: format.dictionary_page_kb * 1024,
        dictionary: format.dictionary,
      }
  }
}
