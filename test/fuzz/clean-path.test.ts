import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { FeedSettings } from '../../src/core/config.ts'
import type { Feed } from '../../src/core/feed.ts'
import { parseContract } from '../../src/core/odcs/odcs.ts'
import { parsePartition } from '../../src/core/partition.ts'
import { resolveFeed } from '../../src/core/resolve-feed.ts'
import { type Duckdb, literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import type { FetchedObject } from '../../src/exchange/validate/check-options.ts'
import { checkRows } from '../../src/exchange/validate/check-rows.ts'
import type { Formats } from '../../src/format/format.ts'
import { passObject } from '../../src/format/gates.ts'
import { probeParquet } from '../../src/format/parquet.ts'
import { rawRows } from '../../src/format/raw-rows.ts'
import { readPassed, readTogether } from '../../src/format/read-passed.ts'
import type { DatasetColumn } from '../../src/ledger/ledger.ts'
import { contractOf } from '../support/workspace.ts'
import { fuzz, RUNS, watchForHangs } from './fuzz.ts'

watchForHangs()

/**
 * An object is read one way where it and all beside it are clean, and another where they are not. The
 * same rows must come out: each batch is checked as it is, and again in another form beside an object
 * that is wrong in every column, which leaves nothing to the clean path.
 */
const formats: Formats = {
  gate: passObject,
  readPassed,
  readTogether,
  probe: probeParquet,
  probeApart: async () => undefined,
  rawRows,
}

let dir: string
let duckdb: Duckdb
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fuzz-paths-'))
  duckdb = await openDuckdb({ memory_limit: '1GB', spill_dir: join(dir, 'spill'), threads: 2 })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  rmSync(dir, { recursive: true })
})

const custom = (values: Record<string, unknown>) => ({
  customProperties: Object.entries(values).map(([property, value]) => ({ property, value })),
})
const text_map = { key: { logicalType: 'string' }, value: { logicalType: 'string' } }
const properties = [
  { name: 'id', logicalType: 'integer', required: true },
  { name: 's', logicalType: 'string', logicalTypeOptions: { maxLength: 6 } },
  {
    name: 'word',
    logicalType: 'string',
    required: true,
    enum: [{ value: 'a' }, { value: 'b' }, { value: 'ü' }],
  },
  { name: 'u', logicalType: 'string', logicalTypeOptions: { format: 'uuid' } },
  { name: 'digits', logicalType: 'string', ...custom({ acceptIntegers: true }) },
  { name: 'n', logicalType: 'number', logicalTypeOptions: { minimum: -1000 } },
  { name: 'd', logicalType: 'number', physicalType: 'DECIMAL(12, 3)' },
  {
    name: 'small',
    logicalType: 'integer',
    logicalTypeOptions: { format: 'i8' },
    ...custom({ acceptText: true }),
  },
  { name: 'b', logicalType: 'boolean' },
  { name: 'day', logicalType: 'date' },
  {
    name: 'ts',
    logicalType: 'timestamp',
    required: true,
    partitioned: true,
    ...custom({ truncateTo: 'milliseconds' }),
  },
  { name: 'tm', logicalType: 'time' },
  {
    name: 'm',
    logicalType: 'map',
    map: text_map,
    ...custom({
      requiredKeys: ['k'],
      declaredKeys: ['k', 'x'],
      lowerCaseKeys: true,
      acceptJsonText: true,
    }),
  },
  {
    name: 'o',
    logicalType: 'object',
    physicalType: 'JSON',
    ...custom({ acceptJsonText: true, repairTrailingComma: true }),
  },
]

function feedOf(
  own: Pick<Batch, 'columns' | 'new_columns' | 'key' | 'repair'> & {
    format: Batch['format'] | 'parquet'
  },
): Feed {
  const type = own.format
  const listed = properties
    .filter(({ name }) => own.columns.includes(name))
    .map((one) => (own.key && one.name === 'id' ? { ...one, primaryKey: true } : one))
  const text = contractOf(listed, custom({ newColumns: own.new_columns, ignoreCase: true }))
  const format =
    own.repair && type === 'jsonl' ? { type, repair: ['empty_value', 'trailing_comma'] } : { type }
  const settings = FeedSettings.parse({
    store: 'inbox',
    layout: 'dt={yyyy}-{MM}-{dd}/{file}',
    format,
    max_rejected_percent: 100,
  })
  return resolveFeed('events', settings, {
    contract: parseContract(text).contract,
    contract_text: text,
    store_prefix: '',
    hash: (content) => content,
  })
}

