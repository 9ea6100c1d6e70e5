// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
import { describe, expect, test } from 'vitest'
import { airbyteSpec } from './spec.ts'

interface Field {
  readonly type?: string
  readonly title?: string
  readonly description?: string
  readonly order?: number
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly examples?: readonly unknown[]
  readonly airbyte_secret?: boolean
  readonly additionalProperties?: unknown
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Field>>
  readonly oneOf?: readonly Field[]
}

const spec = airbyteSpec() as { connectionSpecification: Field } & Record<string, unknown>
const form = spec.connectionSpecification
const fields = form.properties ?? {}
const variant = (field: Field | undefined, tag: string, value: string): Field => {
  const found = field?.oneOf?.find((each) => each.properties?.[tag]?.const === value)
  if (found === undefined) throw new Error(`no ${tag} ${value}`)
  return found
}
const format = (name: string) => variant(fields.format, 'format_type', name)

test('says what the destination can do', () => {
  const { connectionSpecification: _, ...rest } = spec
  expect(rest).toEqual({
    documentationUrl: 'https://docs.airbyte.com/integrations/destinations/s3',
    supportsIncremental: true,
    supportsNormalization: false,
    supportsDBT: false,
    supported_destination_sync_modes: ['overwrite', 'append', 'append_dedup'],
    protocol_version: '0.2.0',
  })
})

describe('the original properties', () => {
  test.each([
    ['access_key_id', 0, 'string', undefined, true],
    ['secret_access_key', 1, 'string', undefined, true],
    ['role_arn', 2, 'string', undefined, undefined],
    ['s3_bucket_name', 3, 'string', undefined, undefined],
    ['s3_bucket_path', 4, 'string', undefined, undefined],
    ['s3_bucket_region', 5, 'string', '', undefined],
    ['format', 6, 'object', undefined, undefined],
    ['s3_endpoint', 7, 'string', '', undefined],
    ['s3_path_format', 8, 'string', undefined, undefined],
    ['file_name_pattern', 9, 'string', undefined, undefined],
  ])('%s is the %ith', (name, order, type, usual, airbyte_secret) => {
    const field = fields[name]
    expect([field?.order, field?.type, field?.default, field?.airbyte_secret]).toEqual([
      order,
      type,
      usual,
      airbyte_secret,
    ])
  })

  test('have their title, requirements, regions and examples', () => {
    expect(form.title).toBe('S3 Destination Spec')
    expect(form.type).toBe('object')
    expect(form.additionalProperties).toBe(true)
    expect(form.required).toEqual([
      's3_bucket_name',
      's3_bucket_path',
      's3_bucket_region',
      'format',
    ])
    const regions =
      ' af-south-1 ap-east-1 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 sa-east-1 us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2'
    expect(fields.s3_bucket_region?.enum).toEqual(regions.split(' '))
    expect(fields.s3_path_format?.examples).toEqual([
      '${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_',
    ])
    expect(fields.file_name_pattern?.examples).toEqual([
      '{date}',
      '{date:yyyy_MM}',
      '{timestamp}',
      '{part_number}',
      '{sync_id}',
    ])
  })
})

describe('formats', () => {
  test.each([
    ['CSV', ['format_type', 'flattening']],
    ['JSONL', ['format_type']],
    ['Avro', ['format_type', 'compression_codec']],
    ['Parquet', ['format_type']],
  ])('%s wants %j', (name, required) => {
    expect(format(name).required).toEqual(required)
  })

  test.each(['CSV', 'JSONL'])('%s has flattening and compression', (name) => {
    const { flattening, compression } = format(name).properties ?? {}
    expect(flattening?.enum).toEqual(['No flattening', 'Root level flattening'])
    expect(flattening?.default).toBe('No flattening')
    expect(compression?.default).toEqual({ compression_type: 'GZIP' })
    expect(compression?.oneOf?.map((each) => each.properties?.compression_type?.const)).toEqual([
      'No Compression',
      'GZIP',
      'ZSTD',
    ])
  })

  test.each([
    ['no compression', ['codec'], []],
    ['Deflate', ['codec', 'compression_level'], [0, 9, 0]],
    ['bzip2', ['codec'], []],
    ['xz', ['codec', 'compression_level'], [0, 9, 6]],
    ['zstandard', ['codec', 'compression_level'], [-5, 22, 3]],
    ['snappy', ['codec'], []],
  ])('Avro with %s', (codec, required, level) => {
    const found = variant(format('Avro').properties?.compression_codec, 'codec', codec)
    expect(found.required).toEqual(required)
    const { minimum, maximum, default: usual, type } = found.properties?.compression_level ?? {}
    expect([minimum, maximum, usual].filter((each) => each !== undefined)).toEqual(level)
    expect(type).toBe(level.length === 0 ? undefined : 'integer')
    expect(found.properties?.include_checksum?.default).toBe(
      codec === 'zstandard' ? false : undefined,
    )
  })

  test('Parquet has its sizes', () => {
    const properties = format('Parquet').properties ?? {}
    expect(
      Object.entries(properties).map(([name, each]) => [name, each.type, each.default, each.enum]),
    ).toEqual([
      ['format_type', 'string', 'Parquet', ['Parquet']],
      [
        'compression_codec',
        'string',
        'UNCOMPRESSED',
        ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'LZO', 'BROTLI', 'LZ4', 'ZSTD'],
      ],
      ['block_size_mb', 'integer', 128, undefined],
      ['max_padding_size_mb', 'integer', 8, undefined],
      ['page_size_kb', 'integer', 1024, undefined],
      ['dictionary_page_size_kb', 'integer', 1024, undefined],
      ['dictionary_encoding', 'boolean', true, undefined],
    ])
  })
})

test('additions come last, each with a title, and none is required', () => {
  const additions = Object.entries(fields).filter(([, { order = 0 }]) => order > 9)
  expect(additions.map(([name]) => name)).toEqual([
    'output_schema',
    'on_bad_value',
    'keep_additional_properties',
    'max_part_mb',
    'max_part_rows',
    'max_part_age_seconds',
    'event_time_field',
    'object_metadata',
    'memory_limit',
    'kms_key_id',
    'session_token',
    'external_id',
    'path_style',
    'allow_insecure',
  ])
  expect(Object.values(fields).map(({ order }) => order)).toEqual(
    Object.keys(fields).map((_, at) => at),
  )
})

test('every field and choice can be shown', () => {
  const walk = (field: Field, path: string): string[] => [
    ...Object.entries(field.properties ?? {}).flatMap(([name, each]) => [
      ...(each.const === undefined && !(each.title && each.description) ? [`${path}${name}`] : []),
      ...(each.const !== undefined && each.default !== each.const ? [`${path}${name}: tag`] : []),
      ...walk(each, `${path}${name}.`),
    ]),
    ...(field.oneOf ?? []).flatMap((each, at) => [
      ...(each.title && each.type === 'object' && each.required ? [] : [`${path}${at}`]),
      ...(each.additionalProperties === true ? [] : [`${path}${at}: closed`]),
      ...walk(each, `${path}${at}.`),
    ]),
  ]
  expect(walk(form, '')).toEqual([])
  expect(JSON.stringify(spec)).not.toContain(String(Number.MAX_SAFE_INTEGER))
})
