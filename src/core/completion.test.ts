import { describe, expect, test } from 'vitest'
import { judgeCompletion, type ManifestContent, type PartitionObject } from './completion.ts'
import { Completion } from './settings.ts'

const at = (minutes: number) => new Date(Date.UTC(2023, 0, 1, 0, minutes))
const now = at(60)

const object = (
  key: string,
  minutes: number,
  own: Partial<PartitionObject> = {},
): PartitionObject => ({
  key,
  version: `v${minutes}`,
  size: 10,
  modified_at: at(minutes),
  role: key.endsWith('_SUCCESS') ? 'marker' : key.endsWith('.json') ? 'manifest' : 'data',
  ...own,
})
const marker = (key: string, minutes: number, size = 0) => object(key, minutes, { size })

const judge = (
  settings: Parameters<typeof Completion.parse>[0],
  objects: PartitionObject[],
  manifests?: Map<string, ManifestContent>,
) =>
  judgeCompletion(Completion.parse(settings), objects, {
    now,
    ...(manifests === undefined ? {} : { manifests }),
  })

describe('marker', () => {
  const by_marker = { type: 'marker' } as const
  test.each([
    ['no objects', [], 'no_objects'],
    ['a marker alone', [marker('d/_SUCCESS', 1)], 'no_objects'],
    ['no marker', [object('d/a', 1)], 'no_marker'],
    [
      'an older marker',
      [object('d/a', 1), object('d/b', 3), marker('d/_SUCCESS', 2)],
      'stale_marker',
    ],
    ['a marker with content', [object('d/a', 1), marker('d/_SUCCESS', 2, 5)], 'marker_not_empty'],
    [
      'a region without marker',
      [object('d/r=a/x', 1), marker('d/r=a/_SUCCESS', 2), object('d/r=b/x', 1)],
      'no_marker',
    ],
    [
      'a missing marker beside a stale one',
      [object('d/r=a/x', 3), marker('d/r=a/_SUCCESS', 2), object('d/r=b/x', 1)],
      'no_marker',
    ],
  ])('%s waits', (_, objects, waiting_for) => {
    const judged = judge(by_marker, objects)
    expect(judged).toMatchObject({ complete: false, waiting_for })
    expect(judged.completed_at).toBeUndefined()
  })

  test.each([
    ['a newer marker', [object('d/a', 1), marker('d/_SUCCESS', 2)], 2],
    ['a marker of the same instant', [object('d/a', 2), marker('d/_SUCCESS', 2)], 2],
    ['an empty part', [object('d/a', 1, { size: 0 }), marker('d/_SUCCESS', 2)], 2],
    [
      'a marker above the regions',
      [object('d/r=a/x', 1), object('d/r=b/x', 1), marker('d/_SUCCESS', 4)],
      4,
    ],
    [
      'a marker in each region',
      [
        object('d/r=a/x', 1),
        marker('d/r=a/_SUCCESS', 2),
        object('d/r=b/x', 4),
        marker('d/r=b/_SUCCESS', 5),
      ],
      5,
    ],
    [
      'a fresh marker above a stale one',
      [object('d/r=a/x', 3), marker('d/r=a/_SUCCESS', 2), marker('d/_SUCCESS', 4)],
      4,
    ],
  ])('%s completes', (_, objects, minutes) => {
    expect(judge(by_marker, objects)).toMatchObject({ complete: true, completed_at: at(minutes) })
  })

  test('a marker with content where that is allowed', () => {
    const objects = [object('d/a', 1), marker('d/_SUCCESS', 2, 5)]
    expect(judge({ type: 'marker', allow_content: true }, objects).complete).toBe(true)
  })
})

test('immediate: one data object is enough', () => {
  expect(judge({ type: 'immediate' }, [])).toMatchObject({ waiting_for: 'no_objects' })
  expect(judge({ type: 'immediate' }, [object('d/a', 1), object('d/b', 3)])).toMatchObject({
    complete: true,
    completed_at: at(3),
  })
})

test('quiet period: counted from the newest object, to the millisecond', () => {
  const quiet = { type: 'quiet_period', quiet: '15m' } as const
  expect(judge(quiet, [object('d/a', 1), object('d/b', 45)])).toMatchObject({
    complete: true,
    completed_at: at(45),
  })
  const late = object('d/b', 45, { modified_at: new Date(at(45).getTime() + 1) })
  expect(judge(quiet, [object('d/a', 1), late])).toMatchObject({ waiting_for: 'quiet_period' })
  expect(judge(quiet, [object('d/a', 90)])).toMatchObject({ waiting_for: 'quiet_period' })
})

describe('manifest', () => {
  const by_manifest = { type: 'manifest' } as const
  const listed = object('d/manifest.json', 5)
  const content = (entries: { key: string; size?: number; etag?: string }[]) =>
    new Map<string, ManifestContent>([[listed.key, { entries }]])

  test('what it names is loaded, the rest is reported', () => {
    const judged = judge(
      by_manifest,
      [object('d/a', 1), object('d/b', 2), listed],
      content([{ key: 'd/a', size: 10 }]),
    )
    expect(judged).toMatchObject({ complete: true, completed_at: at(5) })
    expect(judged.data.map(({ key }) => key)).toEqual(['d/a'])
    expect(judged.not_in_manifest.map(({ key }) => key)).toEqual(['d/b'])
  })

  test.each([
    ['none', [object('d/a', 1)], undefined, 'no_manifest'],
    ['nothing at all', [], undefined, 'no_objects'],
    [
      'a part that is not there',
      [object('d/a', 1), listed],
      content([{ key: 'd/b' }]),
      'manifest_part_missing',
    ],
    [
      'a part of another size',
      [object('d/a', 1), listed],
      content([{ key: 'd/a', size: 11 }]),
      'manifest_part_changed',
    ],
    [
      'a part outside of its directory',
      [object('e/a', 1), listed],
      content([{ key: 'd/a' }]),
      'no_manifest',
    ],
    [
      'a bad one',
      [object('d/a', 1), listed],
      new Map([[listed.key, { invalid: 'it is odd' }]]),
      'manifest_invalid',
    ],
  ])('%s waits', (_, objects, manifests, waiting_for) => {
    expect(judge(by_manifest, objects, manifests)).toMatchObject({ complete: false, waiting_for })
  })

  test('ETags are compared where the store has them', () => {
    const md5 = 'd41d8cd98f00b204e9800998ecf8427e'
    const other = md5.replace('d', 'e')
    const part = (version: string) => [object('d/a', 1, { version }), listed]
    const entry = content([{ key: 'd/a', etag: md5 }])
    expect(judge(by_manifest, part(`"${md5}"`), entry).complete).toBe(true)
    expect(judge(by_manifest, part(other), entry).waiting_for).toBe('manifest_part_changed')
    expect(judge(by_manifest, part('1700000000000000'), entry).complete).toBe(true)
  })
})
