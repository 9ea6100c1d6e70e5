import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, jsonl, openWorkspace, type Workspace } from '../support/workspace.ts'

const layout = 'dt={yyyy}-{MM}-{dd}/{file}'
const key = { name: 'id', logicalType: 'string', required: true, primaryKey: true }
const events = { layout, format: { type: 'jsonl' }, contract: 'contracts/events.odcs.yaml' }
const over_feed = { ...events, deduplicate: { scope: 'feed' } }

let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    contracts: { 'events.odcs.yaml': contractOf([key, { name: 'v', logicalType: 'string' }]) },
    feeds: {
      feed_scope: over_feed,
      later_first: over_feed,
      days_scope: { ...events, deduplicate: { scope: 'days', days: 1 } },
      partition_scope: events,
      months: { ...events, layout: '{yyyy}-{MM}/{file}', deduplicate: { scope: 'days', days: 31 } },
      back: over_feed,
      back_again: over_feed,
      emptied: over_feed,
      users: { preset: 'toplyne-users' },
    },
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

const put = (
  feed: string,
  date: string,
  rows: readonly (readonly [string, string])[],
  file = 'a',
) =>
  workspace.put(
    `${feed}/dt=2023-01-${date}/${file}.jsonl`,
    jsonl(rows.map(([id, v]) => ({ id, v }))),
  )
const rows = async (feed: string) =>
  (await workspace.rows(feed, 'id, v, _object[12:13] AS day')).map((r) => `${r.day} ${r.id} ${r.v}`)
const brief = (reports: Awaited<ReturnType<Workspace['load']>>) =>
  reports.map((l) => [l.partition, l.rows_read, l.rows_published, l.duplicates])

