import { describe, expect, test } from 'vitest'
import { parseManifest } from './manifest.ts'

const place = { key: 'in/dt=2023-01-01/manifest.json', base: 'in/' }
const dir = 'in/dt=2023-01-01/'

describe('shapes', () => {
  test.each([
    ['lines', 'a.gz\r\n\n# of the day\n  b.gz'],
    ['a list', '["a.gz", "b.gz"]'],
    ['files', '{"files": ["a.gz", "b.gz"]}'],
    ['objects with keys', '{"objects": [{"key": "in/dt=2023-01-01/a.gz"}, {"path": "./b.gz"}]}'],
    [
      'entries with URLs',
      '{"entries": [{"url": "s3://bucket/in/dt=2023-01-01/a.gz"}, {"url": "gs://b/in/dt=2023-01-01/b.gz", "mandatory": true}]}',
    ],
  ])('%s', (_, text) => {
    expect(parseManifest(text, place)).toEqual({
      entries: [{ key: `${dir}a.gz` }, { key: `${dir}b.gz` }],
    })
  })

  test('sizes and ETags', () => {
    const text = '{"parts": [{"name": "a", "size": 5, "etag": "\\"abc\\""}]}'
    expect(parseManifest(text, place)).toEqual({
      entries: [{ key: `${dir}a`, size: 5, etag: 'abc' }],
    })
  })

  test('names in a bucket without prefix', () => {
    const root = { key: 'dt=2023-01-01/manifest.json', base: '' }
    expect(parseManifest('x/a\ndt=2023-01-01/b', root)).toEqual({
      entries: [{ key: 'dt=2023-01-01/x/a' }, { key: 'dt=2023-01-01/b' }],
    })
  })
})

test.each([
  ['{"files": [', 'not valid JSON'],
  ['{"x": []}', 'no list'],
  ['{"files": [{"size": 1}]}', 'entry 1 names no object'],
  ['', 'names no object'],
  ['PAR1\0\0', 'neither JSON'],
  ['../b', 'not a name below'],
  ['s3://bucket/elsewhere/a', 'not a name below'],
])('%s is invalid', (text, why) => {
  expect(parseManifest(text, place)).toEqual({ invalid: expect.stringContaining(why) })
})
