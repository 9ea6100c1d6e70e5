import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Duckdb, literal, openDuckdb } from '../../duckdb/duckdb.ts'
import type { OutputSchema } from '../destination/output.ts'
import { compileConverter } from './convert.ts'
import { parseRecord } from './exact-json.ts'
import { duckdbReadType, duckdbSelect, duckdbType, parquetColumns } from './parquet-type.ts'
import { compileParquetText } from './parquet-value.ts'

let folder: string
let duckdb: Duckdb
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parquet-value-'))
  duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: folder, threads: 1 })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** Records by way of JSON lines into a Parquet file, and out of it as text of DuckDB. */
async function throughParquet(properties: unknown, records: string[], output_schema: OutputSchema) {
  const converter = compileConverter(
    { name: 's', json_schema: { properties: properties as object } },
    { output_schema, on_bad_value: 'null', keep_additional_properties: false },
  )
  const payload = { ...converter.schema, fields: converter.payloadFields }
  const columns = parquetColumns(payload, output_schema)
  const write = compileParquetText(columns)
  const lines = records.map((record) => write(converter.convert(parseRecord(record), () => {})))
  const json = join(folder, 'records.jsonl')
  const parquet = join(folder, 'records.parquet')
  await writeFile(json, lines.map((line) => `${line}\n`).join(''))
  const read = columns.map((field) => `"${field.name}": ${literal(duckdbReadType(field))}`)
  const select = columns.map((field) => `${duckdbSelect(field)} AS "${field.name}"`)
  await duckdb.run(
    `COPY (SELECT ${select} FROM read_json(${literal(json)}, format='newline_delimited', columns={${read}})) TO ${literal(parquet)} (FORMAT parquet)`,
  )
  const described = await duckdb.all<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM ${literal(parquet)}`,
  )
  // As DuckDB itself writes the type: quotes only where they are needed.
  const [wanted] = await duckdb.all<Record<string, string>>(
    `SELECT ${columns.map((field) => `typeof(NULL::${duckdbType(field)}) AS "${field.name}"`)}`,
  )
  expect(Object.fromEntries(described.map((row) => [row.column_name, row.column_type]))).toEqual(
    wanted,
  )
  const rows = await duckdb.all<Record<string, string | null>>(
    `SELECT ${columns.map((field) => `"${field.name}"::VARCHAR AS "${field.name}"`)} FROM ${literal(parquet)}`,
  )
  return { rows, lines }
}

const date_time = { type: 'string', format: 'date-time' }

test('v2 values are in the Parquet file as they were', async () => {
  const properties = {
    i: { type: 'integer' },
    n: { type: 'number' },
    b: { type: 'boolean' },
    s: { type: 'string' },
    d: { type: 'string', format: 'date' },
    t: { type: 'string', format: 'time' },
    ts: date_time,
    u: { oneOf: [{ type: 'integer' }, { type: 'string' }] },
    l: { type: 'array', items: date_time },
    o: { type: 'object', properties: { 'order-': { type: 'integer' }, x: { type: 'string' } } },
  }
  const { rows } = await throughParquet(
    properties,
    [
      '{"i":9223372036854775807,"n":0.1,"b":true,"s":"a\\"\\\\\\n\\u0007é😀","d":"2021-01-01","t":"23:59:59.999999","ts":"2018-09-15 12:00:00.006542","u":9007199254740993,"l":["2021-01-01T00:00:00Z",null],"o":{"order-":1}}',
      '{"i":-9223372036854775808,"n":"-Infinity","b":false,"s":"\\ud800","d":"2021-1-1 BC","t":"00:00","ts":"2022-01-23T01:23:45.678-11:30 BC","u":"x","l":[],"o":{}}',
      '{"n":"NaN","ts":"9999-12-31T23:59:59.999999Z","d":"0001-01-01","u":null}',
      '{"n":-0.0,"ts":"1969-12-31T23:59:59.999999Z","d":"0001-12-31 BC"}',
      '{}',
    ],
    'v2',
  )
  expect(rows).toEqual([
    {
      i: '9223372036854775807',
      n: '0.1',
      b: 'true',
      s: 'a"\\\n\u0007é😀',
      d: '2021-01-01',
      t: '23:59:59.999999',
      ts: '2018-09-15 12:00:00.006542+00',
      u: "{'type': integer, 'integer': 9007199254740993, 'string': NULL}",
      l: "['2021-01-01 00:00:00+00', NULL]",
      o: "{'order_': 1, 'x': NULL}",
    },
    {
      i: '-9223372036854775808',
      n: '-inf',
      b: 'false',
      s: '\ufffd',
      d: '2021-01-01 (BC)',
      t: '00:00:00',
      ts: '2022-01-23 (BC) 12:53:45.678+00',
      u: "{'type': string, 'integer': NULL, 'string': x}",
      l: '[]',
      o: "{'order_': NULL, 'x': NULL}",
    },
    expect.objectContaining({
      n: 'nan',
      ts: '9999-12-31 23:59:59.999999+00',
      d: '0001-01-01',
      u: null,
    }),
    expect.objectContaining({
      n: '-0.0',
      ts: '1969-12-31 23:59:59.999999+00',
      d: '0001-12-31 (BC)',
    }),
    Object.fromEntries(Object.keys(properties).map((name) => [name, null])),
  ])
})

test('v1 values: members, maps, bytes at any depth', async () => {
  const bytes = { $ref: 'WellKnownTypes.json#/definitions/BinaryData' }
  const { rows } = await throughParquet(
    {
      ts: date_time,
      b: bytes,
      l: { type: 'array', items: { type: 'array', items: bytes } },
      o: { type: 'object', properties: { b: bytes } },
      f: { type: 'number', airbyte_type: 'float' },
      none: { type: 'null' },
    },
    [
      '{"ts":"2021-01-01T01:01:01.123456Z","b":"AP9h","l":[["AA=="],null],"o":{"b":"AQ=="},"f":0.1,"X":1.0,"x":{"a":[]}}',
      '{"ts":"soon","o":null,"b":""}',
      '{}',
    ],
    'v1',
  )
  expect(rows).toEqual([
    {
      ts: "{'member0': '2021-01-01 01:01:01.123+00', 'member1': NULL}",
      b: '\\x00\\xFFa',
      l: '[[\\x00], NULL]',
      o: "{'b': \\x01, '_airbyte_additional_properties': NULL}",
      f: '0.1',
      _airbyte_additional_properties: `{X=1.0, x='{"a":[]}'}`,
    },
    expect.objectContaining({ ts: "{'member0': NULL, 'member1': soon}", o: null, b: '' }),
    { ts: null, b: null, l: null, o: null, f: null, _airbyte_additional_properties: null },
  ])
})