const UUID = '8fb8e088-1a2b-4c3d-8e9f-00000000000'
/** JSON texts of a column's values: `good` obey the contract, `bad` do not, or are not what they seem. */
const VALUES: Readonly<
  Record<string, { readonly good: readonly string[]; readonly bad: readonly string[] }>
> = {
  id: {
    good: ['1', '2', '3', '4', '999999999999999'],
    bad: [
      '"1"',
      '1.5',
      'null',
      '1e2',
      '12345678901234567890',
      '1.0',
      '-0',
      '{}',
      '9007199254740993',
    ],
  },
  s: {
    good: ['"x"', '""', '"é😀"', '"\\u0041"', 'null', '"a\\nb"', '"12"'],
    bad: ['1', '"too long!"', '"\\u0001x"', '"\\u0000"', 'true', '["x"]'],
  },
  word: { good: ['"a"', '"b"', '"ü"', '"\\u0061"'], bad: ['"c"', '1', 'null', '""', '"A"'] },
  u: {
    good: [...'0123456789abcdef']
      .map((c) => `"${UUID}${c}"`)
      .concat('null', `"${UUID.toUpperCase()}A"`),
    bad: ['"x"', '1', `"{${UUID}0}"`, `"${UUID.replaceAll('-', '')}0"`],
  },
  digits: {
    good: ['"007"', '7', '12345678901234567890', 'null', '-3'],
    bad: ['1.5', '1e2', 'true', '-0'],
  },
  n: {
    good: ['0.1', '1', '-3.25', '1e3', '0.30000000000000004', '123456.789', 'null', '-0.0'],
    bad: ['"1"', '-1000.1', '1e400', 'NaN', '12345678901234567890.5', 'true', '9007199254740993'],
  },
  d: {
    good: ['1', '1.5', '0.125', '-7.000', '123456789.123', '1e2', 'null'],
    bad: ['0.1234', '12345678901.5', '"1"', '1e-4', '1.2345675e3'],
  },
  small: {
    good: ['1', '-128', '127', '"5"', 'null'],
    bad: ['128', '"x"', '"1.5"', '1.5', '" 5"', '"300"'],
  },
  b: { good: ['true', 'false', 'null'], bad: ['"true"', '0', '1', '"yes"'] },
  day: {
    good: ['"2023-01-01"', '"2024-02-29"', 'null'],
    bad: [
      '"2023-02-29"',
      '"2023-1-1"',
      '20230101',
      '"2023-01-01T00:00:00Z"',
      '""',
      '"infinity"',
      '"epoch"',
    ],
  },
  ts: {
    good: [
      '"2023-01-01T10:00:00Z"',
      '"2023-01-01 23:59:59.999999"',
      '"2023-01-01T12:00:00+09:00"',
      '"2023-01-01T00:00:00.1234Z"',
    ],
    bad: [
      '"2023-01-02T00:00:00Z"',
      '"2023-01-01T24:00:00Z"',
      '1672531200',
      '"x"',
      'null',
      '"2023-01-01"',
      '"2022-12-31T23:59:59.9999999Z"',
      '"now"',
    ],
  },
  tm: {
    good: ['"10:00:00"', '"23:59:59.5"', 'null'],
    bad: ['"24:00:00"', '"10:61:00"', '10', '"allballs"'],
  },
  m: {
    good: [
      '{"k":"v"}',
      '{"K":"v","x":"y"}',
      '{"k":"","é":null}',
      '"{\\"k\\":\\"v\\"}"',
      '{"k":"v","Z":"1","zz":"2"}',
    ],
    bad: [
      '{}',
      '{"k":null}',
      '{"k":"a","K":"b"}',
      '{"k":1}',
      '[]',
      '"x"',
      '{"k":{"a":1}}',
      '"{\\"k\\":\\"v\\",}"',
      '"{\\"k\\":1,\\"k\\":2}"',
    ],
  },
  o: {
    good: [
      '{"a":[1,2.50,{"b":null}]}',
      '{}',
      '"{\\"a\\":1}"',
      'null',
      '{"a":1e2}',
      '"{\\"a\\":1,}"',
    ],
    bad: ['[]', '1', '"{"', '{"a":12345678901234567890.123}', '"[1]"', '"{\\"a\\":NaN}"'],
  },
}
const names = Object.keys(VALUES)
const ALWAYS = ['id', 'ts']
const undeclared = [
  'extra',
  'Extra',
  'more',
  '_row',
  '_bucketline_hole',
  'constructor',
  "it's",
  'c0',
  '_object',
]
const extra_values = ['1', '2', '"x"', 'null', '1.5', '[1]', '{"a":1}', 'true', '1e400']

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const pick = <T>(list: readonly T[], at: number): T => list[Math.floor(at * list.length)] as T

