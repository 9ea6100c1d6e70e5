import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Column, ColumnType } from '../../core/contract/contract.ts'
import { Format } from '../../core/settings.ts'
import { type Duckdb, literal, openDuckdb } from '../../duckdb/duckdb.ts'
import { columnSql } from './column-sql.ts'
import type { SourceValue } from './source-value.ts'

let duckdb: Duckdb
beforeAll(async () => {
  duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: tmpdir() })
})
afterAll(() => duckdb[Symbol.asyncDispose]())

const { times } = Format.parse({ type: 'auto' })

function column(type: ColumnType, more: Partial<Column> = {}): Column {
  return {
    name: 'c',
    names: ['c'],
    type,
    required: true,
    semantic: 'column',
    accept_json_text: false,
    accept_text: false,
    repair_trailing_comma: false,
    unique: false,
    examples: [],
    ...more,
  }
}

/** The value as text, or the code of the rule it breaks. */
async function judge(of: Column, source: SourceValue, settings = times): Promise<string | null> {
  const { prepared, value, code } = columnSql(of, source, {
    times: settings,
    prepared_name: 'p',
    value_name: 'v',
    extra: () => [],
  })
  const [row] = await duckdb.all<{ v: string | null; k: string | null }>(
    `SELECT (v)::VARCHAR AS v, ${code ?? 'NULL'} AS k FROM (SELECT *, ${value} AS v FROM (SELECT ${prepared} AS p))`,
  )
  return row?.k === null || row?.k === undefined ? (row?.v ?? null) : `! ${row.k}`
}

const json = (text: string): SourceValue => ({
  kind: 'json',
  sql: `${literal(text)}::JSON`,
  markers: true,
})
const text = (value: string): SourceValue => ({ kind: 'text', sql: literal(value) })
const typed = (sql: string, type: string): SourceValue => ({ kind: 'typed', sql, type })

const integer = column({ kind: 'integer', bits: 64, signed: true })
const decimal = column({ kind: 'decimal', precision: 24, scale: 6 })
const number = column({ kind: 'number' })
const timestamp = column({ kind: 'timestamp', zone: 'UTC' })

describe('JSON values are read exactly or refused', () => {
  it.each([
    [integer, '12', '12'],
    [integer, '-9223372036854775808', '-9223372036854775808'],
    [integer, '9223372036854775808', '! out_of_range'],
    [integer, '12345678901234567890123', '! out_of_range'],
    [integer, '"12"', '! wrong_type'],
    [integer, '1.5', '! wrong_type'],
    [integer, '1e2', '! wrong_type'],
    [integer, 'true', '! wrong_type'],
    [integer, '{"a":1}', '! wrong_type'],
    [{ ...integer, accept_text: true }, '"12"', '12'],
    [column({ kind: 'integer', bits: 8, signed: true }), '128', '! out_of_range'],
    [column({ kind: 'integer', bits: 8, signed: false }), '-1', '! out_of_range'],
    [decimal, '1.5', '1.500000'],
    [decimal, '1.2345675', '! out_of_range'],
    [decimal, '"\\u0001123456789012345678.123456"', '123456789012345678.123456'],
    [decimal, '"\\u00011.2000000"', '1.200000'],
    [decimal, '"1.5"', '! wrong_type'],
    [number, '1.5', '1.5'],
    [number, '9007199254740993', '! out_of_range'],
    [number, '9007199254740992', '9007199254740992.0'],
    [number, '"NaN"', '! wrong_type'],
    [column({ kind: 'boolean' }), 'false', 'false'],
    [column({ kind: 'boolean' }), '0', '! wrong_type'],
    [column({ kind: 'string' }), '"a\\"b"', 'a"b'],
    [column({ kind: 'string' }), '12', '! wrong_type'],
    [column({ kind: 'string' }, { accept_integers: true }), '129823', '129823'],
    [column({ kind: 'string' }, { accept_integers: true }), '1.5', '! wrong_type'],
    [
      column({ kind: 'uuid' }),
      '"8fb8e088-9245-4fce-bb87-7e09d9917ed6"',
      '8fb8e088-9245-4fce-bb87-7e09d9917ed6',
    ],
    [column({ kind: 'uuid' }), '"{8fb8e088-9245-4fce-bb87-7e09d9917ed6}"', '! invalid_format'],
  ])('%o of %s', async (of, delivered, expected) => {
    expect(await judge(of, json(delivered))).toBe(expected)
  })
})