describe('duplicates across partitions', () => {
  it('over the whole feed the row of the earliest partition wins; the beaten one is a duplicate', async () => {
    await put('feed_scope', '01', [
      ['k', 'one'],
      ['x', '1'],
    ])
    await put('feed_scope', '05', [
      ['k', 'five'],
      ['y', '5'],
      ['y', '6'],
    ])
    expect(brief(await workspace.load('feed_scope'))).toEqual([
      ['2023-01-01', 2, 2, 0],
      ['2023-01-05', 3, 1, 2],
    ])
    expect(await rows('feed_scope')).toEqual(['01 k one', '01 x 1', '05 y 5'])
  })

  it('a replaced partition that no longer holds the winner brings the beaten row back, in a new generation of the same objects', async () => {
    const before = await workspace.generations('feed_scope', '2023-01-05')
    await put('feed_scope', '01', [['x', '1']])
    expect(brief(await workspace.load('feed_scope'))).toEqual([['2023-01-01', 1, 1, 0]])
    expect(await rows('feed_scope')).toEqual(['01 x 1', '05 k five', '05 y 5'])
    const after = await workspace.generations('feed_scope', '2023-01-05')
    expect(before.map((g) => g.generation)).toEqual([1])
    expect(after.at(-1)).toMatchObject({
      generation: 2,
      reason: 'winner_withdrawn',
      content_generation: 1,
      published: true,
      objects: before[0]?.objects,
    })
    expect(await workspace.status('feed_scope')).toMatchObject([
      { generation: 2 },
      { generation: 2, served_generation: 2, rows: 2 },
    ])
    // Nothing new was delivered, so nothing is loaded.
    expect(await workspace.load('feed_scope')).toEqual([])

    await put('feed_scope', '01', [['k', 'one again']])
    await workspace.load('feed_scope')
    expect(await rows('feed_scope')).toEqual(['01 k one again', '05 y 5'])
    expect((await workspace.generations('feed_scope', '2023-01-05')).at(-1)?.reason).toBe(
      'winner_replaced',
    )
  })

  it('does not depend on which partition was loaded first', async () => {
    await put('later_first', '05', [['k', 'five']])
    await workspace.load('later_first')
    await put('later_first', '01', [['k', 'one']])
    expect(brief(await workspace.load('later_first'))).toEqual([['2023-01-01', 1, 1, 0]])
    expect(await rows('later_first')).toEqual(['01 k one'])
    expect(await workspace.status('later_first')).toMatchObject([{ rows: 1 }, { rows: 0 }])
  })

  it('within a window of days only; a row loses to any better one within it', async () => {
    await put('days_scope', '01', [
      ['k', 'one'],
      ['far', 'one'],
    ])
    await put('days_scope', '02', [['k', 'two']])
    await put('days_scope', '03', [['far', 'three']])
    expect(brief(await workspace.load('days_scope'))).toEqual([
      ['2023-01-01', 2, 2, 0],
      ['2023-01-02', 1, 0, 1],
      ['2023-01-03', 1, 1, 0],
    ])
    await put('days_scope', '01', [['far', 'one']])
    await workspace.load('days_scope')
    expect(await rows('days_scope')).toEqual(['01 far one', '02 k two', '03 far three'])
  })

  it('partitions of a month are as far apart as their first days', async () => {
    for (const month of ['01', '02', '04'])
      await workspace.put(`months/2023-${month}/a.jsonl`, jsonl([{ id: 'k', v: month }]))
    expect(brief(await workspace.load('months'))).toEqual([
      ['2023-01', 1, 1, 0],
      ['2023-02', 1, 0, 1],
      ['2023-04', 1, 1, 0],
    ])
  })

  it('within the partition alone where nothing else is said', async () => {
    await put('partition_scope', '01', [['k', 'one']])
    await put(
      'partition_scope',
      '02',
      [
        ['k', 'two'],
        ['k', 'three'],
      ],
      'a',
    )
    await put('partition_scope', '02', [['k', 'four']], 'b')
    expect(brief(await workspace.load('partition_scope'))).toEqual([
      ['2023-01-01', 1, 1, 0],
      ['2023-01-02', 3, 1, 2],
    ])
    expect(await rows('partition_scope')).toEqual(['01 k one', '02 k two'])
  })

  it('a rollback is judged by what is served now: a row that had been beaten is served when its winner has gone', async () => {
    await put('back', '01', [['k', 'one']])
    await put('back', '02', [
      ['k', 'two'],
      ['x', 'two'],
    ])
    await workspace.load('back')
    await put('back', '02', [['y', 'two']])
    await workspace.load('back')
    await put('back', '01', [['z', 'one']])
    await workspace.load('back')
    expect(await rows('back')).toEqual(['01 z one', '02 y two'])
    expect(await workspace.rollback('back', '2023-01-02', 1)).toMatchObject({ rows: 2 })
    expect(await rows('back')).toEqual(['01 z one', '02 k two', '02 x two'])
    // The winner comes back with its own rollback, and beats it again.
    await workspace.rollback('back', '2023-01-01', 1)
    expect(await rows('back')).toEqual(['01 k one', '02 x two'])
  })

  it('a rollback that brings all its rows back against a winner that is still there serves none of them twice', async () => {
    await put('back_again', '02', [['k', 'two']])
    await workspace.load('back_again')
    await put('back_again', '02', [['y', 'two']])
    await workspace.load('back_again')
    await put('back_again', '01', [['k', 'one']])
    await workspace.load('back_again')
    await workspace.rollback('back_again', '2023-01-02', 1)
    expect(await rows('back_again')).toEqual(['01 k one'])
    await put('back_again', '01', [['z', 'one']])
    await workspace.load('back_again')
    expect(await rows('back_again')).toEqual(['01 z one', '02 k two'])
  })

  it('a partition without any valid row gives its winners back', async () => {
    await put('emptied', '01', [['k', 'one']])
    await put('emptied', '02', [['k', 'two']])
    await workspace.load('emptied')
    await put('emptied', '01', [])
    await workspace.put('emptied/dt=2023-01-01/a.jsonl', '\n')
    await workspace.load('emptied')
    expect(await rows('emptied')).toEqual(['02 k two'])
  })
})