/** One object: rows of one producer, so mostly of one shape. */
const object = fc.record({
  rows: fc.array(fc.array(share, { minLength: names.length, maxLength: names.length }), {
    minLength: 1,
    maxLength: 6,
  }),
  /** A column that the producer leaves out; not one that is required. */
  left_out: fc.constantFrom('', '', 's', 'u', 'digits', 'n', 'd', 'small', 'b', 'day', 'tm', 'o'),
  /** Values are taken from the first so many of those there are: few differ, as in most files. */
  plain: fc.constantFrom(1, 0.5, 0.2),
  more: fc.array(fc.record({ name: fc.constantFrom(...undeclared), value: share }), {
    maxLength: 2,
  }),
  upper: fc.boolean(),
  crlf: fc.boolean(),
  blank: fc.constantFrom(false, false, false, true),
  broken_line: fc.option(
    fc.constantFrom('{"id":1', '[1]', '{"id":1,"id":2}', '\xff', '{"id":,"word":"a"}'),
    { freq: 8 },
  ),
  spoilt: fc.array(fc.record({ row: share, column: share, value: share }), { maxLength: 3 }),
})
type Made = typeof object extends fc.Arbitrary<infer O> ? O : never

/** Few objects are read in one statement, many one after the other. */
const FEW = 3
const MANY = 37
const batch = fc.record({
  objects: fc.oneof(
    fc.array(object, { minLength: FEW, maxLength: FEW }),
    fc.array(object, { minLength: MANY, maxLength: MANY }),
  ),
  /** Which columns the contract has: a statement with all of them takes long to plan. */
  columns: fc
    .shuffledSubarray(
      names.filter((name) => !ALWAYS.includes(name)),
      { minLength: 2, maxLength: 4 },
    )
    .map((some) => [...ALWAYS, ...some]),
  /** How many of the objects are left with what is wrong with them. */
  wrong: fc.constantFrom(0, 0, 0, 1, 1, MANY),
  format: fc.constantFrom<'jsonl' | 'csv'>('jsonl', 'jsonl', 'csv'),
  new_columns: fc.constantFrom('evolve', 'rescue', 'reject'),
  key: fc.boolean(),
  repair: fc.boolean(),
  with_more: fc.boolean(),
})
type Batch = typeof batch extends fc.Arbitrary<infer B> ? B : never

interface Cell {
  readonly name: string
  readonly json: string
}

function rowsOf(
  made: Made,
  wrong: boolean,
  { columns: all, with_more, key }: Batch,
  number: number,
): Cell[][] {
  const columns = all.filter((name) => name !== made.left_out)
  const rows = made.rows.map((shares, at) =>
    columns.map((name, index): Cell => {
      const { good } = VALUES[name] as { good: readonly string[] }
      // A key that repeats now and then.
      const json =
        name === 'id' && key && (shares[0] ?? 0) > 0.1
          ? String(number * 100 + at)
          : pick(good, (shares[index] ?? 0) * made.plain)
      return { name: made.upper ? name.toUpperCase() : name, json }
    }),
  )
  if (with_more)
    for (const { name, value } of made.more)
      for (const row of rows)
        if (!row.some((cell) => cell.name.toLowerCase() === name.toLowerCase()))
          row.push({ name, json: pick(extra_values, value) })
  if (wrong)
    for (const { row, column, value } of made.spoilt) {
      const cells = pick(rows, row)
      const at = Math.floor(column * columns.length)
      const cell = cells[at] as Cell
      cells[at] = {
        ...cell,
        json: pick((VALUES[cell.name.toLowerCase()] as { bad: readonly string[] }).bad, value),
      }
    }
  return rows
}

function jsonlOf(made: Made, rows: readonly Cell[][], wrong: boolean): Buffer {
  const lines = rows.map((row) =>
    Buffer.from(`{${row.map(({ name, json }) => `${JSON.stringify(name)}:${json}`).join(',')}}`),
  )
  if (wrong && made.broken_line !== null)
    lines.splice(1, 0, Buffer.from(made.broken_line, 'latin1'))
  if (made.blank) lines.splice(1, 0, Buffer.from(' '))
  const end = Buffer.from(made.crlf ? '\r\n' : '\n')
  return Buffer.concat(lines.flatMap((line) => [line, end]))
}

