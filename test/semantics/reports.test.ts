import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  contractOf,
  jsonl,
  openWorkspace,
  type Report,
  type Workspace,
} from '../support/workspace.ts'

const layout = 'dt={yyyy}-{MM}-{dd}/{file}'
const timed = {
  layout,
  format: { type: 'jsonl' },
  contract: 'contracts/timed.odcs.yaml',
  max_rejected_percent: 100,
}
const strict = contractOf([
  { name: 'id', logicalType: 'integer', required: true, primaryKey: true },
  { name: 'color', logicalType: 'string', enum: [{ value: 'red' }] },
])
const wide = contractOf([
  { name: 'id', logicalType: 'integer', required: true, primaryKey: true },
  { name: 'color', logicalType: 'string', enum: [{ value: 'red' }, { value: 'blue' }] },
])

let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    contracts: {
      'timed.odcs.yaml': contractOf([
        { name: 'id', logicalType: 'integer', required: true },
        { name: 'at', logicalType: 'timestamp', partitioned: true },
      ]),
      'colors.odcs.yaml': strict,
      'replayed.odcs.yaml': strict,
    },
    feeds: {
      utc: timed,
      seoul: { ...timed, partition_zone: 'Asia/Seoul' },
      berlin: {
        ...timed,
        partition_zone: 'Europe/Berlin',
        layout: 'd={yyyy}{MM}{dd}/h={HH}/{file}',
      },
      quarter: { ...timed, layout: '{yyyy}/{MM}/{dd}/{HH}{mm}/{file}' },
      dry: { ...timed, contract: 'contracts/colors.odcs.yaml' },
      replayed: { ...timed, contract: 'contracts/replayed.odcs.yaml' },
      traced: {
        ...timed,
        format: { type: 'auto' },
        deduplicate: { scope: 'feed' },
        contract: 'contracts/colors.odcs.yaml',
      },
    },
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

const at = (...times: readonly string[]) => jsonl(times.map((time, id) => ({ id, at: time })))

describe('time', () => {
  it('partitions are UTC; a row outside its partition is out_of_partition', async () => {
    await workspace.put(
      'utc/dt=2023-01-02/a.jsonl',
      at(
        '2023-01-01T23:59:59.999999Z',
        '2023-01-02T00:00:00Z',
        '2023-01-02T23:59:59.999999Z',
        '2023-01-03T00:00:00Z',
        '2023-01-03T08:59:59+09:00',
      ),
    )
    await workspace.load('utc')
    expect((await workspace.rows('utc', 'id')).map((r) => r.id)).toEqual([1, 2, 4])
    expect((await workspace.rejects('utc')).map((r) => [r.row, r.code, r.column])).toEqual([
      [1, 'out_of_partition', 'at'],
      [4, 'out_of_partition', 'at'],
    ])
  })

  it('unless the feed has a partition_zone', async () => {
    await workspace.put(
      'seoul/dt=2023-01-02/a.jsonl',
      at(
        '2023-01-01T14:59:59.999Z',
        '2023-01-01T15:00:00Z',
        '2023-01-02T14:59:59.999Z',
        '2023-01-02T15:00:00Z',
      ),
    )
    await workspace.load('seoul')
    expect((await workspace.rows('seoul', 'id')).map((r) => r.id)).toEqual([1, 2])
  })

  it('an hour that comes twice when the clocks go back is one partition of two hours', async () => {
    // On 29 October 2023 in Berlin 02:00 to 03:00 comes twice: 00:00 to 02:00 UTC.
    await workspace.put(
      'berlin/d=20231029/h=02/a.jsonl',
      at(
        '2023-10-28T23:59:59Z',
        '2023-10-29T00:00:00Z',
        '2023-10-29T01:59:59Z',
        '2023-10-29T02:00:00Z',
      ),
    )
    await workspace.reopen({ now: '2023-12-01T00:00:00Z' })
    expect(await workspace.load('berlin')).toMatchObject([
      { partition: '2023-10-29T02', rejected: 2 },
    ])
    expect((await workspace.rows('berlin', 'id')).map((r) => r.id)).toEqual([1, 2])
  })

  it('a partition may be a quarter of an hour', async () => {
    await workspace.put(
      'quarter/2023/01/01/0915/a.jsonl',
      at(
        '2023-01-01T09:14:59Z',
        '2023-01-01T09:15:00Z',
        '2023-01-01T09:29:59Z',
        '2023-01-01T09:30:00Z',
      ),
    )
    expect(await workspace.load('quarter')).toMatchObject([
      { partition: '2023-01-01T09:15', rows_published: 2, rejected: 2 },
    ])
  })
})

describe('validate', () => {
  const delivery = jsonl([
    { id: 1, color: 'red' },
    { id: 1, color: 'red' },
    { id: 2, color: 'green' },
    { color: 'red' },
  ])
  const facts = ({
    rows_read,
    rejected,
    duplicates,
    rejects,
    objects,
    rows_published,
  }: Report) => ({
    rows_read,
    rejected,
    duplicates,
    rejects,
    objects: objects.map(({ code, message }) => ({ code, message })),
    rows_published,
  })

  it('gives the counts and rejects of the load that follows, and publishes nothing', async () => {
    await workspace.put('dry/dt=2023-01-01/a.jsonl', delivery)
    await workspace.put('dry/dt=2023-01-01/b.jsonl.gz', 'no gzip')
    await workspace.put('dry/dt=2023-01-02/a.jsonl', jsonl([{ id: 3 }]))
    const dry = await workspace.validate('dry')
    expect(await workspace.rows('dry')).toEqual([])
    expect((await workspace.status('dry')).map((p) => p.state)).toEqual(['ready', 'ready'])
    expect(
      await readdir(join(workspace.dir, '.bucketline/datasets')).catch(() => []),
    ).not.toContain('dry')
    const loads = await workspace.load('dry')
    expect(dry.validations.map(facts)).toEqual(loads.map(facts))
    expect(dry.rejects).toEqual(await workspace.rejects('dry'))
    expect(loads.map((l) => [l.rows_read, l.rows_published, l.duplicates, l.rejected])).toEqual([
      [4, 1, 1, 2],
      [1, 1, 0, 0],
    ])
  })

  it('checks files before they are delivered', async () => {
    await workspace.put('elsewhere/mine.jsonl', delivery)
    const dry = await workspace.validate('dry', [workspace.pathOf('elsewhere/mine.jsonl')])
    expect(dry.validations).toMatchObject([{ rows_read: 4, duplicates: 1, rejected: 2 }])
    expect(dry.rejects.map((r) => [r.row, r.code])).toEqual([
      [3, 'not_in_enum'],
      [4, 'missing_column'],
    ])
  })
})

