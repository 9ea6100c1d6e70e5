import { z } from 'zod'
import { ExchangeError } from '../errors.ts'
import { AVRO_LEVELS, avroCodec } from './compression-level.ts'
import { DialectOptions, dialectOf, TEXT_COMPRESSIONS, tellsQuoteFromDelimiter } from './options.ts'
import type { AvroCodec, Output, ParquetCodec } from './output.ts'

/** `format` of the connector's configuration: names and values as platforms store them. */

/** The field that tells a variant; forms need both its constant and a default of it. */
const tag = <Name extends string>(name: Name) =>
  z.literal(name).meta({ enum: [name], default: name })

const Flattening = z
  .enum(['No flattening', 'Root level flattening'])
  .default('No flattening')
  .meta({
    title: 'Flattening',
    description: 'Whether the fields of a record become columns of their own.',
  })

const TextCompression = z
  .discriminatedUnion(
    'compression_type',
    [
      z
        .looseObject({ compression_type: tag('No Compression') })
        .meta({ title: 'No Compression', required: ['compression_type'] }),
      z
        .looseObject({ compression_type: tag('GZIP') })
        .meta({ title: 'GZIP', required: ['compression_type'] }),
      z
        .looseObject({ compression_type: tag('ZSTD') })
        .meta({ title: 'ZSTD', required: ['compression_type'] }),
    ],
    { error: 'wanted: No Compression, GZIP or ZSTD' },
  )
  .default({ compression_type: 'GZIP' })
  .meta({
    title: 'Compression',
    description: 'Compression of whole objects; `.gz` or `.zst` is added to the extension.',
    type: 'object',
  })

const level = (codec: keyof typeof AVRO_LEVELS, description: string) =>
  z
    // Checked by `avroCodec`, which says it in the words platforms know.
    .number()
    .default(AVRO_LEVELS[codec].default)
    .meta({
      title: 'Compression Level',
      description,
      type: 'integer',
      minimum: AVRO_LEVELS[codec].min,
      maximum: AVRO_LEVELS[codec].max,
    })

const AvroCompression = z
  .discriminatedUnion(
    'codec',
    [
      z.looseObject({ codec: tag('no compression') }).meta({ title: 'No Compression' }),
      z
        .looseObject({
          codec: tag('Deflate'),
          compression_level: level('deflate', '0: none and fastest; 9: smallest and slowest.'),
        })
        .meta({ title: 'Deflate', required: ['codec', 'compression_level'] }),
      z.looseObject({ codec: tag('bzip2') }).meta({ title: 'bzip2' }),
      z
        .looseObject({
          codec: tag('xz'),
          compression_level: level('xz', '0: fastest; 9: smallest, with the most memory.'),
        })
        .meta({ title: 'xz', required: ['codec', 'compression_level'] }),
      z
        .looseObject({
          codec: tag('zstandard'),
          compression_level: level('zstandard', '-5: fastest; 22: smallest, with the most memory.'),
          include_checksum: z
            .boolean()
            .default(false)
            .meta({ title: 'Include Checksum', description: 'Put a checksum into each block.' }),
        })
        .meta({ title: 'zstandard', required: ['codec', 'compression_level'] }),
      z.looseObject({ codec: tag('snappy') }).meta({ title: 'snappy' }),
    ],
    { error: 'wanted: no compression, Deflate, bzip2, xz, zstandard or snappy' },
  )
  .default({ codec: 'no compression' })
  .meta({ title: 'Compression Codec', description: 'Compression of blocks.', type: 'object' })

const size = (description: string, limits: { usual: number; most: number; title: string }) =>
  z.int().min(1).max(limits.most).default(limits.usual).meta({ title: limits.title, description })

const CsvFormat = z
  .looseObject({
    format_type: tag('CSV'),
    flattening: Flattening,
    compression: TextCompression,
    ...DialectOptions,
  })
  .refine(tellsQuoteFromDelimiter, {
    error: 'is the same character as the quote',
    path: ['delimiter'],
  })
  .meta({ title: 'CSV: rows of text', required: ['format_type', 'flattening'] })

const JsonlFormat = z
  .looseObject({
    format_type: tag('JSONL'),
    flattening: Flattening,
    compression: TextCompression,
  })
  .meta({ title: 'JSON Lines: a JSON object on each line' })

const AvroFormat = z
  .looseObject({ format_type: tag('Avro'), compression_codec: AvroCompression })
  .meta({
    title: 'Avro: binary rows with a schema',
    required: ['format_type', 'compression_codec'],
  })

const PARQUET_CODECS = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD'] as const