/** JSON texts as fields: strings without their quotes, null as nothing. */
function csvOf(made: Made, rows: readonly Cell[][]): Buffer {
  const quoted = (text: string) =>
    /[",\r\n]|^$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  const field = (json: string): string => {
    if (json === 'null') return ''
    return quoted(json.startsWith('"') ? (JSON.parse(json) as string) : json)
  }
  const end = made.crlf ? '\r\n' : '\n'
  const header = (rows[0] ?? []).map(({ name }) => quoted(name)).join(',')
  const lines = rows.map((row) => row.map(({ json }) => field(json)).join(','))
  if (made.blank) lines.splice(1, 0, ' ')
  return Buffer.from([header, ...lines, ''].join(end))
}

/** Wrong in every column, and of every kind: nothing beside it is read in a type of its own. */
function companion({ format, columns }: Batch): Buffer {
  const rows = [
    '"\\u0001?"',
    '12345678901234567890123',
    '0.1234567890123456789',
    'true',
    '"x"',
  ].map((json) => columns.map((name): Cell => ({ name, json: name === 'id' ? '"none"' : json })))
  const plain = { crlf: false, blank: false, broken_line: null } as unknown as Made
  return format === 'jsonl' ? jsonlOf(plain, rows, false) : csvOf(plain, rows)
}

interface Outcome {
  readonly objects: unknown[]
  readonly rows: unknown[]
  readonly rejects: unknown[]
  readonly duplicates: number
}

let count = 0

async function check(
  feed: Feed,
  contents: readonly { key: string; bytes: Buffer }[],
  left_out?: string,
): Promise<Outcome> {
  const folder = join(dir, `check-${count++}`)
  const objects: FetchedObject[] = contents.map(({ key, bytes }, at) => {
    const path = join(dir, `object-${count}-${at}`)
    writeFileSync(path, bytes)
    return { key, version: '1', path, bytes: bytes.length, variables: {} }
  })
  try {
    const checked = await checkRows({
      feed,
      partition: parsePartition('2023-01-01', 'UTC'),
      objects,
      formats,
      duckdb,
      dir: folder,
      known: [],
      ensureColumns: async (columns) =>
        columns.map(
          (column, at): DatasetColumn => ({
            ...column,
            field_id: at + 1,
            nested_ids: Object.fromEntries(
              column.nested.map((path, i) => [path, 1000 * (at + 1) + i]),
            ),
            added_at: new Date(0),
          }),
        ),
    })
    const all = async (paths: readonly string[], columns: string, order: string) =>
      paths.length === 0
        ? []
        : (
            await duckdb.all<{ j: string }>(
              `SELECT to_json(t)::VARCHAR AS j FROM (SELECT ${columns} FROM read_parquet([${paths.map(literal).join(', ')}])) t ORDER BY ${order}`,
            )
          ).map(({ j }) => j)
    const rejects = await all(
      checked.rejects_file === undefined ? [] : [checked.rejects_file],
      '* EXCLUDE (version)',
      't."object", t."row"',
    )
    const mine = rejects.filter(
      (json) => (JSON.parse(json) as { object: string }).object !== left_out,
    )
    const told = checked.objects
      .filter(({ key }) => key !== left_out)
      .map(({ key, state, rows_read, rejected, code }) => ({
        key,
        state,
        rows_read,
        rejected,
        code,
      }))
    const read = told.reduce((sum, { rows_read }) => sum + rows_read, 0)
    expect(mine.length).toBe(told.reduce((sum, { rejected }) => sum + rejected, 0))
    if (checked.refused === undefined)
      expect(checked.rows + checked.duplicates + mine.length).toBe(read)
    return {
      objects: told,
      rows: await all(
        checked.candidates.map((file) => file.path),
        '*',
        't._object, t._row',
      ),
      rejects: mine,
      duplicates: checked.duplicates,
    }
  } finally {
    rmSync(folder, { recursive: true })
    for (const { path } of objects) rmSync(path)
  }
}

fuzz(
  `clean path and exact path agree on every object (cases of ${FEW} or ${MANY} objects)`,
  batch,
  async (cases) => {
    for (const one of cases) {
      const feed = feedOf(one)
      const contents = one.objects.map((made, at) => {
        const wrong = at < one.wrong
        const rows = rowsOf(made, wrong, one, at)
        const bytes = one.format === 'csv' ? csvOf(made, rows) : jsonlOf(made, rows, wrong)
        return { key: `dt=2023-01-01/${String(at).padStart(2, '0')}`, bytes }
      })
      const plain = await check(feed, contents)
      const rewritten = contents.map(({ key, bytes }, at) => ({
        key,
        bytes: at % 2 === 0 ? gzipSync(bytes) : Buffer.concat([Buffer.from('\ufeff'), bytes]),
      }))
      const last = { key: 'dt=2023-01-01/zz', bytes: companion(one) }
      const exact = await check(feed, [...rewritten, last], last.key)
      expect(plain.objects).toEqual(exact.objects)
      expect(plain.rejects).toEqual(exact.rejects)
      expect(plain.rows).toEqual(exact.rows)
      expect(plain.duplicates).toBe(exact.duplicates)
    }
  },
  // An object takes some ten milliseconds each way: a quarter of the objects that other targets get.
  { batch: 1, runs: Math.ceil(RUNS / (2 * (FEW + MANY))) },
)