describe('times in text', () => {
  const seoul = column({ kind: 'timestamp', zone: 'Asia/Seoul' })
  const berlin = column({ kind: 'timestamp', zone: 'Europe/Berlin' })
  it.each([
    [timestamp, '2014-03-05T04:58:23.200Z', '2014-03-05 04:58:23.2'],
    [timestamp, '2014-03-05 04:58:23', '2014-03-05 04:58:23'],
    [timestamp, '2014-03-05T04:58:23+09:00', '2014-03-04 19:58:23'],
    [timestamp, '2014-03-05T04:58:23+0900', '2014-03-04 19:58:23'],
    [seoul, '2014-03-05 04:58:23', '2014-03-04 19:58:23'],
    [seoul, '2014-03-05 04:58:23Z', '2014-03-05 04:58:23'],
    [timestamp, '2014-03-05T24:00:00Z', '! invalid_format'],
    [timestamp, '2014-03-05T25:00:00Z', '! invalid_format'],
    [timestamp, '2014-02-30T10:00:00Z', '! invalid_format'],
    [timestamp, '2014-03-05T10:00:60Z', '! invalid_format'],
    [timestamp, '2014-03-05', '! invalid_format'],
    [timestamp, 'yesterday', '! invalid_format'],
    [berlin, '2023-03-26 02:30:00', '! invalid_format'],
    [berlin, '2023-03-26 03:30:00', '2023-03-26 01:30:00'],
    [
      { ...timestamp, truncate: 'milliseconds' as const },
      '2014-03-05T04:58:23.200999Z',
      '2014-03-05 04:58:23.2',
    ],
    [column({ kind: 'date' }), '2014-02-29', '! invalid_format'],
    [column({ kind: 'date' }), '2016-02-29', '2016-02-29'],
    [column({ kind: 'time' }), '24:00', '! invalid_format'],
  ])('%o of %s', async (of, delivered, expected) => {
    expect(await judge(of, text(delivered))).toBe(expected)
    expect(await judge(of, json(JSON.stringify(delivered)))).toBe(expected)
  })
  it('takes counts since 1970 only where the feed says in which unit', async () => {
    expect(await judge(timestamp, json('1394000000'))).toBe('! wrong_type')
    const seconds = { ...times, epoch_unit: 's' as const }
    expect(await judge(timestamp, json('1394000000'), seconds)).toBe('2014-03-05 06:13:20')
    expect(await judge(timestamp, text('1394000000'), seconds)).toBe('2014-03-05 06:13:20')
    expect(await judge(timestamp, json('1394000000000'), seconds)).toBe('! out_of_range')
    expect(await judge(timestamp, typed('1394000000::BIGINT', 'BIGINT'), seconds)).toBe(
      '2014-03-05 06:13:20',
    )
  })
})

describe('typed values', () => {
  it.each([
    [integer, typed("'12'::VARCHAR", 'VARCHAR'), '! wrong_type'],
    [integer, typed('1.5::DOUBLE', 'DOUBLE'), '! wrong_type'],
    [integer, typed('12::UTINYINT', 'UTINYINT'), '12'],
    [number, typed("'NaN'::DOUBLE", 'DOUBLE'), '! out_of_range'],
    [decimal, typed('1.25::DECIMAL(9,2)', 'DECIMAL(9,2)'), '1.250000'],
    [decimal, typed('1.2345678::DECIMAL(18,7)', 'DECIMAL(18,7)'), '! out_of_range'],
    [decimal, typed('0.1::DOUBLE', 'DOUBLE'), '! wrong_type'],
    [
      timestamp,
      typed("TIMESTAMPTZ '2014-03-05 04:58:23+09'", 'TIMESTAMP WITH TIME ZONE'),
      '2014-03-04 19:58:23',
    ],
    [timestamp, typed("TIMESTAMP 'infinity'", 'TIMESTAMP'), '! out_of_range'],
    [timestamp, typed("'2014-03-05 04:58:23'::VARCHAR", 'VARCHAR'), '! wrong_type'],
    [column({ kind: 'uuid' }), typed("'nope'::VARCHAR", 'VARCHAR'), '! invalid_format'],
  ])('%o of %o', async (of, source, expected) => {
    expect(await judge(of, source)).toBe(expected)
  })
})

