import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, jsonl, openWorkspace, type Workspace } from '../support/workspace.ts'

const layout = 'dt={yyyy}-{MM}-{dd}/{file}'
const partition = '2023-01-01'
const day = (feed: string, file: string) => `${feed}/dt=${partition}/${file}`
const json = { layout, format: { type: 'jsonl' }, contract: 'contracts/plain.odcs.yaml' }
const ids = (...list: readonly unknown[]) => jsonl(list.map((id) => ({ id })))

let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    contracts: {
      'plain.odcs.yaml': contractOf([{ name: 'id', logicalType: 'integer', required: true }]),
      'ruled.odcs.yaml': contractOf([{ name: 'id', logicalType: 'integer', required: true }], {
        quality: [{ metric: 'duplicateValues', arguments: { properties: ['id'] }, mustBe: 0 }],
      }),
      'keyed.odcs.yaml': contractOf([
        { name: 'id', logicalType: 'integer', required: true, primaryKey: true },
        { name: 'v', logicalType: 'string' },
      ]),
    },
    feeds: {
      replace: json,
      append: { ...json, publish: 'append' },
      append_keyed: { ...json, publish: 'append', contract: 'contracts/keyed.odcs.yaml' },
      append_rules: { ...json, publish: 'append', contract: 'contracts/ruled.odcs.yaml' },
      append_budget: { ...json, publish: 'append', max_rejected_percent: 50 },
      together: { ...json, publish: 'append' },
      gone: json,
      back: { ...json, retain_generations: 5 },
      pinned: json,
      kept: { ...json, retain_generations: 2 },
      swept: json,
      repeated: json,
    },
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

const idsOf = async (feed: string) => (await workspace.rows(feed, 'id')).map((row) => row.id)
const brief = (reports: Awaited<ReturnType<Workspace['load']>>) =>
  reports.map((l) => ({
    generation: l.generation,
    reason: l.reason,
    counts: [l.rows_read, l.rows_published, l.duplicates, l.rejected],
  }))

