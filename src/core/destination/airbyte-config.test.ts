// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
import { describe, expect, test } from 'vitest'
import { readAirbyteConfig } from './airbyte-config.ts'
import { DEFAULT_FILE_NAME_PATTERN, DEFAULT_PATH_FORMAT } from './destination.ts'
import type { Output } from './output.ts'

const minimal = {
  access_key_id: 'AKIA',
  secret_access_key: 'sesame',
  s3_bucket_name: 'b',
  s3_bucket_path: 'p',
  s3_bucket_region: 'us-east-1',
  format: { format_type: 'JSONL' },
}

const read = (changes: object = {}, env: Record<string, string> = {}) =>
  readAirbyteConfig({ ...minimal, ...changes }, env)
const outputOf = (format: object): Output => read({ format }).destination.output
const keyless = { access_key_id: undefined, secret_access_key: undefined }

describe('the least configuration', () => {
  test('has every default', () => {
    expect(read()).toEqual({
      store: {
        type: 's3',
        bucket: 'b',
        prefix: '',
        region: 'us-east-1',
        force_path_style: false,
        requester_pays: false,
        allow_insecure: false,
        auth: { type: 'access_key', access_key_id: 'AKIA', secret_access_key: 'sesame' },
      },
      destination: {
        bucket_path: 'p',
        path_format: DEFAULT_PATH_FORMAT,
        file_name_pattern: DEFAULT_FILE_NAME_PATTERN,
        output: { type: 'jsonl', flatten: false, compression: 'gzip' },
        output_schema: 'v1',
        on_bad_value: 'null',
        keep_additional_properties: false,
        max_part_bytes: 209_715_200,
        max_part_age_ms: 900_000,
        memory_limit: '256MB',
      },
    })
  })

  test('takes properties nobody knows', () => {
    const unknown = {
      new_one: 1,
      format: { format_type: 'JSONL', other: {}, compression: { compression_type: 'GZIP', x: 1 } },
    }
    expect(read(unknown)).toEqual(read())
  })

  test('an empty text and a null are as good as nothing', () => {
    const blank = {
      role_arn: '',
      s3_endpoint: '',
      s3_path_format: '',
      file_name_pattern: '',
      event_time_field: null,
      max_part_rows: null,
      kms_key_id: '',
      output_schema: '',
      format: { format_type: 'JSONL', flattening: '', compression: null },
    }
    expect(read(blank)).toEqual(read())
  })

  test.each(['s3_bucket_name', 's3_bucket_path', 's3_bucket_region', 'format'])(
    '%s must be there',
    (name) => {
      expect(() => read({ [name]: undefined })).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(name) }),
      )
    },
  )

  test('faults name the place, never the value', () => {
    const broken = {
      access_key_id: { sesame: 1 },
      s3_bucket_name: '',
      format: { format_type: 'sesame' },
    }
    let message = ''
    try {
      read(broken)
    } catch (error) {
      message = String(error)
    }
    expect(message).toMatch(
      /access_key_id: .*\ns3_bucket_name: is empty\nformat.format_type: wanted/,
    )
    expect(message).not.toContain('sesame')
  })

  test.each([[undefined], [null], ['text'], [[]]])('%j is none', (value) => {
    expect(() => readAirbyteConfig(value, {})).toThrow(
      expect.objectContaining({ code: 'config_invalid' }),
    )
  })
})

describe('authentication', () => {
  const role_arn = 'arn:aws:iam::123456789012:role/writer'
  const env = {
    AWS_ACCESS_KEY_ID: 'AKIB',
    AWS_SECRET_ACCESS_KEY: 'open',
    AWS_ASSUME_ROLE_EXTERNAL_ID: 'workspace',
  }

  test('keys go before a role', () => {
    expect(read({ role_arn, session_token: 't' }, env).store.auth).toEqual({
      type: 'access_key',
      access_key_id: 'AKIA',
      secret_access_key: 'sesame',
      session_token: 't',
    })
  })

  test('a role is assumed by the keys of the environment', () => {
    const auth = {
      type: 'assume_role',
      role_arn,
      external_id: 'workspace',
      session_name: 'airbyte-sts-session',
      source: { access_key_id: 'AKIB', secret_access_key: 'open' },
    }
    expect(read({ ...keyless, role_arn }, env).store.auth).toEqual(auth)
    expect(read({ ...keyless, role_arn, external_id: 'own' }, env).store.auth).toEqual({
      ...auth,
      external_id: 'own',
    })
    expect(read({ ...keyless, role_arn }, { ...env, AWS_SESSION_TOKEN: 't' }).store.auth).toEqual({
      ...auth,
      source: { ...auth.source, session_token: 't' },
    })
  })

  test('or by the default chain, which is also what is left without keys and role', () => {
    expect(read({ ...keyless, role_arn }, { AWS_ACCESS_KEY_ID: 'AKIB' }).store.auth).toEqual({
      type: 'assume_role',
      role_arn,
      session_name: 'airbyte-sts-session',
    })
    expect(read({ access_key_id: '', secret_access_key: '' }, env).store.auth).toEqual({
      type: 'default_chain',
    })
  })

  test('one key of two is a mistake', () => {
    expect(() => read({ secret_access_key: '' })).toThrow('secret_access_key: is missing')
    expect(() => read({ access_key_id: undefined, role_arn })).toThrow('access_key_id: is missing')
  })
})

