import { z } from 'zod'
import { isZone } from './zone.ts'

/** Parts of the configuration that describe how a feed's data looks. `config.ts` puts them together. */

const duration = /^(\d+)\s*(ms|s|m|h|d)$/
const unit_ms = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `2h`, `7d` as milliseconds. */
export const Duration = z
  .string()
  .regex(duration, 'a duration such as 90s, 15m, 2h or 7d')
  .transform((text) => {
    const [, count, unit] = duration.exec(text) ?? []
    return Number(count) * unit_ms[unit as keyof typeof unit_ms]
  })

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

const Compression = z
  .enum(['auto', 'none', 'gzip', 'zstd', 'bzip2', 'xz', 'zip'])
  .default('auto')
  .describe('Compression of the objects; `auto` looks at their first bytes, never at the suffix.')

const Encoding = z
  .string()
  .refine(isEncoding, 'is no encoding; wanted: a WHATWG name such as utf-8, windows-1252 or euc-kr')
  .default('utf-8')
  .describe('Character encoding, by its WHATWG name (`utf-8`, `windows-1252`, `euc-kr` …).')

const Times = z
  .strictObject({
    formats: z
      .array(z.string())
      .default([])
      .describe('Further patterns of times in text, in strptime letters; ISO 8601 is always read.'),
    epoch_unit: z
      .enum(['s', 'ms', 'us', 'ns'])
      .optional()
      .describe(
        'Numbers in time columns are counts of this unit since 1970; without it they are refused.',
      ),
    zone: z
      .string()
      .refine(isZone, 'an IANA zone such as Asia/Seoul')
      .optional()
      .describe('IANA zone of times that name none; default is the contract’s, else UTC.'),
  })
  .prefault({})
  .describe('How times are written.')

const common = {
  compression: Compression,
  times: Times,
  max_row_bytes: z
    .int()
    .min(1)
    .default(16_777_216)
    .describe('A longer row is refused as `line_too_long`; bytes.'),
  max_expanded_bytes: z
    .int()
    .min(1)
    .default(107_374_182_400)
    .describe('An object that decompresses to more is refused as `too_large`; bytes.'),
}

export const ParquetFormat = z.strictObject({ type: z.literal('parquet'), ...common })

export const JsonlFormat = z.strictObject({
  type: z.literal('jsonl'),
  ...common,
  encoding: Encoding,
  max_depth: z.int().min(1).default(128).describe('Deeper JSON is refused as `too_deep`.'),
  repair: z
    .array(z.enum(['empty_value', 'trailing_comma']))
    .default([])
    .describe(
      'Defects read over and counted instead of refused: `"a": ,` as null, a comma before a closing bracket.',
    ),
})

export const CsvFormat = z.strictObject({
  type: z.literal('csv'),
  ...common,
  encoding: Encoding,
  delimiter: z.string().length(1).default(',').describe('One character between fields.'),
  quote: z
    .string()
    .length(1)
    .default('"')
    .describe('Character around fields that hold delimiters or newlines.'),
  escape: z
    .string()
    .length(1)
    .default('"')
    .describe('Character that escapes a quote inside quotes.'),
  header: z
    .union([z.literal(true), z.array(z.string()).min(1)])
    .default(true)
    .describe(
      '`true`: names are in the first line; a list: there is no header and these are the names.',
    ),
  null_text: z.array(z.string()).default(['']).describe('Unquoted texts that mean null.'),
  skip_lines: z.int().min(0).default(0).describe('Lines to pass over before the header.'),
})

export const AutoFormat = z.strictObject({
  type: z.literal('auto'),
  ...common,
  encoding: Encoding,
  max_depth: JsonlFormat.shape.max_depth,
  repair: JsonlFormat.shape.repair,
  delimiter: CsvFormat.shape.delimiter,
  quote: CsvFormat.shape.quote,
  escape: CsvFormat.shape.escape,
  header: CsvFormat.shape.header,
  null_text: CsvFormat.shape.null_text,
  skip_lines: CsvFormat.shape.skip_lines,
})

export const Format = z
  .discriminatedUnion('type', [ParquetFormat, JsonlFormat, CsvFormat, AutoFormat])
  .refine((format) => !('delimiter' in format) || format.delimiter !== format.quote, {
    error: 'is the same character as the quote',
    path: ['delimiter'],
  })
  .describe(
    'How objects are encoded. `auto` tells Parquet, JSON lines and CSV apart by content and key, per object.',
  )
export type FormatSettings = z.output<typeof Format>

export const Completion = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z
        .literal('marker')
        .describe('A partition is complete when a marker object lies in it.'),
      name: z.string().default('_SUCCESS').describe('Name of the marker inside the partition.'),
      allow_content: z.boolean().default(false).describe('Accept a marker that is not empty.'),
    }),
    z.strictObject({
      type: z.literal('immediate').describe('Each object is loaded as it appears.'),
    }),
    z.strictObject({
      type: z
        .literal('quiet_period')
        .describe('A partition is complete when nothing in it changed for a while.'),
      quiet: Duration.prefault('15m').describe('How long nothing may have changed.'),
    }),
    z.strictObject({
      type: z.literal('manifest').describe('A listed object names the parts of the partition.'),
      name: z
        .string()
        .default('manifest.json')
        .describe('Name of the manifest inside the partition.'),
    }),
  ])
  .describe('When a partition is complete.')
export type CompletionSettings = z.output<typeof Completion>

export const Deduplicate = z
  .discriminatedUnion('scope', [
    z.strictObject({ scope: z.literal('partition') }),
    z.strictObject({
      scope: z.literal('days'),
      days: z.int().min(1).describe('Partitions this many days around are compared.'),
    }),
    z.strictObject({ scope: z.literal('feed') }),
  ])
  .describe('How far duplicates of the contract’s primary key are looked for.')
