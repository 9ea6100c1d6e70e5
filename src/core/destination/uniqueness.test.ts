// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the path, not of the program.
import { describe, expect, test } from 'vitest'
import { DEFAULT_FILE_NAME_PATTERN, DEFAULT_PATH_FORMAT } from './destination.ts'
import { parseDestinationPath } from './path-format.ts'
import { checkedPath, confusedStreams, uniqueness } from './uniqueness.ts'

const settings = (path_format: string, file_name_pattern = DEFAULT_FILE_NAME_PATTERN) => ({
  bucket_path: 'p',
  path_format,
  file_name_pattern,
})

describe('uniqueness', () => {
  test.each([
    [DEFAULT_PATH_FORMAT, DEFAULT_FILE_NAME_PATTERN],
    ['', '{part_number}'],
    ['x/', '{timestamp}.csv'],
    ['x/', '{timestamp:micros}.csv'],
    ['x/', '{date:yyyyMMddHHmmssSSS}.csv'],
    ['${UUID}/', 'data.csv'],
    ['x/', '${UUID}.csv'],
  ])('%j %j gives each object a name', (path_format, file_name_pattern) => {
    expect(uniqueness(parseDestinationPath(settings(path_format, file_name_pattern)))).toEqual({
      ok: true,
    })
  })

  test.each([
    [DEFAULT_PATH_FORMAT, '{date}{format_extension}'],
    [DEFAULT_PATH_FORMAT, '{sync_id}{format_extension}'],
    ['${EPOCH}_${MILLISECOND}/', 'data.csv'],
    ['{part_number}/', 'data.csv'],
    ['${field:country}/{event:yyyy-MM-dd}/', '{format_extension}'],
    ['', '{timestamp:nanos}'],
    ['', '{date:yyyy-MM-dd HH.mm.ss}'],
  ])('%j %j does not, and is refused', (path_format, file_name_pattern) => {
    const path = settings(path_format, file_name_pattern)
    expect(uniqueness(parseDestinationPath(path)).ok).toBe(false)
    expect(() => checkedPath(path)).toThrow(expect.objectContaining({ code: 'path_not_unique' }))
  })

  test('checkedPath gives the path', () => {
    const path = settings(DEFAULT_PATH_FORMAT)
    expect(checkedPath(path)).toEqual(parseDestinationPath(path))
  })
})

describe('confusedStreams', () => {
  const pairs = (path_format: string, names: readonly (readonly [string | undefined, string])[]) =>
    confusedStreams(
      parseDestinationPath(settings(path_format)),
      names.map(([namespace, name]) => ({
        name,
        ...(namespace === undefined ? {} : { namespace }),
      })),
    ).map((pair) => pair.map(({ namespace, name }) => `${namespace ?? ''}.${name}`).join(' '))

  test('is none for streams in directories of their own', () => {
    expect(
      pairs(DEFAULT_PATH_FORMAT, [
        [undefined, 'a'],
        [undefined, 'b'],
        ['n', 'a'],
        ['n', 'a1'],
        ['a', 'a'],
      ]),
    ).toEqual([])
  })

  test('finds names that become the same', () => {
    expect(
      pairs(DEFAULT_PATH_FORMAT, [
        ['n', 'a b'],
        ['n', 'a_b'],
        ['n', 'A_b'],
      ]),
    ).toEqual(['n.a b n.a_b', 'n.a_b n.a b'])
    expect(
      pairs('${NAMESPACE}_${STREAM_NAME}_', [
        ['a', 'b_c'],
        ['a_b', 'c'],
      ]),
    ).toHaveLength(2)
    expect(
      pairs('x/', [
        ['a', 'b'],
        ['c', 'd'],
      ]),
    ).toHaveLength(2)
  })

  test('finds a name that could be another with a number', () => {
    expect(
      pairs('${STREAM_NAME}', [
        [undefined, 's'],
        [undefined, 's1'],
      ]),
    ).toEqual(['.s1 .s'])
  })
})