/** SQL of values by column; \`bad\` ones are in the column's type too. */
const TYPED: Readonly<
  Record<string, { readonly good: readonly string[]; readonly bad: readonly string[] }>
> = {
  id: { good: ['1', '2', '3', '4', '9223372036854775807'], bad: ['NULL'] },
  s: { good: ["'x'", "''", "'é😀'", 'NULL', "'a' || chr(10)"], bad: ["'too long!'"] },
  n: { good: ['0.1', '-3.25', 'NULL', '1e300', '-0.0'], bad: ['-1000.5', "'NaN'", "'-Infinity'"] },
  ts: {
    good: ["'2023-01-01'", "'2023-01-01 23:59:59.999999'", "'2023-01-01 10:00:00.1234'"],
    bad: ["'2023-01-02'", 'NULL', "'infinity'"],
  },
  m: {
    good: ["MAP {'k': 'v'}", "MAP {'K': 'v', 'x': 'y'}", "MAP {'k': '', 'é': NULL}"],
    bad: ['MAP {}', 'NULL', "MAP {'k': NULL}", "MAP {'k': 'a', 'K': 'b'}"],
  },
}
const TYPES = {
  id: 'BIGINT',
  s: 'VARCHAR',
  n: 'DOUBLE',
  ts: 'TIMESTAMP',
  m: 'MAP(VARCHAR, VARCHAR)',
}
const typed_names = Object.keys(TYPES)

const parquetObject = fc.record({
  rows: fc.array(fc.array(share, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 8 }),
  spoilt: fc.array(fc.record({ row: share, column: share, value: share }), { maxLength: 3 }),
})

async function parquetOf(rows: readonly (readonly string[])[]): Promise<Buffer> {
  const columns = Object.entries(TYPES).map(([name, type]) => `${name}::${type} AS ${name}`)
  const values = rows.map((row) => `(${row.join(', ')})`).join(', ')
  const path = join(dir, `made-${count++}.parquet`)
  await duckdb.run(
    `COPY (SELECT ${columns.join(', ')} FROM (VALUES ${values}) v(${typed_names.join(', ')})) TO ${literal(path)} (FORMAT parquet)`,
  )
  const bytes = readFileSync(path)
  rmSync(path)
  return bytes
}

fuzz(
  'clean path and exact path agree on every Parquet object (cases of 3 objects)',
  fc.record({
    objects: fc.array(parquetObject, { minLength: 3, maxLength: 3 }),
    wrong: fc.constantFrom(0, 0, 1, 3),
    new_columns: fc.constantFrom('evolve', 'rescue', 'reject'),
    key: fc.boolean(),
  }),
  async (cases) => {
    for (const one of cases) {
      const columns = typed_names.toSpliced(1, 1)
      const feed = feedOf({
        ...one,
        format: 'parquet',
        columns: one.new_columns === 'reject' ? typed_names : columns,
        repair: false,
      })
      const contents: { key: string; bytes: Buffer }[] = []
      for (const [at, made] of one.objects.entries()) {
        const rows = made.rows.map((shares) =>
          typed_names.map((name, index) => pick(TYPED[name]?.good ?? [], shares[index] ?? 0)),
        )
        if (at < one.wrong)
          for (const { row, column, value } of made.spoilt) {
            const index = Math.floor(column * typed_names.length)
            pick(rows, row)[index] = pick(TYPED[typed_names[index] as string]?.bad ?? [], value)
          }
        contents.push({ key: `dt=2023-01-01/${at}`, bytes: await parquetOf(rows) })
      }
      const bad = typed_names.map((name) => TYPED[name]?.bad[0] ?? '')
      const last = { key: 'dt=2023-01-01/zz', bytes: await parquetOf([bad, bad]) }
      expect(await check(feed, contents)).toEqual(await check(feed, [...contents, last], last.key))
    }
  },
  { batch: 1, runs: Math.ceil(RUNS / 50) },
)