describe('endpoint and region', () => {
  test.each([
    ['http://localhost:9000', undefined, true, 'http://localhost:9000'],
    ['https://minio.example.com', false, false, 'https://minio.example.com'],
    ['minio.example.com:9000', undefined, true, 'https://minio.example.com:9000'],
    ['https://s3.eu-west-1.amazonaws.com', undefined, false, 'https://s3.eu-west-1.amazonaws.com'],
    [
      'https://s3.cn-north-1.amazonaws.com.cn',
      undefined,
      false,
      'https://s3.cn-north-1.amazonaws.com.cn',
    ],
    ['https://s3.eu-west-1.amazonaws.com', true, true, 'https://s3.eu-west-1.amazonaws.com'],
    ['https://amazonaws.com.example.org', undefined, true, 'https://amazonaws.com.example.org'],
  ])('%s, path_style %s', (s3_endpoint, path_style, force_path_style, endpoint) => {
    expect(read({ s3_endpoint, path_style }).store).toMatchObject({ endpoint, force_path_style })
  })

  test('the region may be empty beside an endpoint only, and be any other', () => {
    const s3_endpoint = 'http://localhost:9000'
    expect(read({ s3_endpoint, s3_bucket_region: '' }).store.region).toBe('us-east-1')
    expect(read({ s3_bucket_region: 'fr-par' }).store.region).toBe('fr-par')
    expect(() => read({ s3_bucket_region: '' })).toThrow('s3_bucket_region: is empty')
  })

  test('what is no URL is refused', () => {
    expect(() => read({ s3_endpoint: 'http://' })).toThrow('s3_endpoint: is no URL')
  })

  test('further settings of the store', () => {
    expect(read({ kms_key_id: 'k', allow_insecure: true }).store).toMatchObject({
      sse_kms_key_id: 'k',
      allow_insecure: true,
    })
  })
})