const ParquetFormat = z
  .looseObject({
    format_type: tag('Parquet'),
    compression_codec: z.enum(PARQUET_CODECS).default('UNCOMPRESSED').meta({
      title: 'Compression Codec',
      description: 'Compression of pages. LZO is refused: few readers have it; LZ4 is like it.',
    }),
    block_size_mb: size(
      'Size of a row group in MiB, before compression: larger reads better, and takes more memory to write.',
      { title: 'Row Group Size', usual: 128, most: 4096 },
    ),
    max_padding_size_mb: z.int().min(0).default(8).meta({
      title: 'Maximum Padding',
      description: 'Without effect: objects have no blocks to align row groups with. MiB.',
    }),
    page_size_kb: size('Size of a data page in KiB, before compression.', {
      title: 'Page Size',
      usual: 1024,
      most: 1_048_576,
    }),
    dictionary_page_size_kb: size(
      'Size in KiB up to which a column’s values are kept in a dictionary.',
      { title: 'Dictionary Page Size', usual: 1024, most: 1_048_576 },
    ),
    dictionary_encoding: z
      .boolean()
      .default(true)
      .meta({ title: 'Dictionary Encoding', description: 'Write repeated values once.' }),
  })
  .meta({ title: 'Parquet: columns' })

export const AirbyteFormat = z
  .discriminatedUnion('format_type', [CsvFormat, JsonlFormat, AvroFormat, ParquetFormat], {
    error: 'wanted: a format_type of CSV, JSONL, Avro or Parquet',
  })
  .meta({ title: 'Output Format', description: 'How objects are encoded.', type: 'object' })
export type AirbyteFormat = z.output<typeof AirbyteFormat>

const CODECS: Readonly<Record<string, AvroCodec['codec']>> = {
  'no compression': 'none',
  Deflate: 'deflate',
  bzip2: 'bzip2',
  xz: 'xz',
  zstandard: 'zstandard',
  snappy: 'snappy',
}

/**
 * What is written. Throws `codec_unsupported` for LZO and `config_invalid` for a level out of range.
 */
export function outputOf(format: AirbyteFormat): Output {
  switch (format.format_type) {
    case 'CSV':
      return { type: 'csv', ...textOf(format), dialect: dialectOf(format) }
    case 'JSONL':
      return { type: 'jsonl', ...textOf(format) }
    case 'Avro': {
      const { codec: name, ...rest } = format.compression_codec
      const codec = CODECS[name] as AvroCodec['codec']
      const { compression_level: level, include_checksum: checksum } = rest as {
        compression_level?: number
        include_checksum?: boolean
      }
      return { type: 'avro', codec: avroCodec({ codec, level, checksum }) }
    }
    case 'Parquet':
      return {
        type: 'parquet',
        codec: parquetCodec(format.compression_codec),
        row_group_bytes: format.block_size_mb * 1_048_576,
        page_bytes: format.page_size_kb * 1024,
        dictionary_page_bytes: format.dictionary_page_size_kb * 1024,
        dictionary: format.dictionary_encoding,
      }
  }
}

const textOf = ({
  flattening,
  compression,
}: Pick<z.output<typeof JsonlFormat>, 'flattening' | 'compression'>) => ({
  flatten: flattening === 'Root level flattening',
  compression: TEXT_COMPRESSIONS[compression.compression_type],
})

function parquetCodec(name: (typeof PARQUET_CODECS)[number]): ParquetCodec {
  if (name === 'LZO') {
    throw new ExchangeError('codec_unsupported', 'Parquet cannot be written with LZO.', {
      hint: 'Choose LZ4, which is as fast, or SNAPPY, ZSTD, GZIP, BROTLI or UNCOMPRESSED.',
    })
  }
  return name.toLowerCase() as ParquetCodec
}

const NAMES: Readonly<Record<string, readonly string[]>> = {
  format_type: ['CSV', 'JSONL', 'Avro', 'Parquet'],
  flattening: ['No flattening', 'Root level flattening'],
  compression_type: Object.keys(TEXT_COMPRESSIONS),
  codec: Object.keys(CODECS),
  line_ending: ['CRLF', 'LF'],
}

/**
 * The format in the spelling of the schema: names of formats, codecs and kinds are told apart without
 * regard to case, as platforms have stored them in several; nulls, and empty texts where none is
 * meant, are left out, and with them the codec of an `{}`.
 */
export function spellFormat(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const spelled: Record<string, unknown> = {}
  for (const [name, each] of Object.entries(value)) {
    if (each === null || (each === '' && name !== 'null_value')) continue
    const names = name === 'compression_codec' ? PARQUET_CODECS : (NAMES[name] ?? [])
    const inner = spellFormat(each)
    if (typeof inner !== 'string') {
      const tagless = ['compression', 'compression_codec'].includes(name) && isEmpty(inner)
      if (!tagless) spelled[name] = inner
    } else spelled[name] = names.find((known) => same(known, inner)) ?? inner
  }
  return spelled
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !('codec' in value || 'compression_type' in value)
