import { describe, expect, test } from 'vitest'
import { Completion } from '../settings.ts'
import { keyBase, keyReader } from './key-role.ts'
import { parseLayout } from './layout.ts'

const now = new Date('2023-06-15T12:00:00Z')

const readerOf = (
  completion: Parameters<typeof Completion.parse>[0],
  own: { layout?: string; ignore?: string[] } = {},
) =>
  keyReader({
    layout: parseLayout(own.layout ?? 'dt={yyyy}-{MM}-{dd}/region={region}/{file}'),
    completion: Completion.parse(completion),
    ignore: own.ignore ?? [],
  })

describe('markers', () => {
  const reader = readerOf({ type: 'marker', name: '.done' })
  test.each([
    ['dt=2023-01-01/.done', 'marker'],
    ['dt=2023-01-01/region=a/.done', 'marker'],
    ['.done', 'ignored'],
    ['dt=2023-1-01/.done', 'stray'],
    ['dt=2023-01-01/region=a/x/.done', 'stray'],
    ['dt=2023-01-01/region=a/done', 'data'],
    ['dt=2023-01-01/_SUCCESS', 'ignored'],
  ])('%s is %s', (key, role) => {
    expect(reader.key(key, 0, now).role).toBe(role)
  })
})

describe('what writers leave beside their data', () => {
  const reader = readerOf({ type: 'immediate' }, { ignore: ['backup/**', '*.bak'] })
  test.each([
    ['dt=2023-01-01/_temporary/0/part', 0, '_temporary'],
    ['dt=2023-01-01/region=a/.part-0.crc', 1, '*.crc'],
    ['dt=2023-01-01/region=a/_committed_123', 1, '_committed_*'],
    ['dt=2023-01-01/region=a/_started_123', 1, '_started_*'],
    ['dt=2023-01-01/_SUCCESS', 0, '_SUCCESS'],
    ['.spark-staging-1/dt=2023-01-01/x', 1, '.*'],
    ['dt=2023-01-01/region=a/x.csv._COPYING_', 1, '*._COPYING_'],
    ['dt=2023-01-01_$folder$', 0, '*_$folder$'],
    ['dt=2023-01-01/', 0, '*/'],
    ['', 0, '*/'],
    ['backup/anything', 1, 'backup/**'],
    ['dt=2023-01-01/region=a/x.bak', 1, '*.bak'],
  ])('%s is ignored by %s', (key, size, by) => {
    expect(reader.key(key, size, now)).toEqual({ role: 'ignored', by })
  })

  test('a folder’s object that is not empty is a stray', () => {
    expect(reader.key('dt=2023-01-01/region=a/', 5, now).role).toBe('stray')
  })

  test('an empty object is data: the format refuses it by name', () => {
    expect(reader.key('dt=2023-01-01/region=a/x', 0, now)).toMatchObject({
      role: 'data',
      variables: { region: 'a' },
    })
  })

  test('directories', () => {
    expect(reader.directory('backup/', now)).toEqual({ role: 'ignored', by: 'backup/**' })
    expect(reader.directory('dt=2023-01-01/', now).role).toBe('directory')
    expect(reader.directory('dt=2023-13-01/', now).role).toBe('stray')
  })
})

test('a glob that is none and a marker without a directory are refused', () => {
  expect(() => readerOf({ type: 'immediate' }, { ignore: ['{a,{b}'] })).toThrow(
    expect.objectContaining({ code: 'config_invalid' }),
  )
  expect(() => readerOf({ type: 'manifest' }, { layout: '{yyyy}-{file}' })).toThrow(
    expect.objectContaining({ code: 'layout_invalid' }),
  )
})

test('a prefix stands for a folder', () => {
  expect(['', 'a', 'a/'].map(keyBase)).toEqual(['', 'a/', 'a/'])
})
