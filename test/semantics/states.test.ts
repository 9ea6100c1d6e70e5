import { appendFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, jsonl, openWorkspace, type Workspace } from '../support/workspace.ts'

const layout = 'dt={yyyy}-{MM}-{dd}/{file}'
const day = (feed: string, file: string) => `${feed}/dt=2023-01-01/${file}`
const json = { layout, format: { type: 'jsonl' }, contract: 'contracts/plain.odcs.yaml' }
const id = { name: 'id', logicalType: 'integer', required: true }

let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    now: '2023-01-02T03:00:00Z',
    contracts: {
      'plain.odcs.yaml': contractOf([id]),
      'retry.odcs.yaml': contractOf([id]),
      'broken.odcs.yaml': contractOf([id], {
        quality: [{ type: 'sql', query: 'SELECT nothing FROM {object}', mustBe: 1 }],
      }),
      'due.odcs.yaml': contractOf(
        [id],
        {},
        {
          slaProperties: [
            {
              property: 'timeOfAvailability',
              value: '13:00 Asia/Seoul',
              valueExt: 1,
              unit: 'd',
              element: 'rows',
            },
          ],
        },
      ),
    },
    feeds: {
      budget: json,
      retry: { ...json, contract: 'contracts/retry.odcs.yaml' },
      failing: json,
      broken: { ...json, contract: 'contracts/broken.odcs.yaml' },
      marked: { ...json, completion: { type: 'marker', name: '_SUCCESS' } },
      due: { ...json, contract: 'contracts/due.odcs.yaml', completion: { type: 'marker' } },
      nothing: json,
    },
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

const statesOf = async (feed: string) =>
  (await workspace.status(feed)).map((p) => [p.partition, p.state])

describe('budget', () => {
  it('is 1 % of a partition’s rows without a setting, over all its objects', async () => {
    const rows = (from: number, bad: number) =>
      jsonl(Array.from({ length: 100 }, (_, i) => ({ id: i < bad ? 'x' : from + i })))
    await workspace.put(day('budget', 'a.jsonl'), rows(0, 2))
    expect(await workspace.load('budget')).toMatchObject([
      { state: 'refused', code: 'over_budget', rows_read: 100, rejected: 2, rows_published: 0 },
    ])
    await workspace.put(day('budget', 'b.jsonl'), rows(100, 0))
    expect(await workspace.load('budget')).toMatchObject([
      { state: 'published', rows_read: 200, rejected: 2, rows_published: 198 },
    ])
  })

  it('a refused partition is tried again when an object, the contract or the settings change, or with --force', async () => {
    const tried = async (flags = {}) =>
      (await workspace.load('retry', flags)).map((l) => [l.reason, l.state])
    await workspace.put(day('retry', 'a.jsonl'), jsonl([{ id: 'x' }]))
    expect(await tried()).toEqual([['first', 'refused']])
    expect(await tried()).toEqual([])
    expect(await tried({ all: true })).toEqual([])
    expect(await tried({ force: true })).toEqual([['forced', 'refused']])
    await workspace.put(day('retry', 'a.jsonl'), jsonl([{ id: 'y' }]))
    expect(await tried()).toEqual([['changed_object', 'refused']])
    await workspace.put(day('retry', 'b.jsonl'), jsonl([{ id: 'y' }]))
    expect(await tried()).toEqual([['added_object', 'refused']])
    await workspace.remove(day('retry', 'b.jsonl'))
    expect(await tried()).toEqual([['removed_object', 'refused']])
    await workspace.writeContract(
      'retry.odcs.yaml',
      contractOf([id, { name: 'more', logicalType: 'string' }]),
    )
    expect(await tried()).toEqual([['contract_changed', 'refused']])
    expect(await tried()).toEqual([])
    await workspace.reopen({
      feeds: {
        retry: { ...json, contract: 'contracts/retry.odcs.yaml', max_rejected_percent: 100 },
      },
    })
    expect(await tried()).toEqual([['settings_changed', 'published']])
    expect(await tried()).toEqual([])
  })

  it('a failure that may pass is tried again at the next run', async () => {
    const key = day('failing', 'a.jsonl')
    await workspace.put(key, jsonl([{ id: 1 }]))
    // The object changes between the listing and the fetch.
    const change = () => appendFileSync(workspace.pathOf(key), jsonl([{ id: 2 }]))
    const [failed] = await workspace.load('failing', {}, change)
    expect(failed).toMatchObject({ state: 'failed', code: 'object_changed', rows_published: 0 })
    expect(await statesOf('failing')).toEqual([['2023-01-01', 'failed']])
    expect(await workspace.load('failing')).toMatchObject([
      { state: 'published', rows_published: 2 },
    ])
  })

  it('a failure that stays is tried again when something changes', async () => {
    await workspace.put(day('broken', 'a.jsonl'), jsonl([{ id: 1 }]))
    expect(await workspace.load('broken')).toMatchObject([
      { state: 'failed', code: 'contract_invalid' },
    ])
    expect(await workspace.load('broken')).toEqual([])
    await workspace.writeContract('broken.odcs.yaml', contractOf([id]))
    expect(await workspace.load('broken')).toMatchObject([
      { reason: 'contract_changed', state: 'published' },
    ])
  })
})

