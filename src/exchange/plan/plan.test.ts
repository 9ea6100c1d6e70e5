import { describe, expect, test } from 'vitest'
import { sample_contract, sampleFeed } from '../../../test/sample-feed.ts'
import type {
  LastLoad,
  LatestGeneration,
  ObjectVersion,
  PartitionRecord,
} from '../../ledger/ledger.ts'
import { type PlanInput, type PlanSelection, planFeed } from './plan.ts'

const feed = sampleFeed({ prefix: 'in/' })
const at = new Date('2023-01-02T00:00:00Z')

const object = (name: string, version = 'v1', size = 10): ObjectVersion => ({
  key: `in/dt=2023-01-01/${name}`,
  version,
  size,
})
const [a, b, c] = [object('a'), object('b'), object('c')]

const record = (own: Partial<PartitionRecord> = {}): PartitionRecord => ({
  feed: 'events',
  partition: '2023-01-01',
  state: 'ready',
  generation: 0,
  pinned: false,
  objects: 0,
  bytes: 0,
  rows: 0,
  first_seen_at: at,
  checked_at: at,
  ...own,
})
const lastLoad = (own: Partial<LastLoad> = {}): LastLoad => ({
  load_id: 'load-1',
  generation: 1,
  state: 'published',
  contract_hash: 'contract-1',
  settings_hash: 'settings-1',
  retryable: false,
  ...own,
})
const generation = (
  objects: ObjectVersion[],
  own: Partial<LatestGeneration> = {},
): LatestGeneration => ({
  generation: 1,
  reason: 'first',
  content_generation: 1,
  created_at: at,
  contract_hash: 'contract-1',
  settings_hash: 'settings-1',
  objects,
  published: true,
  ...own,
})
/** Generation 1 is published and served. */
const served = (objects: ObjectVersion[]): LatestGeneration =>
  generation(objects, { served: generation(objects) })

function planOne(
  one: { record: PartitionRecord; objects: ObjectVersion[]; latest?: LatestGeneration },
  options: { selection?: PlanSelection; feed?: typeof feed } = {},
) {
  const name = one.record.partition
  const input: PlanInput = {
    records: [one.record],
    objects: new Map([[name, one.objects]]),
    generations: new Map(one.latest === undefined ? [] : [[name, one.latest]]),
    ...(options.selection === undefined ? {} : { selection: options.selection }),
  }
  const { items, not_loaded } = planFeed(options.feed ?? feed, input)
  return items[0] ?? not_loaded[0]
}
const loaded = (own: Partial<PartitionRecord> = {}) =>
  record({ generation: 1, served_generation: 1, last_load: lastLoad(), ...own })

describe('what changed', () => {
  test('a first delivery', () => {
    expect(planOne({ record: record(), objects: [a, b] })).toEqual({
      feed: 'events',
      partition: '2023-01-01',
      reason: 'first',
      reason_text: 'first delivery: 2 objects',
      publish: 'replace',
      generation: 1,
      objects: [a, b],
      reads: [a, b],
      removed: [],
      bytes: 20,
      warnings: [],
    })
  })

  test.each([
    ['changed_object', [object('a', 'v2'), b], '1 object changed: dt=2023-01-01/a'],
    [
      'added_object',
      [a, b, c, object('d'), object('e'), object('f')],
      '4 objects added: dt=2023-01-01/c, dt=2023-01-01/d, dt=2023-01-01/e and 1 more',
    ],
    ['removed_object', [a], '1 object removed: dt=2023-01-01/b'],
    [
      'changed_object',
      [object('a', 'v2'), c],
      '1 object changed: dt=2023-01-01/a; 1 object added: dt=2023-01-01/c; 1 object removed: dt=2023-01-01/b',
    ],
  ])('%s', (reason, objects, reason_text) => {
    const item = planOne({ record: loaded(), objects, latest: served([a, b]) })
    expect(item).toMatchObject({ reason, reason_text, generation: 2, expected_last_load: 'load-1' })
  })

  test('nothing', () => {
    const one = { record: loaded({ state: 'published' }), objects: [a], latest: served([a]) }
    expect(planOne(one)).toMatchObject({ why: 'up_to_date' })
    const changed = sampleFeed({ contract_hash: 'contract-2', settings_hash: 'settings-2' })
    expect(planOne(one, { feed: changed })).toMatchObject({ why: 'up_to_date' })
    expect(planOne(one, { selection: { force: true } })).toMatchObject({
      reason: 'forced',
      generation: 2,
    })
    expect(planOne(one, { selection: { replay: true } })).toMatchObject({ reason: 'replay' })
  })

  test('all objects gone: what is published stays, unless forced', () => {
    const one = {
      record: loaded({ state: 'waiting', waiting_for: 'no_objects' }),
      objects: [],
      latest: served([a, b]),
    }
    expect(planOne(one)).toMatchObject({ why: 'all_objects_removed' })
    expect(planOne(one, { selection: { force: true } })).toMatchObject({
      reason: 'removed_object',
      objects: [],
      removed: [a.key, b.key],
    })
  })
})

