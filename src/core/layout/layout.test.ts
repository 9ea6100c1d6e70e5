import { describe, expect, test } from 'vitest'
import { parsePartition } from '../partition.ts'
import {
  parseDirectory,
  parseKey,
  parseLayout,
  partitionPrefix,
  sortedFrom,
  writeKey,
} from './layout.ts'

const daily = parseLayout('dt={yyyy}-{MM}-{dd}/{file}.parquet')
const hourly = parseLayout('y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz')
const plain = parseLayout('{yyyy}/{MM}/{dd}/{file}')
const joined = parseLayout('{yyyy}{MM}{dd}/{file}')
const now = new Date('2023-06-15T12:00:00Z')

describe('parseLayout', () => {
  test.each([
    ['dt={yyyy}-{MM}-{dd}/', 'day'],
    ['timestamp={yyyy}-{MM}-{dd}/…', 'day'],
    ['y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz', 'hour'],
    ['{yyyy}{MM}{dd}T{HH}{mm}/{file}', '15 minutes'],
    ['{yyyy}/{MM}/{file}', 'month'],
    ['{yyyy}/{yyyy}-{MM}/{yyyy}-{MM}-{dd}/{file}', 'day'],
    ['events-{yyyy}-{MM}-{dd}.csv', 'day'],
  ])('%s has partitions of one %s', (template, grain) => {
    expect(parseLayout(template).grain).toBe(grain)
  })

  test.each([
    ['{file}', 'no {yyyy}'],
    ['{yyyy}-{dd}/{file}', '{dd} without {MM}'],
    ['{yyyy}-{mm}-{dd}/{file}', '{mm} is minutes'],
    ['{YYYY}/{file}', 'write {yyyy}'],
    ['{yyyy}/x', 'no {file}'],
    ['{yyyy}//{file}', 'empty level'],
    ['/{yyyy}/{file}', 'empty level'],
    ['{yyyy}/../{file}', '".."'],
    ['{yyyy/{file}', '"{"'],
    ['{yyyy}/{file}/{MM}', 'in a directory'],
    ['{yyyy}/{file}-{file}', 'twice'],
    ['{yyyy}/{region}{file}', 'where {region} ends'],
    ['{region}{yyyy}/{file}', 'where {region} ends'],
    ['{a}x{b}/{yyyy}/{file}', 'where {a} ends'],
  ])('%s is refused: %s', (template, why) => {
    expect(() => parseLayout(template)).toThrow(
      expect.objectContaining({ code: 'layout_invalid', message: expect.stringContaining(why) }),
    )
  })

  test('an unknown zone is refused', () => {
    expect(() => parseLayout(plain.template, { zone: 'Seoul' })).toThrow(/not a time zone/)
  })
})

describe('parseKey', () => {
  test('a day, an hour and a file', () => {
    expect(parseKey(daily, 'dt=2023-01-01/000000000000.parquet', now)).toEqual({
      partition: parsePartition('2023-01-01'),
      file: '000000000000',
      variables: {},
    })
    expect(parseKey(hourly, 'y=2015/m=10/d=17/H=09/file1ab.gz', now)).toMatchObject({
      partition: { name: '2015-10-17T09' },
    })
  })

  test('further variables, decoded', () => {
    const layout = parseLayout('region={region}/dt={yyyy}-{MM}-{dd}/{kind}-{file}')
    expect(parseKey(layout, 'region=a%2Fb%20c/dt=2023-01-01/x-y-z', now)).toMatchObject({
      file: 'y-z',
      variables: { region: 'a/b c', kind: 'x' },
    })
    const key = 'region=__HIVE_DEFAULT_PARTITION__/dt=2023-01-01/100%-f'
    expect(parseKey(layout, key, now)).toMatchObject({ variables: { region: null, kind: '100%' } })
  })

  test('a zone moves the instants, not the name', () => {
    const seoul = parseLayout(daily.template, { zone: 'Asia/Seoul' })
    expect(parseKey(seoul, 'dt=2023-01-01/a.parquet', now)).toMatchObject({
      partition: { name: '2023-01-01', start: new Date('2022-12-31T15:00:00Z') },
    })
  })

  test.each([
    [hourly, 'y=2015/m=1/d=17/H=09/f.gz', 'unpadded', '"m=1" should have two digits'],
    [hourly, 'y=2015/m=1/d=7/H=9/f.gz', 'unpadded', '"m=1", "d=7", "H=9"'],
    [daily, 'dt=2023-1-01/a.parquet', 'unpadded', 'dt=2023-1-01'],
    [hourly, 'y=2015/d=17/m=10/H=09/f.gz', 'wrong_order', 'in another order'],
    [plain, '17/10/2015/f', 'wrong_order', 'in another order'],
    [daily, 'dt=17-10-2015/a.parquet', 'wrong_order', 'written dt=dd-MM-yyyy'],
    [daily, 'dt=2023-17-10/a.parquet', 'wrong_order', 'written dt=yyyy-dd-MM'],
    [joined, '17102015/a', 'wrong_order', 'written ddMMyyyy'],
    [daily, 'dt=2023-02-30/a.parquet', 'impossible_date', '2023-02-30 does not exist in UTC'],
    [hourly, 'y=2015/m=10/d=17/H=24/f.gz', 'impossible_date', '2015-10-17T24 does not exist'],
    [joined, '20230230/a', 'impossible_date', '2023-02-30'],
    [daily, 'dt=2023-06-17/a.parquet', 'future', '2023-06-17 starts more than one day from now'],
    [daily, 'dt=2023-01-01/part.csv', 'stray_object', '"part.csv" does not fit "{file}.parquet"'],
    [daily, 'date=2023-01-01/a.parquet', 'stray_object', '"date=2023-01-01" does not fit'],
    [daily, 'dt=2023-01-01/x/a.parquet', 'stray_object', "3 levels, more than the layout's 2"],
    [
      daily,
      'readme.txt',
      'stray_object',
      'expected dt={yyyy}-{MM}-{dd}/{file}.parquet, such as dt=2023-01-31/',
    ],
    [hourly, 'y=2015/m=10/f.gz', 'stray_object', "3 levels, fewer than the layout's 5"],
  ])('%#: %s is a stray', (layout, key, code, message) => {
    expect(parseKey(layout, key, now)).toEqual({ code, message: expect.stringContaining(message) })
  })

  test('the next partition after now is no future', () => {
    expect(parseKey(daily, 'dt=2023-06-16/a.parquet', now)).toMatchObject({ file: 'a' })
  })

  test('a quarter of an hour', () => {
    const quarters = parseLayout('{yyyy}-{MM}-{dd}T{HH}{mm}/{file}')
    expect(parseKey(quarters, '2023-01-01T0915/a', now)).toMatchObject({
      partition: { name: '2023-01-01T09:15' },
    })
    expect(parseKey(quarters, '2023-01-01T0910/a', now)).toMatchObject({
      code: 'impossible_date',
      message: expect.stringContaining('start of a quarter'),
    })
  })

  test('an hour that clocks skip', () => {
    const ny = parseLayout(hourly.template, { zone: 'America/New_York' })
    expect(parseKey(ny, 'y=2023/m=03/d=12/H=02/f.gz', now)).toMatchObject({
      code: 'impossible_date',
      message: expect.stringContaining('America/New_York'),
    })
  })

  test('a repeated variable must agree with itself', () => {
    const layout = parseLayout('{yyyy}/{yyyy}-{MM}-{dd}/{file}')
    expect(parseKey(layout, '2022/2022-12-31/a', now)).toMatchObject({ file: 'a' })
    expect(parseKey(layout, '2023/2022-12-31/a', now)).toMatchObject({
      code: 'stray_object',
      message: expect.stringContaining('{yyyy} has two different values'),
    })
  })
})

