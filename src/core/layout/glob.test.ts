import { expect, test } from 'vitest'
import { globPattern } from './glob.ts'

test.each([
  [
    '_temporary/**',
    ['_temporary/', '_temporary/a', '_temporary/a/b'],
    ['x/_temporary/a', '_temporaryx/a'],
  ],
  [
    '_temporary',
    ['_temporary/a', 'x/_temporary/a', 'x/_temporary'],
    ['x_temporary', '_temporary2'],
  ],
  ['*.crc', ['a.crc', 'x/.a.crc', 'x.crc/a'], ['a.crc2']],
  ['dt=*/part.csv', ['dt=1/part.csv'], ['dt=1/2/part.csv', 'x/dt=1/part.csv']],
  ['**/x-?.csv', ['x-1.csv', 'a/x-1.csv', 'a/b/x-1.csv'], ['a/x-10.csv']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['a/xb']],
  ['*.{csv,tsv}', ['a.csv', 'a.tsv'], ['a.json']],
  ['a+(b).[x]', ['a+(b).[x]'], ['aab.x']],
  ['{', ['{'], ['x']],
])('%s', (glob, matching, others) => {
  const pattern = globPattern(glob)
  expect(matching.filter((key) => !pattern.test(key))).toEqual([])
  expect(others.filter((key) => pattern.test(key))).toEqual([])
})

test('a brace that is not closed is refused', () => {
  expect(() => globPattern('{a,{b}')).toThrow(/without its }/)
})
