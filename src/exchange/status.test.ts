import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { publishAll } from '../../test/publish-all.ts'
import { sample_contract, sampleFeed } from '../../test/sample-feed.ts'
import type { ServiceLevels } from '../core/contract/contract.ts'
import type { Ledger, PartitionObservation } from '../ledger/ledger.ts'
import { openEmbeddedLedger } from '../ledger/pglite.ts'
import { statusOf } from './status.ts'

let data_dir: string
let ledger: Ledger

beforeAll(async () => {
  data_dir = mkdtempSync(join(tmpdir(), 'status-'))
  const now = new Date()
  ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now })
}, 120_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  rmSync(data_dir, { recursive: true })
})

const by_one: ServiceLevels = {
  available_by: { hour: 13, minute: 0, zone: 'Asia/Seoul', days_after: 1 },
}
const now = new Date('2023-01-07T05:00:00Z')

const seen = (partition: string, completed?: string): PartitionObservation => ({
  partition,
  objects: [
    {
      key: `dt=${partition}/a`,
      version: 'v1',
      size: 10,
      modified_at: new Date(completed ?? now),
      role: 'data',
    },
  ],
  complete: completed !== undefined,
  ...(completed === undefined
    ? { waiting_for: 'no_marker' }
    : { completed_at: new Date(completed) }),
})

test('every partition against its deadline, with those that are not there', async () => {
  const feed = sampleFeed({ contract: { ...sample_contract, service_levels: by_one } })
  const strays = [{ feed: 'events', object: 'x', code: 'stray_object', reason: 'odd' }]
  const delivered = [
    seen('2023-01-01', '2023-01-02T04:00:00Z'),
    seen('2023-01-02', '2023-01-03T04:00:01Z'),
    seen('2023-01-04'),
    seen('2023-01-06'),
  ]
  await ledger.observe('events', delivered.slice(0, 2), strays, now)
  await publishAll(feed, ledger, now)
  await ledger.observe('events', delivered.slice(2), [], now)

  const status = await statusOf(feed, { ledger, now })
  expect(status.strays).toEqual(strays)
  expect(
    status.partitions.map(({ partition, state, timeliness, waiting_for }) => [
      partition,
      state,
      timeliness,
      waiting_for,
    ]),
  ).toEqual([
    ['2023-01-01', 'published', 'on_time', undefined],
    ['2023-01-02', 'published', 'late', undefined],
    ['2023-01-03', 'waiting', 'missing', 'no_objects'],
    ['2023-01-04', 'waiting', 'missing', 'no_marker'],
    ['2023-01-05', 'waiting', 'missing', 'no_objects'],
    ['2023-01-06', 'waiting', 'missing', 'no_marker'],
  ])
  expect(status.partitions[0]).toEqual({
    feed: 'events',
    partition: '2023-01-01',
    state: 'published',
    timeliness: 'on_time',
    generation: 1,
    served_generation: 1,
    pinned: false,
    rows: 0,
    objects: 1,
    bytes: 10,
    due_at: new Date('2023-01-02T04:00:00Z'),
    completed_at: new Date('2023-01-02T04:00:00Z'),
    published_at: now,
  })

  const before = await statusOf(feed, { ledger, now: new Date('2023-01-07T03:59:00Z') })
  expect(before.partitions.at(-1)).toMatchObject({ partition: '2023-01-06', timeliness: 'due' })

  const part = async (options: object) =>
    (await statusOf(feed, { ledger, now, ...options })).partitions.map((p) => p.partition)
  expect(await part({ from: '2023-01-02', to: '2023-01-03' })).toEqual(['2023-01-02', '2023-01-03'])
  expect(await part({ partition: '2023-01-05' })).toEqual(['2023-01-05'])
  expect(await part({ absent_days: 3 })).not.toContain('2023-01-03')
  await expect(part({ from: 'x' })).rejects.toMatchObject({ code: 'partition_invalid' })
})

test('without a promise nothing is missing', async () => {
  const { partitions } = await statusOf(sampleFeed(), { ledger, now })
  expect(partitions.map((p) => p.partition)).toHaveLength(4)
  expect(partitions.every(({ timeliness }) => timeliness === undefined)).toBe(true)
})

test('with a start, a feed that never delivered is missing its partitions', async () => {
  const contract = { ...sample_contract, service_levels: { frequency: 'day' as const } }
  const feed = sampleFeed({ name: 'silent', contract, start: '2023-01-05' })
  const { partitions } = await statusOf(feed, { ledger, now })
  expect(partitions.map((p) => [p.partition, p.timeliness])).toEqual([
    ['2023-01-05', 'missing'],
    ['2023-01-06', 'due'],
  ])
})
