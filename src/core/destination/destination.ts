import type { Output, OutputSchema } from './output.ts'

/** What is sent, how it is named and how large it gets, with every default filled in. */
export interface Destination {
  /** What every key starts with; may hold variables. */
  readonly bucket_path: string
  readonly path_format: string
  readonly file_name_pattern: string
  readonly output: Output
  readonly output_schema: OutputSchema
  readonly on_bad_value: 'null' | 'fail'
  /** v2: keep fields the stream does not declare in `_airbyte_additional_properties`. */
  readonly keep_additional_properties: boolean
  /** An object is closed at about this size. */
  readonly max_part_bytes: number
  readonly max_part_rows?: number
  /** An object is closed this long after its first record. */
  readonly max_part_age_ms: number
  /** Field at the root of records that `{event:…}` takes its time from. */
  readonly event_time_field?: string
  /** User metadata of each object. */
  readonly object_metadata?: Readonly<Record<string, string>>
  /** Memory for a merge, as DuckDB spells it. */
  readonly memory_limit: string
}

export const DEFAULT_PATH_FORMAT =
  // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
  '${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_'
export const DEFAULT_FILE_NAME_PATTERN = '{part_number}{format_extension}'