describe('profiles', () => {
  const users = (date: string, list: readonly object[], file = 'a') =>
    workspace.put(
      `users/updated_at=2023-01-${date}/${file}.jsonl`,
      jsonl(list.map((row) => ({ UPDATED_AT: `2023-01-${date} 00:00:00`, ...row }))),
    )
  const served = async () =>
    (await workspace.rows('users', 'USER_ID, plan, city, _object[20:21] AS day')).map(
      (r) => `${r.USER_ID} ${r.plan} ${r.city} ${r.day}`,
    )

  it('the greatest UPDATED_AT wins as a whole row, whatever came first; the beaten row is a duplicate', async () => {
    await users('02', [
      { USER_ID: 'u', plan: 'new', city: null },
      { USER_ID: 'v', plan: 'v2', city: 'v' },
    ])
    expect(brief(await workspace.load('users'))).toEqual([['2023-01-02', 2, 2, 0]])
    await users('01', [
      { USER_ID: 'u', plan: 'old', city: 'Seoul' },
      { USER_ID: 'w', plan: 'w1', city: 'w' },
    ])
    expect(brief(await workspace.load('users'))).toEqual([['2023-01-01', 2, 1, 1]])
    expect(await served()).toEqual(['w w1 w 01', 'u new null 02', 'v v2 v 02'])
  })

  it('a tie goes to the later object and row', async () => {
    await users(
      '02',
      [
        { USER_ID: 'u', plan: 'b1', city: 'x' },
        { USER_ID: 'u', plan: 'b2', city: 'x' },
      ],
      'b',
    )
    expect(brief(await workspace.load('users'))).toEqual([['2023-01-02', 4, 2, 2]])
    expect(await served()).toEqual(['w w1 w 01', 'v v2 v 02', 'u b2 x 02'])
  })

  it('replacing a day takes its rows out and lets the next best of each key win', async () => {
    await users('02', [{ USER_ID: 'v', plan: 'v2', city: 'v' }], 'b')
    await workspace.remove('users/updated_at=2023-01-02/a.jsonl')
    await workspace.load('users')
    expect(await served()).toEqual(['u old Seoul 01', 'w w1 w 01', 'v v2 v 02'])
    expect((await workspace.generations('users', '2023-01-01')).at(-1)?.reason).toBe(
      'winner_withdrawn',
    )
  })

  it('names a few beaten rows instead of writing the others again, and writes them when they become many', async () => {
    const many = (day: string, from: number, to: number) =>
      users(
        day,
        Array.from({ length: to - from }, (_, n) => ({
          USER_ID: `m${from + n}`,
          plan: day,
          city: 'x',
        })),
      )
    const kinds = async () => {
      const files = await workspace.servedFiles('users')
      return files
        .filter((f) => f.partition === '2023-01-11')
        .map((f) => `${f.kind} ${f.rows}`)
        .sort()
    }
    const ofDay = async (day: string) =>
      (await served()).filter((row) => row.startsWith('m') && row.endsWith(` ${day}`)).length
    await many('11', 0, 20)
    await workspace.load('users')
    await many('12', 0, 3)
    expect(brief(await workspace.load('users'))).toEqual([['2023-01-12', 3, 3, 0]])
    expect(await kinds()).toEqual(['beaten 3', 'data 20'])
    expect(await ofDay('11')).toBe(17)
    await many('13', 2, 5)
    await workspace.load('users')
    // Those beaten before stay so, by a file of their own.
    expect(await kinds()).toEqual(['beaten 2', 'beaten 3', 'data 20'])
    expect(await ofDay('11')).toBe(15)
    const partitions = await workspace.status('users')
    expect(partitions.find((p) => p.partition === '2023-01-11')?.rows).toBe(15)
    // A late row of an earlier day is beaten at once.
    await many('10', 0, 10)
    expect(brief(await workspace.load('users'))).toEqual([['2023-01-10', 10, 0, 10]])
    await many('14', 5, 10)
    await workspace.load('users')
    expect(await kinds()).toEqual(['candidates 20', 'data 10'])
    expect(await ofDay('11')).toBe(10)
    // Its winners gone, the rows come back.
    await many('12', 90, 91)
    await workspace.load('users')
    expect(await ofDay('11')).toBe(12)
    expect((await served()).filter((row) => row.startsWith('m')).length).toBe(21)
  })

  it('a rollback settles by what is served now which rows are beaten', async () => {
    const many = (day: string, plan: string, from: number, to: number) =>
      users(
        day,
        Array.from({ length: to - from }, (_, n) => ({ USER_ID: `r${from + n}`, plan, city: 'x' })),
      )
    const mine = async () =>
      (await served())
        .filter((row) => row.startsWith('r'))
        .map((row) => row.slice(0, 8))
        .sort()
    await many('21', 'one', 0, 20)
    await workspace.load('users')
    await many('22', 'two', 0, 2)
    await workspace.load('users')
    await many('21', 'six', 0, 20)
    await workspace.load('users')
    const before = await mine()
    expect(before.filter((row) => row.includes('two'))).toHaveLength(2)
    expect(before).toHaveLength(20)
    await workspace.rollback('users', '2023-01-21')
    const after = await mine()
    expect(after).toHaveLength(20)
    expect(after.filter((row) => row.includes('two'))).toHaveLength(2)
    expect(after.filter((row) => row.includes('one'))).toHaveLength(18)
  })
})