test('directories tell the beginning of the partition’s name', () => {
  expect(parseDirectory(hourly, 'y=2015/m=10/', now)).toEqual({ time: '2015-10', variables: {} })
  expect(parseDirectory(hourly, 'y=2015/m=10/d=17/H=09/', now)).toMatchObject({
    time: '2015-10-17T09',
    partition: { name: '2015-10-17T09' },
  })
  expect(parseDirectory(hourly, 'y=2015/m=1/', now)).toMatchObject({ code: 'unpadded' })
  expect(parseDirectory(hourly, 'y=2015/m=13/', now)).toMatchObject({ code: 'impossible_date' })
  expect(parseDirectory(hourly, 'd=17/', now)).toMatchObject({ code: 'wrong_order' })
  expect(parseDirectory(hourly, 'y=2025/', now)).toMatchObject({ code: 'future' })
  expect(parseDirectory(hourly, 'tmp/', now)).toMatchObject({ code: 'stray_object' })
})

test('a partition’s own directory', () => {
  expect(partitionPrefix(daily, parsePartition('2023-01-01'))).toBe('dt=2023-01-01/')
  expect(partitionPrefix(hourly, parsePartition('2015-10-17T09'))).toBe('y=2015/m=10/d=17/H=09/')
  const inner = parseLayout('{yyyy}/region={region}/{file}')
  expect(partitionPrefix(inner, parsePartition('2015'))).toBe('2015/')
  const outer = parseLayout('region={region}/{yyyy}/{file}')
  expect(partitionPrefix(outer, parsePartition('2015'))).toBeUndefined()
  const flat = parseLayout('{yyyy}/{MM}-{file}')
  expect(partitionPrefix(flat, parsePartition('2015-10'))).toBeUndefined()
})

test('where keys sort by time, a start is a place among them', () => {
  expect(sortedFrom(daily, '2023-01-02')).toBe('dt=2023-01-02')
  expect(sortedFrom(hourly, '2023-01')).toBe('y=2023/m=01/d=')
  expect(sortedFrom(daily, '2023-01-02T05')).toBe('dt=2023-01-02')
  expect(sortedFrom(parseLayout('{dd}/{MM}/{yyyy}/{file}'), '2023-01-02')).toBeUndefined()
})

test('what cannot be written is refused', () => {
  const day = parsePartition('2023-01-01')
  expect(() => writeKey(daily, day, { file: 'a/b' })).toThrow()
  expect(() => writeKey(daily, day)).toThrow()
  expect(() => writeKey(daily, parsePartition('2023-01'), { file: 'a' })).toThrow()
})

test('a key that could end a value in very many places takes no time', () => {
  const layout = parseLayout('{a}_{b}_{c}_{d}_{yyyy}{MM}{dd}T{HH}{mm}Z_{e}_{file}.gz')
  const before = process.threadCpuUsage().user
  expect(parseKey(layout, 'x_'.repeat(500))).toMatchObject({ code: 'stray_object' })
  expect((process.threadCpuUsage().user - before) / 1000).toBeLessThan(500)
  expect(parseKey(layout, 'a_b_c_d_20230101T0000Z_e_f_g.gz')).toMatchObject({
    variables: { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e' },
    file: 'f_g',
  })
})

test('a null after {file} needs more than _ before it', () => {
  expect(() => parseLayout('{yyyy}/{file}_{region}-')).toThrow(/put a sign/)
  expect(parseLayout('{yyyy}/{file}-{region}').variables).toEqual(['region'])
  expect(parseLayout('{yyyy}/{region}_{file}').variables).toEqual(['region'])
})
