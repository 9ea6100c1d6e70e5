import { z } from 'zod'
import { DEFAULT_FILE_NAME_PATTERN, DEFAULT_PATH_FORMAT, type Destination } from './destination.ts'
import type { CsvDialect, TextCompression } from './output.ts'

/** Settings that the connector's configuration and `destinations:` of bucketline.yaml have in common. */

const title = (text: string, description: string) => ({ title: text, description })

export const PATH_FORMAT_TEXT =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
  'Directories and start of the name of each object, below the path. Variables: `${NAMESPACE}`, `${STREAM_NAME}`, `${YEAR}`, `${MONTH}`, `${DAY}`, `${HOUR}`, `${MINUTE}`, `${SECOND}`, `${MILLISECOND}`, `${EPOCH}` (all of the start of the sync, UTC), `${UUID}`, `${SYNC_ID}`, `${field:country}` for a field of each record and `{event:yyyy-MM-dd}` for its time.'
export const FILE_NAME_TEXT =
  'Name of each object, put right behind the path format. Placeholders: `{date}`, `{date:yyyy_MM}`, `{timestamp}`, `{timestamp:millis}`, `{timestamp:micros}`, `{part_number}`, `{sync_id}`, `{format_extension}`.'

/** What both add to the original settings; every one optional. */
export const SharedOptions = {
  output_schema: z
    .enum(['v1', 'v2'])
    .default('v1')
    .meta(
      title(
        'Output Schema',
        '`v1`: the columns `_airbyte_ab_id` and `_airbyte_emitted_at`; `v2`: `_airbyte_raw_id`, `_airbyte_extracted_at`, `_airbyte_meta` and `_airbyte_generation_id`.',
      ),
    ),
  on_bad_value: z
    .enum(['null', 'fail'])
    .default('null')
    .meta(
      title(
        'On Bad Value',
        'A value that fits no type of its field becomes null and is counted, or fails the sync.',
      ),
    ),
  keep_additional_properties: z
    .boolean()
    .default(false)
    .meta(
      title(
        'Keep Additional Properties',
        'With `v2`: keep fields the stream does not declare in `_airbyte_additional_properties`.',
      ),
    ),
  max_part_mb: z
    .number()
    .positive()
    .max(5_000_000)
    .default(200)
    .meta(title('Maximum Part Size', 'An object is closed at about this size; MiB, as stored.')),
  max_part_rows: z
    .int()
    .min(1)
    .optional()
    .meta(title('Maximum Part Rows', 'An object is closed at this many records.')),
  max_part_age_seconds: z
    .number()
    .positive()
    .max(31_536_000)
    .default(900)
    .meta(
      title('Maximum Part Age', 'An object is closed this long after its first record; seconds.'),
    ),
  event_time_field: z
    .string()
    .min(1)
    .optional()
    .meta(
      title(
        'Event Time Field',
        'Field at the root of records that `{event:…}` in the path takes its time from; without it the time of extraction.',
      ),
    ),
  object_metadata: z
    .record(z.string().regex(/^[a-z0-9_-]+$/, 'lower-case letters, digits, - and _'), z.string())
    .optional()
    .meta(title('Object Metadata', 'User metadata of each object, by name.')),
  memory_limit: z
    .string()
    .regex(/^\d+(\.\d+)?\s*(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/i, 'a size such as 256MB or 1GB')
    .default('256MB')
    .meta(
      title(
        'Memory Limit',
        'Memory for merging a stream with what was sent before; more is spilled to disk.',
      ),
    ),
}

/** One sign that can stand between or around fields. */
const sign = z.string().regex(/^[^\r\n]$/u, 'one character, and no line end')

export const DialectOptions = {
  delimiter: sign.default(',').meta(title('Delimiter', 'One character between fields.')),
  quote: sign
    .default('"')
    .meta(title('Quote', 'Character around texts; doubled where it stands inside of one.')),
  line_ending: z.enum(['CRLF', 'LF']).default('CRLF').meta(title('Line Ending', 'End of a row.')),
  header: z.boolean().default(true).meta(title('Header', 'Write the names of columns first.')),
  null_value: z
    .string()
    .optional()
    .meta(
      title(
        'Null Value',
        'Text of a value that is null or absent; default as the output schema says.',
      ),
    ),
  byte_order_mark: z
    .boolean()
    .default(false)
    .meta(title('Byte Order Mark', 'Begin each object with a UTF-8 byte order mark.')),
}

/** What a CSV format as a whole must fulfil. */
export const tellsQuoteFromDelimiter = (format: {
  readonly delimiter: string
  readonly quote: string
}): boolean => format.delimiter !== format.quote

type Output<Shape extends z.ZodRawShape> = z.output<z.ZodObject<Shape>>

export const dialectOf = (options: Output<typeof DialectOptions>): CsvDialect => ({
  delimiter: options.delimiter,
  quote: options.quote,
  line_ending: options.line_ending === 'LF' ? '\n' : '\r\n',
  header: options.header,
  ...(options.null_value === undefined ? {} : { null_value: options.null_value }),
  byte_order_mark: options.byte_order_mark,
})

/** `path_format` and `file_name_pattern` default; an empty pattern is none. */
export function destinationOf(
  options: Output<typeof SharedOptions>,
  own: {
    readonly bucket_path: string
    readonly path_format: string | undefined
    readonly file_name_pattern: string | undefined
    readonly output: Destination['output']
  },
): Destination {
  const { max_part_rows, event_time_field, object_metadata } = options
  return {
    bucket_path: own.bucket_path,
    path_format: pathFormatOf(own.bucket_path, own.path_format),
    file_name_pattern: own.file_name_pattern || DEFAULT_FILE_NAME_PATTERN,
    output: own.output,
    output_schema: options.output_schema,
    on_bad_value: options.on_bad_value,
    keep_additional_properties: options.keep_additional_properties,
    max_part_bytes: Math.max(1, Math.floor(options.max_part_mb * 1_048_576)),
    ...(max_part_rows === undefined ? {} : { max_part_rows }),
    max_part_age_ms: Math.ceil(options.max_part_age_seconds * 1000),
    ...(event_time_field === undefined ? {} : { event_time_field }),
    ...(object_metadata === undefined ? {} : { object_metadata }),
    memory_limit: options.memory_limit,
  }
}

/** A form sends an emptied field as an empty text. It is meant only where the bucket path names the stream. */
function pathFormatOf(bucket_path: string, path_format: string | undefined): string {
  const empty = path_format === undefined || path_format === ''
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the path.
  const meant = path_format === '' && bucket_path.includes('${STREAM_NAME}')
  return empty && !meant ? DEFAULT_PATH_FORMAT : (path_format as string)
}

export const TEXT_COMPRESSIONS = {
  'No Compression': 'none',
  GZIP: 'gzip',
  ZSTD: 'zstd',
} as const satisfies Record<string, TextCompression>