describe('publish mode', () => {
  it('replace serves the objects of the latest generation, all of which are read', async () => {
    await workspace.put(day('replace', 'a.jsonl'), ids(1, 2))
    await workspace.put(day('replace', 'b.jsonl'), ids(3))
    expect(brief(await workspace.load('replace'))).toEqual([
      { generation: 1, reason: 'first', counts: [3, 3, 0, 0] },
    ])
    await workspace.put(day('replace', 'a.jsonl'), ids(4))
    expect(brief(await workspace.load('replace'))).toEqual([
      { generation: 2, reason: 'changed_object', counts: [2, 2, 0, 0] },
    ])
    expect(await idsOf('replace')).toEqual([4, 3])
    await workspace.put(day('replace', 'c.jsonl'), ids(5))
    expect(brief(await workspace.load('replace'))).toEqual([
      { generation: 3, reason: 'added_object', counts: [3, 3, 0, 0] },
    ])
    await workspace.remove(day('replace', 'b.jsonl'))
    expect(brief(await workspace.load('replace'))).toEqual([
      { generation: 4, reason: 'removed_object', counts: [2, 2, 0, 0] },
    ])
    expect(await idsOf('replace')).toEqual([4, 5])
    expect(await workspace.load('replace')).toEqual([])
  })

  it('append reads only what is new; a re-delivered object replaces its own rows; identical rows without a key are all kept', async () => {
    await workspace.put(day('append', 'a.jsonl'), ids(1, 1, 1))
    await workspace.put(day('append', 'b.jsonl'), ids(1))
    expect(brief(await workspace.load('append'))).toEqual([
      { generation: 1, reason: 'first', counts: [4, 4, 0, 0] },
    ])
    await workspace.put(day('append', 'c.jsonl'), ids(1, 3))
    expect(brief(await workspace.load('append'))).toEqual([
      { generation: 2, reason: 'added_object', counts: [2, 2, 0, 0] },
    ])
    expect(await idsOf('append')).toEqual([1, 1, 1, 1, 1, 3])
    await workspace.put(day('append', 'a.jsonl'), ids(2))
    expect(brief(await workspace.load('append'))).toEqual([
      { generation: 3, reason: 'changed_object', counts: [1, 1, 0, 0] },
    ])
    expect(await idsOf('append')).toEqual([2, 1, 1, 3])
    await workspace.remove(day('append', 'b.jsonl'))
    await workspace.load('append')
    expect(await idsOf('append')).toEqual([2, 1, 3])
    expect(await workspace.load('append')).toEqual([])
    expect(brief(await workspace.load('append', { force: true }))).toEqual([
      { generation: 5, reason: 'forced', counts: [3, 3, 0, 0] },
    ])
    expect(await idsOf('append')).toEqual([2, 1, 3])
  })

  it('append with a key still finds duplicates among all objects of the partition', async () => {
    const rows = () => workspace.rows('append_keyed', 'id, v')
    await workspace.put(day('append_keyed', 'b.jsonl'), jsonl([{ id: 1, v: 'b' }]))
    await workspace.load('append_keyed')
    await workspace.put(day('append_keyed', 'a.jsonl'), jsonl([{ id: 1, v: 'a' }]))
    await workspace.load('append_keyed')
    expect(await rows()).toEqual([{ id: 1, v: 'a' }])
    await workspace.put(day('append_keyed', 'a.jsonl'), jsonl([{ id: 2, v: 'a' }]))
    await workspace.load('append_keyed')
    expect(await rows()).toEqual([
      { id: 2, v: 'a' },
      { id: 1, v: 'b' },
    ])
  })

  it('append checks quality rules on the whole partition, with the rows it does not read again; so does validate', async () => {
    await workspace.put(day('append_rules', 'a.jsonl'), ids(1, 2))
    await workspace.load('append_rules')
    await workspace.put(day('append_rules', 'b.jsonl'), ids(2))
    expect((await workspace.validate('append_rules')).validations).toMatchObject([
      { state: 'refused', code: 'quality', rows_read: 1 },
    ])
    expect(await workspace.load('append_rules')).toMatchObject([
      { state: 'refused', code: 'quality' },
    ])
    expect(await idsOf('append_rules')).toEqual([1, 2])
    await workspace.put(day('append_rules', 'a.jsonl'), ids(1))
    expect(await workspace.load('append_rules')).toMatchObject([
      { state: 'published', rows_read: 2 },
    ])
    expect(await idsOf('append_rules')).toEqual([1, 2])
  })

  it('append keeps rejects of objects that are still served, and drops those of re-delivered ones', async () => {
    const raws = async () => (await workspace.rejects('append_budget')).map((r) => r.raw)
    await workspace.put(day('append_budget', 'a.jsonl'), ids('a', 1))
    await workspace.put(day('append_budget', 'b.jsonl'), ids('b', 1))
    await workspace.load('append_budget')
    await workspace.put(day('append_budget', 'c.jsonl'), ids('c', 1))
    await workspace.load('append_budget')
    expect(await raws()).toEqual(['{"id":"a"}', '{"id":"b"}', '{"id":"c"}'])
    await workspace.put(day('append_budget', 'a.jsonl'), ids(2))
    await workspace.load('append_budget')
    expect(await raws()).toEqual(['{"id":"b"}', '{"id":"c"}'])
    expect(await idsOf('append_budget')).toEqual([2, 1, 1])
  })

  it('one run takes all that is new in a partition as one generation and one load', async () => {
    for (const file of ['a', 'b', 'c'])
      await workspace.put(day('together', `${file}.jsonl`), ids(1))
    expect(await workspace.load('together')).toHaveLength(1)
    for (const file of ['d', 'e']) await workspace.put(day('together', `${file}.jsonl`), ids(2))
    await workspace.put(day('together', 'a.jsonl'), ids(3))
    expect(brief(await workspace.load('together'))).toEqual([
      { generation: 2, reason: 'changed_object', counts: [3, 3, 0, 0] },
    ])
    expect(await workspace.generations('together', partition)).toHaveLength(2)
  })

  it('a partition whose objects are all gone keeps being served, until it is forced', async () => {
    await workspace.put(day('gone', 'a.jsonl'), ids(1))
    await workspace.load('gone')
    await workspace.remove(day('gone', 'a.jsonl'))
    expect(await workspace.load('gone')).toEqual([])
    expect(await idsOf('gone')).toEqual([1])
    expect(await workspace.load('gone', { force: true })).toMatchObject([
      { reason: 'removed_object', state: 'published', rows_read: 0 },
    ])
    expect(await idsOf('gone')).toEqual([])
  })

  it('loading the same again changes nothing', async () => {
    await workspace.put(day('repeated', 'a.jsonl'), ids(1, 2))
    await workspace.load('repeated')
    for (const flags of [{}, { all: true }])
      expect(await workspace.load('repeated', flags)).toEqual([])
    await workspace.load('repeated', { force: true })
    expect(await idsOf('repeated')).toEqual([1, 2])
  })
})