describe('format', () => {
  const dialect = {
    delimiter: ',',
    quote: '"',
    line_ending: '\r\n',
    header: true,
    byte_order_mark: false,
  }

  test.each([
    [
      { format_type: 'CSV', flattening: 'No flattening' },
      { type: 'csv', flatten: false, compression: 'gzip', dialect },
    ],
    [
      {
        format_type: 'csv',
        flattening: 'root level flattening',
        compression: { compression_type: 'no compression' },
      },
      { type: 'csv', flatten: true, compression: 'none', dialect },
    ],
    [
      {
        format_type: 'CSV',
        flattening: 'No flattening',
        compression: { compression_type: 'ZSTD' },
        delimiter: '\t',
        quote: "'",
        line_ending: 'LF',
        header: false,
        null_value: '',
        byte_order_mark: true,
      },
      {
        type: 'csv',
        flatten: false,
        compression: 'zstd',
        dialect: {
          delimiter: '\t',
          quote: "'",
          line_ending: '\n',
          header: false,
          null_value: '',
          byte_order_mark: true,
        },
      },
    ],
    [{ format_type: 'CSV' }, { type: 'csv', flatten: false, compression: 'gzip', dialect }],
    [
      { format_type: 'JSONL', compression: {} },
      { type: 'jsonl', flatten: false, compression: 'gzip' },
    ],
    [{ format_type: 'Avro' }, { type: 'avro', codec: { codec: 'none' } }],
    [
      { format_type: 'AVRO', compression_codec: {} },
      { type: 'avro', codec: { codec: 'none' } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'NO Compression' } },
      { type: 'avro', codec: { codec: 'none' } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'deflate' } },
      { type: 'avro', codec: { codec: 'deflate', level: 0 } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'Deflate', compression_level: 9 } },
      { type: 'avro', codec: { codec: 'deflate', level: 9 } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'BZIP2' } },
      { type: 'avro', codec: { codec: 'bzip2' } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'XZ' } },
      { type: 'avro', codec: { codec: 'xz', level: 6 } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'zstandard' } },
      { type: 'avro', codec: { codec: 'zstandard', level: 3, checksum: false } },
    ],
    [
      {
        format_type: 'Avro',
        compression_codec: { codec: 'Zstandard', compression_level: -5, include_checksum: true },
      },
      { type: 'avro', codec: { codec: 'zstandard', level: -5, checksum: true } },
    ],
    [
      { format_type: 'Avro', compression_codec: { codec: 'snappy' } },
      { type: 'avro', codec: { codec: 'snappy' } },
    ],
    [
      { format_type: 'Parquet' },
      {
        type: 'parquet',
        codec: 'uncompressed',
        row_group_bytes: 134_217_728,
        page_bytes: 1_048_576,
        dictionary_page_bytes: 1_048_576,
        dictionary: true,
      },
    ],
    [
      {
        format_type: 'Parquet',
        compression_codec: 'brotli',
        block_size_mb: 1,
        max_padding_size_mb: 3,
        page_size_kb: 8,
        dictionary_page_size_kb: 2,
        dictionary_encoding: false,
      },
      {
        type: 'parquet',
        codec: 'brotli',
        row_group_bytes: 1_048_576,
        page_bytes: 8192,
        dictionary_page_bytes: 2048,
        dictionary: false,
      },
    ],
  ])('%j', (format, output) => {
    expect(outputOf(format)).toEqual(output)
  })

  test.each(['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'LZ4', 'ZSTD'])(
    'Parquet with %s',
    (name) => {
      expect(outputOf({ format_type: 'Parquet', compression_codec: name })).toMatchObject({
        codec: name.toLowerCase(),
      })
    },
  )

  test('LZO is refused with what can be had', () => {
    expect(() => outputOf({ format_type: 'Parquet', compression_codec: 'LZO' })).toThrow(
      expect.objectContaining({
        code: 'codec_unsupported',
        hint: expect.stringMatching(/LZ4.*SNAPPY.*ZSTD/),
      }),
    )
  })

  test.each([
    ['Deflate', 10, 0, 9],
    ['Deflate', -1, 0, 9],
    ['xz', 10, 0, 9],
    ['zstandard', 23, -5, 22],
    ['zstandard', -6, -5, 22],
    ['zstandard', 1.5, -5, 22],
  ])('%s has no level %d', (codec, compression_level, min, max) => {
    expect(() =>
      outputOf({ format_type: 'Avro', compression_codec: { codec, compression_level } }),
    ).toThrow(
      expect.objectContaining({
        code: 'config_invalid',
        message: `Invalid compression level: ${compression_level}, expected an integer in range [${min}, ${max}]`,
      }),
    )
  })

  test.each([
    [{ format_type: 'XML' }, 'format.format_type: wanted'],
    [
      { format_type: 'Avro', compression_codec: { codec: 'lz4' } },
      'format.compression_codec.codec: wanted: no compression',
    ],
    [
      { format_type: 'JSONL', compression: { compression_type: 'LZ4' } },
      'format.compression.compression_type: wanted',
    ],
    [{ format_type: 'CSV', flattening: 'Deep' }, 'format.flattening'],
    [{ format_type: 'CSV', delimiter: '||' }, 'format.delimiter: one character'],
    [
      { format_type: 'CSV', delimiter: '"' },
      'format.delimiter: is the same character as the quote',
    ],
    [{ format_type: 'Parquet', block_size_mb: 0 }, 'format.block_size_mb'],
  ])('%j is refused', (format, why) => {
    expect(() => outputOf(format)).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(why) }),
    )
  })
})

describe('additions', () => {
  test('are all taken', () => {
    expect(
      read({
        s3_path_format: 'x/',
        file_name_pattern: '{part_number}',
        output_schema: 'v2',
        on_bad_value: 'fail',
        keep_additional_properties: true,
        max_part_mb: 0.5,
        max_part_rows: 10,
        max_part_age_seconds: 1.5,
        event_time_field: 'at',
        object_metadata: { team: 'data' },
        memory_limit: '1GB',
      }).destination,
    ).toEqual({
      bucket_path: 'p',
      path_format: 'x/',
      file_name_pattern: '{part_number}',
      output: { type: 'jsonl', flatten: false, compression: 'gzip' },
      output_schema: 'v2',
      on_bad_value: 'fail',
      keep_additional_properties: true,
      max_part_bytes: 524_288,
      max_part_rows: 10,
      max_part_age_ms: 1500,
      event_time_field: 'at',
      object_metadata: { team: 'data' },
      memory_limit: '1GB',
    })
  })

  test('an empty path format is meant where the bucket path names the stream', () => {
    const named = { s3_bucket_path: 'p/${STREAM_NAME}', s3_path_format: '' }
    expect(read(named).destination.path_format).toBe('')
  })

  test.each([
    [{ output_schema: 'v3' }, 'output_schema'],
    [{ max_part_mb: 0 }, 'max_part_mb'],
    [{ max_part_rows: 0.5 }, 'max_part_rows'],
    [{ max_part_age_seconds: -1 }, 'max_part_age_seconds'],
    [{ object_metadata: { 'A B': 'x' } }, 'object_metadata'],
    [{ memory_limit: 'much' }, 'memory_limit'],
  ])('%j is refused', (changes, why) => {
    expect(() => read(changes)).toThrow(why)
  })
})