describe('maps', () => {
  const map = column(
    { kind: 'map', value: { kind: 'string' } },
    {
      accept_json_text: true,
      keys: { required: [['id'], ['appversion', 'version']], declared: ['id'], lower_case: true },
    },
  )
  const of = (entries: string) => typed(entries, 'MAP(VARCHAR, VARCHAR)')
  it.each([
    [of("MAP {'id': '1', 'appversion': '2'}"), '{id=1, appversion=2}'],
    [of("MAP {'ID': '1', 'version': '2'}"), '{id=1, version=2}'],
    [of("MAP {'id': '1'}"), '! missing_key'],
    [of("MAP {'id': NULL, 'version': '2'}"), '! missing_key'],
    [of("MAP {'id': '1', 'ID': '3', 'version': '2'}"), '! duplicate_map_key'],
    [text('{"id":"1","version":"2"}'), '{id=1, version=2}'],
    [text('{"id":"1","version":2}'), '! wrong_type'],
    [text('{"id":"1","version":null}'), '! missing_key'],
    [text('{"id":"1","version":"2","ID":"x"}'), '! duplicate_map_key'],
    [text('[1]'), '! wrong_type'],
    [text('not json'), '! wrong_type'],
    [json('{"id":"1","version":"2"}'), '{id=1, version=2}'],
    [json('"{\\"id\\":\\"1\\",\\"version\\":\\"2\\"}"'), '{id=1, version=2}'],
    [typed('12', 'INTEGER'), '! wrong_type'],
  ])('%o', async (source, expected) => {
    expect(await judge(map, source)).toBe(expected)
  })
})

describe('objects and arrays carry the codes of what they hold', () => {
  const object = column({
    kind: 'object',
    fields: [
      column({ kind: 'integer', bits: 32, signed: true }, { name: 'a', names: ['a'] }),
      column({ kind: 'string' }, { name: 'b', names: ['b'], required: false }),
    ],
  })
  const array = column({ kind: 'array', item: { kind: 'number' } })
  it.each([
    [object, json('{"a":1,"b":"x"}'), "{'a': 1, 'b': x}"],
    [object, json('{"a":1.5}'), '! wrong_type'],
    [object, json('{"b":"x"}'), '! missing_column'],
    [object, typed("{'a': 1}", 'STRUCT(a INTEGER)'), "{'a': 1, 'b': NULL}"],
    [array, json('[1,2.5]'), '[1.0, 2.5]'],
    [array, json('[1,"x"]'), '! wrong_type'],
    [array, typed('[1, 2]', 'INTEGER[]'), '[1.0, 2.0]'],
  ])('%o of %o', async (of, source, expected) => {
    expect(await judge(of, source)).toBe(expected)
  })
})

describe('limits', () => {
  it.each([
    [{ ...integer, minimum: '5' }, '4', '! out_of_range'],
    [{ ...integer, exclusive_maximum: '5' }, '5', '! out_of_range'],
    [{ ...integer, multiple_of: '5' }, '12', '! out_of_range'],
    [column({ kind: 'string' }, { enum: ['a', 'b'] }), '"c"', '! not_in_enum'],
    [column({ kind: 'string' }, { enum: ['a', 'b'] }), '"b"', 'b'],
    [column({ kind: 'string' }, { pattern: '[a-z]+' }), '"ab1"', '! invalid_format'],
    [column({ kind: 'string' }, { max_length: 2 }), '"äöü"', '! invalid_format'],
    [column({ kind: 'string' }, { max_length: 3 }), '"äöü"', 'äöü'],
    [column({ kind: 'string' }, { format: 'email' }), '"a@b.co"', 'a@b.co'],
    [column({ kind: 'string' }, { format: 'ipv4' }), '"1.2.3.256"', '! invalid_format'],
  ])('%o of %s', async (of, delivered, expected) => {
    expect(await judge(of, json(delivered))).toBe(expected)
  })
  it('an absent required column is missing, an optional one null', async () => {
    expect(await judge(integer, { kind: 'absent' })).toBe('! missing_column')
    expect(await judge({ ...integer, required: false }, { kind: 'absent' })).toBeNull()
  })
})