describe('replay', () => {
  it('after a contract change loads again the partitions that have rejects, and only those', async () => {
    await workspace.put(
      'replayed/dt=2023-01-01/a.jsonl',
      jsonl([
        { id: 1, color: 'red' },
        { id: 2, color: 'blue' },
      ]),
    )
    await workspace.put('replayed/dt=2023-01-02/a.jsonl', jsonl([{ id: 3, color: 'red' }]))
    await workspace.load('replayed')
    await workspace.writeContract('replayed.odcs.yaml', wide)
    // A change of contract alone does not reload what is published.
    expect(await workspace.load('replayed')).toEqual([])
    expect(await workspace.load('replayed', { replay: true })).toMatchObject([
      { partition: '2023-01-01', reason: 'replay', rows_published: 2, rejected: 0, generation: 2 },
    ])
    expect(await workspace.rejects('replayed')).toEqual([])
    expect((await workspace.rows('replayed', 'id')).map((r) => r.id)).toEqual([1, 2, 3])
    expect(await workspace.load('replayed', { replay: true })).toEqual([])
  })
})

describe('every row', () => {
  it('that is published leads back to its object and row; every row read is published, a duplicate or rejected', async () => {
    const colors = ['red', 'red', 'red', 'green']
    const list = (n: number) =>
      Array.from({ length: 60 }, (_, i) => ({ id: (i * n) % 47, color: colors[(i * n) % 4] }))
    const texts = {
      'dt=2023-01-01/a.jsonl': jsonl(list(3)).replaceAll('\n', '\n\n'),
      'dt=2023-01-01/b.csv': `id,color\n${list(5)
        .map((r) => `${r.id},"${r.color}"\n`)
        .join('')}`,
      'dt=2023-01-02/c.jsonl.gz': jsonl(list(7)),
    }
    for (const [key, text] of Object.entries(texts))
      await workspace.put(`traced/${key}`, key.endsWith('.gz') ? gzipSync(text) : text)
    await workspace.putParquet(
      'traced/dt=2023-01-03/d.parquet',
      "SELECT (i * 11) % 97 AS id, CASE WHEN i % 5 = 0 THEN 'green' ELSE 'red' END AS color FROM range(200) t(i)",
    )
    const loads = await workspace.load('traced')
    expect(loads.map((l) => l.state)).toEqual(['published', 'published', 'published'])
    expect(loads.map((l) => l.rows_published + l.duplicates + l.rejected)).toEqual(
      loads.map((l) => l.rows_read),
    )
    expect(loads.map((l) => l.rows_read)).toEqual([120, 60, 200])

    const rows = await workspace.rows('traced', 'id, color, _object, _row')
    expect(new Set(rows.map((r) => `${r._object}:${r._row}`)).size).toBe(rows.length)
    expect(new Set(rows.map((r) => r.id)).size).toBe(rows.length)
    expect(rows.length).toBe(loads.reduce((sum, l) => sum + l.rows_published, 0))
    for (const row of rows) {
      const key = String(row._object)
      const at = Number(row._row)
      if (key.endsWith('.parquet')) {
        expect(row.id).toBe(((at - 1) * 11) % 97)
        continue
      }
      const bytes = await readFile(workspace.pathOf(`traced/${key}`))
      const text = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
      const line = text.split('\n')[at - 1] ?? ''
      const id = key.endsWith('.csv') ? Number(line.split(',')[0]) : JSON.parse(line).id
      expect(id).toBe(row.id)
    }
  })
})

describe('a folder of any name', () => {
  it('holds the data directory and files to validate: quotes, brackets and stars are letters', async () => {
    await using odd = await openWorkspace({
      folder: "bucketline [a]b*'c? {d} dt=1-",
      contracts: { 'colors.odcs.yaml': strict },
      feeds: {
        odd: { ...timed, format: { type: 'auto' }, contract: 'contracts/colors.odcs.yaml' },
      },
    })
    await odd.putParquet('odd/dt=2023-01-01/[x]*.parquet', "SELECT 1 AS id, 'red' AS color")
    await odd.put('odd/dt=2023-01-01/a.csv', 'id,color\n2,red\n3,blue\n')
    const files = ['[x]*.parquet', 'a.csv'].map((name) => odd.pathOf(`odd/dt=2023-01-01/${name}`))
    expect((await odd.validate('odd', files)).validations).toMatchObject([
      { rows_read: 3, rows_published: 2, rejected: 1 },
    ])
    expect(await odd.load('odd')).toMatchObject([{ rows_published: 2, rejected: 1 }])
    expect((await odd.rows('odd', 'id')).map((r) => r.id)).toEqual([1, 2])
    expect(await odd.rejects('odd')).toHaveLength(1)
  })
})
