import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  contractOf,
  jsonl,
  openWorkspace,
  type Report,
  type Workspace,
} from '../support/workspace.ts'

const layout = 'dt={yyyy}-{MM}-{dd}/{file}'
const day = (feed: string, file: string) => `${feed}/dt=2023-01-01/${file}`
const plain = { layout, contract: 'contracts/plain.odcs.yaml', max_rejected_percent: 100 }
const json = { ...plain, format: { type: 'jsonl' } }
const csv = { ...plain, format: { type: 'csv' } }
const columns = [
  { name: 'id', logicalType: 'integer', required: true },
  { name: 'name', logicalType: 'string', logicalTypeOptions: { maxLength: 5 } },
  { name: 'day', logicalType: 'date', partitioned: true },
]

let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    contracts: {
      'plain.odcs.yaml': contractOf(columns),
      'keyed.odcs.yaml': contractOf(
        [
          { name: 'id', logicalType: 'integer', required: true, primaryKey: true },
          ...columns.slice(1),
        ],
        { quality: [{ metric: 'rowCount', mustBe: 2 }] },
      ),
    },
    feeds: {
      order: { ...json, contract: 'contracts/keyed.odcs.yaml' },
      too_few: { ...json, contract: 'contracts/keyed.odcs.yaml' },
      codes: json,
      blank: json,
      others: json,
      strict: json,
      twice: json,
      corrupt: { ...json, max_rejected_percent: 50 },
      lines: json,
      csv_lines: csv,
      parquet: { ...plain, format: { type: 'parquet' } },
      bytes: json,
      absent: json,
      served: { ...json, max_rejected_rows: 1 },
    },
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

const only = (reports: readonly Report[]): Report => {
  expect(reports).toHaveLength(1)
  return reports[0] as Report
}
const counts = ({ rows_read, rows_published, duplicates, rejected }: Report) => [
  rows_read,
  rows_published,
  duplicates,
  rejected,
]

describe('order of checks', () => {
  it('is object, row, then duplicates among valid rows only, then quality rules on what is left', async () => {
    await workspace.put(day('order', 'a.jsonl.gz'), gzipSync(jsonl([{ id: 1 }])).subarray(0, 20))
    await workspace.put(
      day('order', 'b.jsonl'),
      // The first row of id 1 is refused, so the second one is no duplicate of it.
      jsonl([{ id: 1, name: 'too long' }, { id: 1 }, { id: 2 }, { id: 2 }]),
    )
    const load = only(await workspace.load('order'))
    expect(load).toMatchObject({ state: 'published', objects: [{ code: 'corrupt_object' }] })
    expect(counts(load)).toEqual([4, 2, 1, 1])
    expect(await workspace.rows('order', 'id, _row')).toEqual([
      { id: 1, _row: 2 },
      { id: 2, _row: 3 },
    ])
  })

  it('refuses by a quality rule what rows and duplicates left over', async () => {
    await workspace.put(
      day('too_few', 'a.jsonl'),
      jsonl([{ id: 1 }, { id: 1 }, { id: 2, day: 'x' }]),
    )
    const load = only(await workspace.load('too_few'))
    expect(load).toMatchObject({
      state: 'refused',
      code: 'quality',
      rejected: 1,
      rows_published: 0,
    })
    expect(load.message).toContain('row_count is 1')
  })

  it('makes one reject of a row: code is the first rule broken in the contract’s order, codes all of them', async () => {
    await workspace.put(
      day('codes', 'a.jsonl'),
      jsonl([
        { day: '2023-01-02', name: 'too long', id: 'x' },
        { day: 'never', name: 'too long' },
      ]),
    )
    await workspace.load('codes')
    const rejects = await workspace.rejects('codes')
    expect(rejects.map(({ row, column, code, codes }) => ({ row, column, code, codes }))).toEqual([
      {
        row: 1,
        column: 'id',
        code: 'wrong_type',
        codes: ['wrong_type', 'invalid_format', 'out_of_partition'],
      },
      {
        row: 2,
        column: 'id',
        code: 'missing_column',
        codes: ['missing_column', 'invalid_format', 'invalid_format'],
      },
    ])
  })
})

