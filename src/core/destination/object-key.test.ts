// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
import { describe, expect, test } from 'vitest'
import { DEFAULT_FILE_NAME_PATTERN, DEFAULT_PATH_FORMAT } from './destination.ts'
import { type KeyFacts, objectKey } from './object-key.ts'
import { parseDestinationPath } from './path-format.ts'

const started = new Date('2020-01-02T03:04:05.678Z')

const facts: KeyFacts = {
  stream: { name: 'users', namespace: 'public' },
  started_at: started,
  uploaded_at_micros: BigInt(Date.UTC(2021, 5, 7, 8, 9, 10, 11)) * 1000n + 12n,
  sync_id: '444',
  part_number: 123,
  uuid: () => '6d1b2c3d-0000-4000-8000-00000000000a',
  extension: '.csv.gz',
  partition: [],
}

function write(settings: {
  bucket_path?: string
  path_format?: string
  file_name_pattern?: string
  event_time_field?: string
  facts?: Partial<KeyFacts>
}): string {
  const path = parseDestinationPath({
    bucket_path: 'prefix',
    path_format: DEFAULT_PATH_FORMAT,
    file_name_pattern: DEFAULT_FILE_NAME_PATTERN,
    ...settings,
  })
  return objectKey(path, { ...facts, ...settings.facts })
}

describe('keys as the Airbyte destination writes them', () => {
  test('by default', () => {
    expect(
      write({
        bucket_path: 'data_output_path',
        facts: { started_at: new Date('2021-01-01T00:00:00Z'), part_number: 0 },
      }),
    ).toBe('data_output_path/public/users/2021_01_01_1609459200000_0.csv.gz')
  })

  test('with characters of all kinds in names', () => {
    expect(
      write({
        bucket_path: 'this_is_my_bucket_path',
        path_format: '${NAMESPACE}/${STREAM_NAME}/p_date=${YEAR}-${MONTH}-${DAY}/p_hour=${HOUR}/',
        file_name_pattern: '{sync_id}_part_{part_number}{format_extension}',
        facts: {
          stream: {
            namespace: "namespace9/!_.*')(&$@=;:+,?-^",
            name: "stream_name7/!_.*')(&$@=;:+,?-^",
          },
          extension: '',
        },
      }),
    ).toBe(
      "this_is_my_bucket_path/namespace9/!_.*')(&$@=;:+,?-_/stream_name7/!_.*')(&$@=;:+,?-_/p_date=2020-01-02/p_hour=03/444_part_123",
    )
  })

  test('with every variable and placeholder', () => {
    const millis = started.getTime()
    expect(
      write({
        path_format:
          '${SYNC_ID}/${NAMESPACE}/${STREAM_NAME}/${YEAR}/${MONTH}/${DAY}/${HOUR}/${MINUTE}/${SECOND}/${MILLISECOND}/${EPOCH}/',
        file_name_pattern:
          '{date}-{date:yyyy_MM}-{timestamp}-{part_number}-{sync_id}{format_extension}',
        facts: { sync_id: '42', part_number: 173, extension: '.jsonl.gz' },
      }),
    ).toBe(
      `prefix/42/public/users/2020/01/02/03/04/05/0678/${millis}/2021_06_07-2021_06-1623053350011-173-42.jsonl.gz`,
    )
  })

  test.each([
    ['{timestamp:millis}', '1623053350011'],
    ['{timestamp:micro}', '1623053350011012'],
    ['{timestamp:micros}', '1623053350011012'],
    ["{date:yyyy-MM-dd'T'HH.mm.ss.SSS}", '2021-06-07T08.09.10.011'],
    ['{date:yyyy MM}', '2021_06'],
    ['  te  st.csv  ', 'te__st.csv'],
    ['{unknown}_{part_number}', '{unknown}_123'],
    ['{part_number}-{part_number}', '123-123'],
    ['{sync_id}-{part_number}${STREAM_NAME}', '444-123users'],
  ])('file name %j', (file_name_pattern, name) => {
    expect(write({ path_format: 'x/', file_name_pattern })).toBe(`prefix/x/${name}`)
  })

  test.each([
    ['${STREAM_NAME}/foo/', 'prefix/users/foo/1.json'],
    ['${STREAM_NAME}/foo', 'prefix/users/foo1.json'],
    ['//a///b//', 'prefix/a/b/1.json'],
    ['${BIRD_DOG}/${STREAM_NAME}/${STREAM_NAME}_', 'prefix/BIRD_DOG/users/users_1.json'],
    ['{date}/', 'prefix/{date}/1.json'],
    ['', 'prefix/1.json'],
    ['${UUID}/${UUID}/', `prefix/${facts.uuid()}/${facts.uuid()}/1.json`],
  ])('path format %j', (path_format, key) => {
    expect(write({ path_format, file_name_pattern: '1.json' })).toBe(key)
  })

  test('variables work in the bucket path', () => {
    expect(
      write({
        bucket_path: '/prefix-${NAMESPACE}/',
        path_format: '${STREAM_NAME}/',
        file_name_pattern: 'any_filename',
      }),
    ).toBe('prefix-public/users/any_filename')
  })

  test('a level without a namespace, a bucket path or a sync id is none', () => {
    expect(
      write({
        bucket_path: '',
        path_format: '${NAMESPACE}/${STREAM_NAME}/${SYNC_ID}/',
        facts: { stream: { name: 'users' }, sync_id: '' },
      }),
    ).toBe('users/123.csv.gz')
  })

  test('no key leads out of the bucket path', () => {
    expect(
      write({
        path_format: '${NAMESPACE}/${STREAM_NAME}/',
        facts: { stream: { namespace: '..', name: '../.' } },
      }),
    ).toBe('prefix/__/__/_/123.csv.gz')
  })

  test('a UUID is asked for once for a key', () => {
    let asked = 0
    const uuid = () => `u${++asked}`
    expect(write({ path_format: '${UUID}_${UUID}/', facts: { uuid } })).toBe(
      'prefix/u1_u1/123.csv.gz',
    )
    expect(asked).toBe(1)
  })

  test('a sync id keeps to its level', () => {
    expect(
      write({
        path_format: '',
        file_name_pattern: '{sync_id}_{part_number}',
        facts: { sync_id: 'a/b c' },
      }),
    ).toBe('prefix/a_b_c_123')
  })
})

