import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDuckdb } from '../duckdb/duckdb.ts'
import { openDuckdbEngine } from './duckdb.ts'
import type { Engine } from './engine.ts'

let root = ''
let engine: Engine
const snapshot = {
  feed: 'events',
  files: ['events/d/a.parquet'],
  beaten: [],
  columns: [{ name: 'id', type: 'BIGINT' }],
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'engine-'))
  engine = openDuckdbEngine({
    datasets_dir: join(root, 'datasets'),
    spill_dir: join(root, 'spill'),
    memory_limit: '256MB',
  })
  await mkdir(join(root, 'staging'))
  await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(root, 'spill') })
  await duckdb.run(`COPY (SELECT 9007199254740993 AS big, 12 AS small, 1.50::DECIMAL(24,6) AS exact, TIMESTAMP '2023-01-01 00:01:02.333' AS ts,
    TIMESTAMP '2023-01-01 00:01:02.333001' AS micros, DATE '2023-01-01' AS day, MAP {'a': 'b'} AS m, {'x': [1, 2]} AS s, uuid() AS u, 'NaN'::DOUBLE AS nan)
    TO '${join(root, 'staging/a.parquet')}'`)
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('publish', () => {
  it('moves staged files to their place, and a second time does nothing', async () => {
    const plan = {
      load_id: 'l',
      feed: 'events',
      files: [{ staged: join(root, 'staging/a.parquet'), path: 'events/d/a.parquet' }],
      beaten: [],
    }
    expect(await engine.published(plan)).toBe(false)
    await engine.publish(plan)
    await engine.publish(plan)
    expect(await engine.published(plan)).toBe(true)
  })
})

describe('query', () => {
  it('gives values that JSON holds without losing a digit', async () => {
    const { rows, columns } = await engine.query('SELECT * EXCLUDE (u) FROM events', [snapshot])
    expect(rows).toEqual([
      [
        '9007199254740993',
        12,
        '1.500000',
        '2023-01-01T00:01:02.333Z',
        '2023-01-01T00:01:02.333001Z',
        '2023-01-01',
        { a: 'b' },
        { x: [1, 2] },
        'NaN',
      ],
    ])
    expect(columns[2]).toEqual({ name: 'exact', type: 'DECIMAL(24,6)' })
  })
  it('shows a dataset without files as an empty table of its columns', async () => {
    expect(
      await engine.query('SELECT id FROM events', [{ ...snapshot, files: [], beaten: [] }]),
    ).toEqual({
      columns: [{ name: 'id', type: 'BIGINT' }],
      rows: [],
    })
  })
  it.each([
    ['a file of the machine', "SELECT * FROM read_text('/etc/passwd')"],
    ['writing over a dataset', `COPY (SELECT 1) TO 'x.parquet'`],
    ['two statements', 'SELECT 1; SELECT 2'],
    ['leaving the sandbox', 'SET enable_external_access = true'],
    ['an unknown table', 'SELECT * FROM nothing'],
    ['no SQL', 'hello'],
  ])('refuses %s', async (_, sql) => {
    await expect(engine.query(sql, [snapshot])).rejects.toMatchObject({ code: 'query_invalid' })
  })
  it('names the datasets where a table is not one', async () => {
    await expect(engine.query('SELECT * FROM evens', [snapshot])).rejects.toMatchObject({
      code: 'query_invalid',
      hint: 'The datasets are: events.',
    })
  })
  it('exports to a file', async () => {
    const path = join(root, 'out.csv')
    await engine.export('SELECT small, exact FROM events', [snapshot], { path, format: 'csv' })
    expect(await readFile(path, 'utf8')).toBe('small,exact\n12,1.500000\n')
  })
})

describe('retire', () => {
  it('removes files and the folders they leave empty, and takes absent ones for done', async () => {
    await mkdir(join(root, 'datasets/events/e'), { recursive: true })
    await writeFile(join(root, 'datasets/events/e/b.parquet'), '')
    await engine.retire(['events/e/b.parquet', 'events/e/b.parquet'])
    await expect(readFile(join(root, 'datasets/events/e'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
    expect(
      await engine.published({
        load_id: '',
        feed: '',
        files: [{ staged: '', path: 'events/d/a.parquet' }],
      }),
    ).toBe(true)
  })
})