describe('rows', () => {
  it('a blank line is not a row', async () => {
    await workspace.put(day('blank', 'a.jsonl'), '\n{"id": 1}\n\n  \t\r\n{"id": 2}\n\n')
    expect(counts(only(await workspace.load('blank')))).toEqual([2, 2, 0, 0])
    expect(await workspace.rows('blank', 'id, _row')).toEqual([
      { id: 1, _row: 2 },
      { id: 2, _row: 5 },
    ])
  })

  it('[1], "x", a number and null on a line are not_an_object', async () => {
    await workspace.put(day('others', 'a.jsonl'), '[1]\n"x"\n12\nnull\ntrue\n{"id": 1}\n')
    await workspace.load('others')
    expect((await workspace.rejects('others')).map((r) => r.code)).toEqual(
      Array.from({ length: 5 }, () => 'not_an_object'),
    )
  })

  it('invalid_json means not RFC 8259', async () => {
    const lines = [
      '{"id": NaN}',
      '{"id": Infinity}',
      "{'id': 1}",
      '{"id": 1,}',
      '{"id": 01}',
      '{"id": +1}',
      '{"id": .5}',
      '{"id": 1.}',
      '{"id": 1} // comment',
      '{"id": 1}{"id": 2}',
      '{id: 1}',
      '{"id": 1, "name": "a\u0001"}',
      '{"id": 1, "name": "\\x"}',
      '{"id": 1, "name": "open}',
      '{"id": 1',
      '{"id" 1}',
      '{"id": tru}',
    ]
    await workspace.put(day('strict', 'a.jsonl'), lines.map((line) => `${line}\n`).join(''))
    const load = only(await workspace.load('strict'))
    expect(load.rejects).toEqual([{ code: 'invalid_json', count: lines.length }])
    expect((await workspace.rejects('strict')).map((r) => r.raw)).toEqual(lines)
  })

  it('a key twice in one object is duplicate_key, at any depth', async () => {
    await workspace.put(
      day('twice', 'a.jsonl'),
      '{"id": 1, "id": 1}\n{"id": 1, "o": {"a": 1, "a": 2}}\n{"id": 1, "o": [{"a": 1}, {"a": 2}]}\n{"id": 1, "i\\u0064": 2}\n',
    )
    await workspace.load('twice')
    expect((await workspace.rejects('twice')).map(({ row, code }) => [row, code])).toEqual([
      [1, 'duplicate_key'],
      [2, 'duplicate_key'],
      [4, 'duplicate_key'],
    ])
  })

  it('a corrupt object is refused as a whole and counted as an object; the others follow the budget', async () => {
    const cut = gzipSync(jsonl(Array.from({ length: 100 }, (_, id) => ({ id })))).subarray(0, -9)
    await workspace.put(day('corrupt', 'bad.jsonl.gz'), cut)
    await workspace.put(day('corrupt', 'good.jsonl'), jsonl([{ id: 1 }, { id: 'x' }]))
    const load = only(await workspace.load('corrupt'))
    expect(load).toMatchObject({
      state: 'published',
      objects: [{ object: day('corrupt', 'bad.jsonl.gz'), code: 'corrupt_object' }],
    })
    expect(counts(load)).toEqual([2, 1, 0, 1])

    await workspace.put(day('corrupt', 'late.jsonl'), jsonl([{ id: 'y' }, { id: 'z' }]))
    const next = only(await workspace.load('corrupt'))
    expect(next).toMatchObject({ state: 'refused', code: 'over_budget', rows_read: 4, rejected: 3 })
  })

  it('a field that is absent and one that is null are told apart', async () => {
    await workspace.put(day('absent', 'a.jsonl'), '{}\n{"id": null}\n{"name": "x"}\n')
    await workspace.load('absent')
    expect((await workspace.rejects('absent')).map((r) => [r.code, r.codes])).toEqual([
      ['missing_column', ['missing_column']],
      ['null_value', ['null_value']],
      ['missing_column', ['missing_column']],
    ])
  })
})

describe('row number and raw', () => {
  it('in text is the physical line a record starts on; a CSV header is line 1', async () => {
    await workspace.put(
      day('csv_lines', 'a.csv'),
      'id,name\n1,"a\nb"\n\nx,bad\n3,"c\r\nd"\ny,"e\nf"\n',
    )
    await workspace.load('csv_lines')
    expect(await workspace.rows('csv_lines', 'id, _row')).toEqual([
      { id: 1, _row: 2 },
      { id: 3, _row: 6 },
    ])
    expect((await workspace.rejects('csv_lines')).map(({ row, raw }) => [row, raw])).toEqual([
      [5, 'x,bad'],
      [8, 'y,"e\nf"'],
    ])
  })

  it('in Parquet is the ordinal, and raw the row as JSON', async () => {
    await workspace.putParquet(
      day('parquet', 'a.parquet'),
      "SELECT i::BIGINT AS id, CASE WHEN i = 3 THEN 'too long' ELSE 'ok' END AS name, MAP {'k': i} AS other FROM range(1, 5) t(i)",
    )
    await workspace.load('parquet')
    expect((await workspace.rows('parquet', '_row')).map((r) => r._row)).toEqual([1, 2, 4])
    const [reject] = await workspace.rejects('parquet')
    expect(reject).toMatchObject({ row: 3, code: 'invalid_format', column: 'name' })
    expect(JSON.parse(reject?.raw ?? '')).toEqual({ id: 3, name: 'too long', other: { k: 3 } })
  })

  it('raw shows bytes that are not UTF-8 as \\xNN; object is the key and version its version', async () => {
    const key = day('bytes', 'a.jsonl')
    await workspace.put(key, Buffer.from('{"id": 1, "name": "\xe9\xff"}\n', 'latin1'))
    await workspace.load('bytes')
    const [first] = await workspace.rejects('bytes')
    expect(first).toMatchObject({ object: key, row: 1, code: 'invalid_utf8' })
    expect(first?.raw).toBe('{"id": 1, "name": "\\xE9\\xFF"}')
    await workspace.put(key, Buffer.from('{"id": 1, "name": "\xe9\xfe"}\n', 'latin1'))
    await workspace.load('bytes')
    const [second] = await workspace.rejects('bytes')
    expect(second?.version).not.toBe(first?.version)
    expect(second?.version).not.toBe('')
  })
})

describe('rejects', () => {
  it('shows those of served generations, and with --all every load’s', async () => {
    const key = day('served', 'a.jsonl')
    const of = async (all: boolean) => (await workspace.rejects('served', all)).map((r) => r.raw)
    await workspace.put(key, '{"id": "one"}\n{"id": 1}\n')
    await workspace.load('served')
    expect(await of(false)).toEqual(['{"id": "one"}'])

    await workspace.put(key, '{"id": "two"}\n{"id": "three"}\n')
    expect(await workspace.load('served')).toMatchObject([{ state: 'refused' }])
    expect(await of(false)).toEqual(['{"id": "one"}'])
    expect((await of(true)).sort()).toEqual(['{"id": "one"}', '{"id": "three"}', '{"id": "two"}'])

    await workspace.put(key, '{"id": 4}\n')
    await workspace.load('served')
    expect(await of(false)).toEqual([])
    expect(await of(true)).toHaveLength(3)
    expect(await workspace.rejects('served', true, 'null_value')).toEqual([])
  })
})