describe('states', () => {
  it('a partition is waiting, ready, published, refused; loads are attempts only', async () => {
    expect(await workspace.load('nothing')).toEqual([])
    await workspace.put(day('marked', 'a.jsonl'), jsonl([{ id: 1 }]))
    expect(await workspace.load('marked')).toEqual([])
    expect(await workspace.status('marked')).toMatchObject([
      { state: 'waiting', waiting_for: 'no_marker' },
    ])
    await workspace.put(day('marked', '_SUCCESS'), '')
    await workspace.plan('marked')
    expect(await statesOf('marked')).toEqual([['2023-01-01', 'ready']])
    expect(await workspace.load('marked')).toMatchObject([{ state: 'published' }])
    expect(await statesOf('marked')).toEqual([['2023-01-01', 'published']])

    // A part that is newer than the marker: what is served stays, and nothing is loaded until the marker is renewed.
    await workspace.put(day('marked', '_SUCCESS'), '', '2023-01-02T01:00:00Z')
    await workspace.put(day('marked', 'a.jsonl'), jsonl([{ id: 'x' }]), '2023-01-02T02:00:00Z')
    expect(await workspace.load('marked')).toEqual([])
    expect(await workspace.rows('marked', 'id')).toEqual([{ id: 1 }])
    await workspace.put(day('marked', '_SUCCESS'), '', '2023-01-02T02:00:01Z')
    expect(await workspace.load('marked')).toMatchObject([{ state: 'refused' }])
    expect(await workspace.status('marked')).toMatchObject([
      { state: 'refused', code: 'over_budget', served_generation: 1 },
    ])
    expect(await workspace.rows('marked', 'id')).toEqual([{ id: 1 }])
  })

  it('timeliness is due, on_time, late or missing, by a deadline with a zone of its own', async () => {
    // 13:00 in Seoul on the day after is 04:00 UTC.
    const deliver = async (date: string, at: string) => {
      await workspace.put(`due/dt=${date}/a.jsonl`, jsonl([{ id: 1 }]), at)
      await workspace.put(`due/dt=${date}/_SUCCESS`, '', at)
    }
    const timeliness = async (partition: string) =>
      (await workspace.status('due')).find((p) => p.partition === partition)?.timeliness
    await deliver('2022-12-30', '2022-12-31T04:00:00Z')
    await deliver('2022-12-31', '2023-01-01T04:00:01Z')
    await workspace.put('due/dt=2023-01-01/a.jsonl', jsonl([{ id: 1 }]), '2023-01-02T02:00:00Z')
    await workspace.load('due')
    expect(await timeliness('2022-12-30')).toBe('on_time')
    expect(await timeliness('2022-12-31')).toBe('late')
    expect(await timeliness('2023-01-01')).toBe('due')
    await workspace.reopen({ now: '2023-01-02T04:00:01Z' })
    expect(await timeliness('2023-01-01')).toBe('missing')
    await deliver('2023-01-01', '2023-01-02T05:00:00Z')
    await workspace.load('due')
    expect(await timeliness('2023-01-01')).toBe('late')
    // What comes after the first complete delivery does not make a day late.
    await deliver('2022-12-30', '2023-01-01T12:00:00Z')
    await workspace.load('due')
    expect(await timeliness('2022-12-30')).toBe('on_time')
  })
})

describe('reading during a load', () => {
  it('status, rejects and query work beside a loader; a second loader is told who holds the data directory', async () => {
    await using second = await workspace.openSecond()
    const { partitions } = await second.status({ feeds: ['budget'] })
    expect(partitions).toMatchObject([{ state: 'published' }])
    expect((await second.query('SELECT count(*) AS n FROM budget')).rows).toEqual([[198]])
    expect((await second.rejects({ feed: 'budget', all: false })).total).toBe(2)

    await using third = await workspace.openSecond()
    const selection = { feeds: ['budget'], all: false, force: false, replay: false }
    const { signal } = new AbortController()
    const attempts = third.load(selection, { watch: false, signal, observe: () => undefined })
    await expect(attempts.next()).rejects.toMatchObject({
      code: 'data_dir_locked',
      message: expect.stringContaining(String(process.pid)),
    })
  })
})