describe('what is read', () => {
  const append = sampleFeed({ publish: 'append' })
  const one = {
    record: loaded(),
    objects: [object('a', 'v2'), b, c],
    latest: served([a, b, object('x')]),
  }

  test('append without a key reads what the served generation lacks', () => {
    expect(planOne(one, { feed: append })).toMatchObject({
      objects: one.objects,
      reads: [object('a', 'v2'), c],
      removed: [object('x').key],
      bytes: 20,
    })
  })

  test('it is the served generation that counts, not a refused one since', () => {
    const latest = generation([a, b, object('c', 'bad')], {
      generation: 2,
      published: false,
      served: generation([a, b]),
    })
    const item = planOne(
      { record: loaded({ generation: 2 }), objects: [a, b, c], latest },
      { feed: append },
    )
    expect(item).toMatchObject({ reason: 'changed_object', reads: [c], generation: 3 })
  })

  test.each([
    ['replace', sampleFeed({ publish: 'replace' }), {}],
    [
      'append with a key',
      sampleFeed({ publish: 'append', contract: { ...sample_contract, key: ['id'] } }),
      {},
    ],
    ['append, forced', append, { force: true }],
  ])('%s reads everything', (_, of, selection) => {
    expect(planOne(one, { feed: of, selection })).toMatchObject({ reads: one.objects, bytes: 30 })
  })
})

describe('after a load that did not publish', () => {
  const latest = generation([a], { published: false })
  const refused = {
    record: record({
      state: 'refused',
      generation: 1,
      last_load: lastLoad({ state: 'refused', code: 'over_budget' }),
    }),
    objects: [a],
    latest,
  }
  const failed = (retryable: boolean) => ({
    record: record({
      state: 'failed',
      generation: 1,
      last_load: lastLoad({ state: 'failed', code: 'store_unavailable', retryable }),
    }),
    objects: [a],
    latest,
  })

  test('refused: only when something changes', () => {
    expect(planOne(refused)).toMatchObject({
      why: 'refused_unchanged',
      message: expect.stringContaining('over_budget'),
    })
    expect(planOne(refused, { feed: sampleFeed({ contract_hash: 'x' }) })).toMatchObject({
      reason: 'contract_changed',
      generation: 2,
    })
    expect(planOne(refused, { feed: sampleFeed({ settings_hash: 'x' }) })).toMatchObject({
      reason: 'settings_changed',
      generation: 2,
    })
    expect(planOne(refused, { selection: { force: true } })).toMatchObject({
      reason: 'forced',
      generation: 1,
    })
    const other = {
      ...refused,
      record: { ...refused.record, state: 'ready' as const },
      objects: [a, b],
    }
    expect(planOne(other)).toMatchObject({ reason: 'added_object', generation: 2 })
  })

  test('failed: again if that can help', () => {
    expect(planOne(failed(true))).toMatchObject({
      reason: 'first',
      generation: 1,
      reason_text: expect.stringContaining('store_unavailable'),
    })
    expect(planOne(failed(false))).toMatchObject({ why: 'failed_not_retryable' })
  })
})

describe('what stays as it is', () => {
  test('waiting, even with force', () => {
    const one = {
      record: loaded({ state: 'waiting', waiting_for: 'stale_marker' }),
      objects: [a, b],
      latest: served([a]),
    }
    expect(planOne(one)).toMatchObject({
      why: 'waiting',
      waiting_for: 'stale_marker',
      message: expect.stringContaining('newer than the marker'),
    })
    expect(planOne(one, { selection: { force: true } })).toMatchObject({ why: 'waiting' })
  })

  test('being loaded', () => {
    expect(planOne({ record: record({ state: 'loading' }), objects: [a] })).toMatchObject({
      why: 'loading',
    })
  })

  test('rolled back, until an object changes or it is forced', () => {
    const latest = generation([a, b], { generation: 2, served: generation([a]) })
    const pinned = loaded({ state: 'published', generation: 2, pinned: true })
    expect(planOne({ record: pinned, objects: [a, b], latest })).toMatchObject({ why: 'pinned' })
    expect(
      planOne({ record: pinned, objects: [a, b], latest }, { selection: { force: true } }),
    ).toMatchObject({ reason: 'forced' })
    const changed = { ...pinned, state: 'ready' as const }
    expect(planOne({ record: changed, objects: [a, b, c], latest })).toMatchObject({
      reason: 'added_object',
    })
  })
})

test('a selection by name, by a longer name and by range', () => {
  const names = ['2023-01-31', '2023-02-01', '2023-02-02', '2023-03-01']
  const input = (selection: PlanSelection): PlanInput => ({
    records: names.map((partition) => record({ partition })),
    objects: new Map(names.map((partition) => [partition, [a]])),
    generations: new Map(),
    selection,
  })
  const planned = (selection: PlanSelection) =>
    planFeed(feed, input(selection)).items.map(({ partition }) => partition)
  expect(planned({})).toEqual(names)
  expect(planned({ partition: '2023-02-01' })).toEqual(['2023-02-01'])
  expect(planned({ partition: '2023-02' })).toEqual(['2023-02-01', '2023-02-02'])
  expect(planned({ from: '2023-02-01', to: '2023-02' })).toEqual(['2023-02-01', '2023-02-02'])
  expect(() => planned({ from: 'yesterday' })).toThrow(
    expect.objectContaining({ code: 'partition_invalid' }),
  )
})

test('objects far from the advised size', () => {
  const advised = sampleFeed({
    contract: { ...sample_contract, advice: { file_bytes: 50_000_000 } },
  })
  const objects = [
    object('a', 'v1', 50_000_000),
    object('b', 'v1', 4_999_999),
    object('c', 'v1', 600_000_000),
    object('d', 'v1', 1_200_000),
  ]
  expect(planOne({ record: record(), objects }, { feed: advised })).toMatchObject({
    warnings: [
      {
        code: 'small_objects',
        count: 2,
        message:
          '2 of 4 objects are more than 10 times smaller than the advised 50 MB; the smallest has 1.2 MB',
      },
      {
        code: 'large_objects',
        count: 1,
        message:
          '1 of 4 objects are more than 10 times larger than the advised 50 MB; the largest has 600 MB',
      },
    ],
  })
})
