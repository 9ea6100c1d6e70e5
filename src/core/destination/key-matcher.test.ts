// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
import { describe, expect, test } from 'vitest'
import { DEFAULT_FILE_NAME_PATTERN, DEFAULT_PATH_FORMAT } from './destination.ts'
import { streamMatcher } from './key-matcher.ts'
import { objectKey, PART_MARK } from './object-key.ts'
import { parseDestinationPath } from './path-format.ts'

const pathOf = (
  bucket_path: string,
  path_format = DEFAULT_PATH_FORMAT,
  file_name_pattern = DEFAULT_FILE_NAME_PATTERN,
) => parseDestinationPath({ bucket_path, path_format, file_name_pattern })

const four = '${STREAM_NAME}/${STREAM_NAME}/${STREAM_NAME}/${STREAM_NAME}'
const dated =
  '${YEAR}/${MONTH}/${DAY}/${NAMESPACE}_${STREAM_NAME}_${YEAR}_${MONTH}_${DAY}_${EPOCH}_'
const bird =
  '${YEAR}/${MONTH}/${DAY}/${NAMESPACE}_${BIRD_DOG}_${STREAM_NAME}_${YEAR}_${MONTH}_${DAY}_${EPOCH}_'

describe('keys of the Airbyte destination give their part numbers', () => {
  test.each([
    [
      '${NAMESPACE}/${STREAM_NAME}',
      dated,
      'namespace1',
      'stream_abc',
      'namespace1/stream_abc/2024/08/30/namespace1_stream_abc_2024_08_30_1736900845782_5',
      5,
    ],
    [
      '${NAMESPACE}/${STREAM_NAME}',
      bird,
      'namespace1',
      'stream_abc',
      'namespace1/stream_abc/2024/08/30/namespace1_BIRD_DOG_stream_abc_2024_08_30_1736900845782_1',
      1,
    ],
    [
      '${NAMESPACE}/${STREAM_NAME}',
      bird,
      'namespace1',
      'stream_abc',
      'namespace1/stream_abc/2024/08/30/namespace1_${BIRD_DOG}_stream_abc_2024_08_30_1736900845782_1',
      1,
    ],
    [
      `\${NAMESPACE}/${four}`,
      '_',
      'namespace3',
      'stream_456',
      'namespace3/stream_456/stream_456/stream_456/stream_456/_0',
      0,
    ],
    [
      `\${NAMESPACE}/${four}`,
      '',
      'namespace2',
      'stream_123',
      'namespace2/stream_123/stream_123/stream_123/stream_1230',
      0,
    ],
    [
      `\${NAMESPACE}/${four}`,
      '',
      'namespace2',
      'stream_123',
      'namespace2/stream_123/stream_123/stream_123/stream_123/7',
      7,
    ],
    [
      'asdf',
      `\${NAMESPACE}/${four}`,
      undefined,
      'stream_abc',
      'asdf/stream_abc/stream_abc/stream_abc/stream_abc0',
      0,
    ],
    [
      '',
      `\${NAMESPACE}/${four}`,
      undefined,
      'stream_abc',
      '/stream_abc/stream_abc/stream_abc/stream_abc6',
      6,
    ],
    [
      '',
      `\${NAMESPACE}/${four}`,
      undefined,
      'stream_abc',
      'stream_abc/stream_abc/stream_abc/stream_abc6',
      6,
    ],
    ['p', '${STREAM_NAME}/', undefined, 'stream+1', 'p/stream+1/12', 12],
  ])('%s %s', (bucket_path, path_format, namespace, name, key, part_number) => {
    const stream = { name, ...(namespace === undefined ? {} : { namespace }) }
    const matcher = streamMatcher(pathOf(bucket_path, path_format), stream, '')
    expect(matcher.match(key)?.part_number).toBe(part_number)
    if (!key.startsWith('/')) expect(key.startsWith(matcher.prefix)).toBe(true)
  })

  test('a number put behind a name that was taken', () => {
    const matcher = streamMatcher(
      pathOf('prefix', 'path/', 'ambiguous_filename'),
      { name: 's' },
      '',
    )
    const keys = ['', '-1', '-x', '1'].map((end) => `prefix/path/ambiguous_filename${end}`)
    expect(keys.map((key) => matcher.match(key) !== undefined)).toEqual([true, true, false, false])
    const numbered = streamMatcher(pathOf('p', '', '{part_number}{format_extension}'), {
      name: 's',
    })
    expect(numbered.match('p/5.csv.gz-2')).toEqual({ part_number: 5, group: 'p/#.csv.gz-2' })
  })
})