describe('rollback', () => {
  it('serves the generation before, and again the one before that, or one that is named', async () => {
    for (const id of [1, 2, 3]) {
      await workspace.put(day('back', 'a.jsonl'), ids(id))
      await workspace.load('back')
    }
    expect(await workspace.rollback('back', partition)).toMatchObject({
      generation: 2,
      replaced_generation: 3,
      rows: 1,
    })
    expect(await idsOf('back')).toEqual([2])
    await workspace.rollback('back', partition)
    expect(await idsOf('back')).toEqual([1])
    await expect(workspace.rollback('back', partition)).rejects.toMatchObject({
      code: 'generation_unavailable',
    })
    await workspace.rollback('back', partition, 3)
    expect(await idsOf('back')).toEqual([3])
    await expect(workspace.rollback('back', '2023-01-09')).rejects.toMatchObject({
      code: 'generation_unavailable',
    })
  })

  it('pins the generation until a new object appears, or --force', async () => {
    const pinned = async () => (await workspace.status('pinned'))[0]?.pinned
    await workspace.put(day('pinned', 'a.jsonl'), ids(1))
    await workspace.load('pinned')
    await workspace.put(day('pinned', 'a.jsonl'), ids(2))
    await workspace.load('pinned')
    await workspace.rollback('pinned', partition)
    for (const flags of [{}, { all: true }])
      expect(await workspace.load('pinned', flags)).toEqual([])
    expect([await idsOf('pinned'), await pinned()]).toEqual([[1], true])

    await workspace.put(day('pinned', 'b.jsonl'), ids(3))
    expect(await workspace.load('pinned')).toMatchObject([{ reason: 'added_object' }])
    expect([await idsOf('pinned'), await pinned()]).toEqual([[2, 3], false])

    await workspace.rollback('pinned', partition)
    expect(await workspace.load('pinned')).toEqual([])
    expect(await workspace.load('pinned', { force: true })).toMatchObject([{ reason: 'forced' }])
    expect([await idsOf('pinned'), await pinned()]).toEqual([[2, 3], false])
  })
})

describe('retention and sweep', () => {
  const filesOf = async (feed: string) => {
    const entries = await readdir(join(workspace.dir, '.bucketline/datasets', feed), {
      recursive: true,
      withFileTypes: true,
    })
    return entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name))
  }

  it('a load keeps as many generations as the feed retains, and sweeps the others', async () => {
    for (const id of [1, 2, 3]) {
      await workspace.put(day('kept', 'a.jsonl'), ids(id))
      await workspace.load('kept')
    }
    expect(await filesOf('kept')).toHaveLength(2)
    await expect(workspace.rollback('kept', partition, 1)).rejects.toMatchObject({
      code: 'generation_unavailable',
    })
    await workspace.rollback('kept', partition, 2)
    expect(await idsOf('kept')).toEqual([2])
  })

  it('a sweep removes files that no row names, and nothing else', async () => {
    await workspace.put(day('swept', 'a.jsonl'), ids(1))
    await workspace.load('swept')
    const before = await filesOf('swept')
    const stray = join(workspace.dir, '.bucketline/datasets/swept/2023-01-01/9-lost')
    await mkdir(stray, { recursive: true })
    await writeFile(join(stray, 'data.parquet'), 'left by a crash')
    expect(await workspace.app.sweep(['swept'])).toEqual([{ feed: 'swept', files: 1, bytes: 15 }])
    expect(await filesOf('swept')).toEqual(before)
    expect(await idsOf('swept')).toEqual([1])
  })
})
