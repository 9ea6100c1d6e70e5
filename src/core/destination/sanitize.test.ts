import { describe, expect, test } from 'vitest'
import { cleanLiteral, sanitizeName, tidyKey } from './sanitize.ts'

describe('sanitizeName', () => {
  test.each([
    ['users', 'users'],
    ['streamWithCamelCase', 'streamWithCamelCase'],
    ['stream_with_spécial_character', 'stream_with_special_character'],
    ['stream_name_with_operator+1', 'stream_name_with_operator+1'],
    ["namespace9/!_.*')(&$@=;:+,?-^", "namespace9/!_.*')(&$@=;:+,?-_"],
    ["c'est une belle histoire", "c'est_une_belle_histoire"],
    ['./<>?\'";[]\\:{}|`~!@#$%^&*()_+-=', "./__?'_;___:_____!@_$__&*()_+-="],
    ['date=2022-03-15', 'date=2022-03-15'],
    ['ﬁle ①', 'file_1'],
    ['søren', 's_ren'],
    ['世界', '__'],
    ['a😀b', 'a_b'],
    ['a\n\0\ud800b', 'a___b'],
    ['', ''],
  ])('%j → %j', (name, written) => {
    expect(sanitizeName(name)).toBe(written)
  })
})

test('cleanLiteral keeps letters of any script, and neither controls nor broken surrogates', () => {
  expect(cleanLiteral('Ä 世 😀\u0000\u0085\u007f\udfff.')).toBe('Ä 世 😀____.')
})

test.each([
  ['a//b///c', 'a/b/c'],
  ['//a/b', 'a/b'],
  ['a/../b/./c/...', 'a/__/b/_/c/...'],
  ['..', '__'],
  ['../a..b/..c', '__/a..b/..c'],
])('tidyKey: %j → %j', (key, tidy) => {
  expect(tidyKey(key)).toBe(tidy)
})
