import { expect, test } from 'vitest'
import { readAirbyteConfig } from './airbyte-config.ts'
import { DestinationSettings, readDestination } from './destination-settings.ts'

const read = (settings: object) =>
  readDestination(DestinationSettings.parse({ store: 'lake', ...settings }))

test('defaults are the connector’s', () => {
  const { destination } = readAirbyteConfig(
    {
      s3_bucket_name: 'b',
      s3_bucket_path: 'p',
      s3_bucket_region: 'us-east-1',
      format: { format_type: 'CSV', flattening: 'No flattening' },
    },
    {},
  )
  expect(read({ path: 'p', format: { type: 'csv' } })).toEqual(destination)
})

test.each([
  [{ type: 'jsonl' }, { type: 'jsonl', flatten: false, compression: 'gzip' }],
  [
    { type: 'jsonl', flatten: true, compression: 'zstd' },
    { type: 'jsonl', flatten: true, compression: 'zstd' },
  ],
  [
    { type: 'csv', compression: 'none', delimiter: ';', line_ending: 'LF', null_value: 'NULL' },
    {
      type: 'csv',
      flatten: false,
      compression: 'none',
      dialect: {
        delimiter: ';',
        quote: '"',
        line_ending: '\n',
        header: true,
        null_value: 'NULL',
        byte_order_mark: false,
      },
    },
  ],
  [{ type: 'avro' }, { type: 'avro', codec: { codec: 'none' } }],
  [
    { type: 'avro', codec: 'zstandard', level: 22, checksum: true },
    { type: 'avro', codec: { codec: 'zstandard', level: 22, checksum: true } },
  ],
  [
    { type: 'avro', codec: 'xz' },
    { type: 'avro', codec: { codec: 'xz', level: 6 } },
  ],
  [
    { type: 'parquet' },
    {
      type: 'parquet',
      codec: 'snappy',
      row_group_bytes: 134_217_728,
      page_bytes: 1_048_576,
      dictionary_page_bytes: 1_048_576,
      dictionary: true,
    },
  ],
  [
    {
      type: 'parquet',
      codec: 'zstd',
      row_group_mb: 1,
      page_kb: 8,
      dictionary_page_kb: 4,
      dictionary: false,
    },
    {
      type: 'parquet',
      codec: 'zstd',
      row_group_bytes: 1_048_576,
      page_bytes: 8192,
      dictionary_page_bytes: 4096,
      dictionary: false,
    },
  ],
])('%j', (format, output) => {
  expect(read({ format }).output).toEqual(output)
})

test('takes the further settings', () => {
  const settings = {
    path_format: 'x/',
    file_name_pattern: '{timestamp}',
    output_schema: 'v2',
    on_bad_value: 'fail',
    keep_additional_properties: true,
    max_part_rows: 5,
    event_time_field: 'at',
    object_metadata: { a: 'b' },
    memory_limit: '512MiB',
  }
  const { output, max_part_bytes, max_part_age_ms, ...rest } = read({
    ...settings,
    path: 'p',
    max_part_mb: 1,
    max_part_age_seconds: 60,
    format: { type: 'jsonl' },
  })
  expect([max_part_bytes, max_part_age_ms]).toEqual([1_048_576, 60_000])
  expect(rest).toEqual({ bucket_path: 'p', ...settings })
})

test.each([
  [{ format: { type: 'jsonl' }, stroe: 1 }, 'stroe'],
  [{ format: { type: 'parquet', codec: 'lzo' } }, 'codec'],
  [{ format: { type: 'csv', delimiter: '"' } }, 'same character'],
  [
    { format: { type: 'avro', codec: 'deflate', level: 10 } },
    'Invalid compression level: 10, expected an integer in range [0, 9]',
  ],
])('%j is refused', (settings, why) => {
  expect(() => read(settings)).toThrow(why)
})