describe('partitions', () => {
  test('stand where the path has them, each thing once', () => {
    const path = parseDestinationPath({
      bucket_path: 'p',
      path_format:
        'country=${field:country}/dt={event:yyyy-MM-dd}/${event:HH}/${field:country}/{field:a b}/',
      file_name_pattern: '{part_number}',
      event_time_field: 'created_at',
    })
    expect(path.partition_by).toEqual([
      { kind: 'field', field: 'country' },
      { kind: 'event', field: 'created_at', pattern: 'yyyy-MM-dd' },
      { kind: 'event', field: 'created_at', pattern: 'HH' },
      { kind: 'field', field: 'a b' },
    ])
    expect(objectKey(path, { ...facts, partition: ['KR', '2024-01-02', '03', 'x'] })).toBe(
      'p/country=KR/dt=2024-01-02/03/KR/x/123',
    )
  })

  test('without a field the event time is that of extraction', () => {
    const path = parseDestinationPath({
      bucket_path: '',
      path_format: 'dt={event:yyyyMMdd}/',
      file_name_pattern: '{part_number}',
    })
    expect(path.partition_by).toEqual([{ kind: 'event', pattern: 'yyyyMMdd' }])
  })

  test('values that are missing or empty are a defect of the caller', () => {
    const path_format = '${field:a}/'
    expect(() => write({ path_format })).toThrow('1 partition values wanted')
    expect(() => write({ path_format, facts: { partition: [''] } })).toThrow('values wanted')
  })
})

test.each([
  [{ file_name_pattern: '{date:YYYY}' }, 'the letter Y'],
  [{ file_name_pattern: '{part_number}/' }, 'gives no file name'],
  [{ file_name_pattern: '  ' }, 'gives no file name'],
  [{ path_format: '{event:ss}/' }, 'the letter s'],
  [{ path_format: "{event:'T'-}/" }, 'no part of a time'],
])('%j is refused', (settings, why) => {
  expect(() => write(settings)).toThrow(
    expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(why) }),
  )
})