describe('by default', () => {
  const matcher = streamMatcher(pathOf(''), { name: 'stream_name1', namespace: 'namespace' })
  test.each([
    ['namespace/stream_name1/2022_04_04_123456789_0.csv.gz', 0],
    ['namespace/stream_name1/2022_04_04_1736900845782_17.csv', 17],
    ['namespace/stream_name1/2022_04_04_1736900845782_1.jsonl', 1],
    ['namespace/stream_name1/2022_04_04_1736900845782_1.jsonl.zst', 1],
    ['namespace/stream_name1/2022_04_04_1736900845782_1.avro', 1],
    ['namespace/stream_name1/2022_04_04_1736900845782_1.parquet', 1],
    [
      'namespace/stream_name1/2022_04_04_1736900845782_6d1b2c3d-0000-4000-8000-00000000000a.csv',
      undefined,
    ],
    ['namespace/stream_name1/2022_04_04_1736900845782_99999999999999999999.csv', undefined],
  ])('%s is its own', (key, part_number) => {
    expect(key.startsWith(matcher.prefix)).toBe(true)
    const found = matcher.match(key)
    expect(found).toBeDefined()
    expect(found?.part_number).toBe(part_number)
  })

  test.each([
    'namespace/stream_name2/2022_04_04_123456789_0.csv.gz',
    'namespace/stream_name1/some_random_file_0.doc',
    'namespace/stream_name1/2022_04_04_123456789_0.csv.gz.bak',
    'namespace/stream_name1/2022_04_04_123456789_0',
    'namespace/stream_name1/2022_4_4_123456789_0.csv',
    'namespace/stream_name1/deeper/2022_04_04_123456789_0.csv.gz',
    'x/namespace/stream_name1/2022_04_04_123456789_0.csv.gz',
    'namespace/stream_name1_/2022_04_04_123456789_0.csv.gz',
    'namespaceXstream_name1/2022_04_04_123456789_0.csv.gz',
    'other_files.txt',
  ])('%s is not', (key) => {
    expect(matcher.match(key)).toBeUndefined()
  })

  test('lists the stream’s directory only', () => {
    expect(matcher.prefix).toBe('namespace/stream_name1/')
  })

  test('knows one extension where it is told which', () => {
    const csv = streamMatcher(pathOf(''), { name: 's' }, '.csv')
    expect(csv.match('s/2022_04_04_1_0.csv')).toBeDefined()
    expect(csv.match('s/2022_04_04_1_0.csv.gz')).toBeUndefined()
  })
})

test('names are text, not patterns', () => {
  const stream = { name: 'a.*b', namespace: '(x)+' }
  const matcher = streamMatcher(pathOf('[b].p', '${NAMESPACE}/${STREAM_NAME}/'), stream, '.csv')
  expect(matcher.prefix).toBe('[b].p/(x)+/a.*b/')
  expect(matcher.match('[b].p/(x)+/a.*b/1.csv')?.part_number).toBe(1)
  expect(matcher.match('[b].p/(x)+/aXXb/1.csv')).toBeUndefined()
  expect(matcher.match('[b]xp/(x)+/a.*b/1.csv')).toBeUndefined()
  expect(matcher.match('[b].p/(x)+/a.*b/1xcsv')).toBeUndefined()
})

test('the prefix ends where keys begin to differ', () => {
  const prefixes = [
    '${SYNC_ID}/x',
    'd=${field:a}/',
    'n${UUID}',
    '{event:yyyy}/',
    'x_${STREAM_NAME}_',
  ].map((path_format) => streamMatcher(pathOf('p', path_format), { name: 's' }).prefix)
  expect(prefixes).toEqual(['p/', 'p/d=', 'p/n', 'p/', 'p/x_s_'])
})

test('a number may stand right behind a time', () => {
  const path = pathOf('p', '${EPOCH}', '{part_number}_{timestamp:micros}{part_number}')
  const matcher = streamMatcher(path, { name: 's' })
  expect(matcher.match('p/173690084578212_173690084578200112')?.part_number).toBe(12)
})

test('what stands twice says the same twice', () => {
  const matcher = streamMatcher(pathOf('p', '${YEAR}/${YEAR}/', '{part_number}_{part_number}'), {
    name: 's',
  })
  expect(matcher.match('p/2024/2024/12_12')).toEqual({ part_number: 12, group: 'p/2024/2024/#_#' })
  expect(matcher.match('p/2024/2023/12_12')).toBeUndefined()
  expect(matcher.match('p/2024/2024/12_13')).toBeUndefined()
})

test('a sync without an id has no level of it', () => {
  const path = pathOf('p', '${SYNC_ID}/${SYNC_ID}/x/${SYNC_ID}/')
  const matcher = streamMatcher(path, { name: 's' })
  expect(
    ['p/42/42/x/42/1.csv', 'p/x/1.csv', 'p/42/43/x/42/1.csv'].map(
      (key) => matcher.match(key)?.part_number,
    ),
  ).toEqual([1, 1, undefined])
})

test('keys of a group differ by their numbers alone', () => {
  const path = pathOf('p', '${STREAM_NAME}/${field:a}/')
  const facts = {
    stream: { name: 's' },
    started_at: new Date(0),
    uploaded_at_micros: 0n,
    sync_id: '',
    uuid: () => '',
    extension: '.csv',
    partition: ['1'],
  }
  const found = streamMatcher(path, facts.stream).match('p/s/1/12.csv')
  expect(found).toEqual({
    part_number: 12,
    group: objectKey(path, { ...facts, part_number: PART_MARK }),
  })
})

test('values with nothing between them are taken as one', () => {
  const path = pathOf('p', '${field:a}${field:b}{field:c}/${field:a}/${SYNC_ID}${SYNC_ID}/')
  const matcher = streamMatcher(path, { name: 's' })
  expect(
    ['p/xyz/x/11/4.csv', 'p/xyz/x/4.csv', 'p/x/4.csv'].map(
      (key) => matcher.match(key)?.part_number,
    ),
  ).toEqual([4, 4, undefined])
})

test.each([
  ['a=${field:a}_b=${field:b}_c=${field:c}/', `p/a=${'_b=_c='.repeat(160)}/1.csx`],
  ['${field:a}${field:b}${field:c}/', `p/${'1'.repeat(500)}/${'1'.repeat(500)}`],
  ['${field:a}${SYNC_ID}${field:b}/x', `p/${'1'.repeat(500)}/x${'1'.repeat(500)}`],
])('keys made to be slow to refuse are not, in %s', (path_format, key) => {
  const path = pathOf('p', path_format, '{sync_id}{part_number}{timestamp}x')
  const matcher = streamMatcher(path, { name: 's' })
  const begin = performance.now()
  expect(matcher.match(key)).toBeUndefined()
  // Takes a tenth of a second where nothing else runs; hours if every cut were tried.
  expect(performance.now() - begin).toBeLessThan(5000)
})
