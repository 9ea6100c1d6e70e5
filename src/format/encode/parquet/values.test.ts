import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodingWith, PARQUET } from '../../../../test/support/encoding.ts'
import { recordBlock } from '../../../../test/support/record-block.ts'
import type { OutputSchema } from '../../../core/destination/output.ts'
import { type Duckdb, literal, openDuckdb } from '../../../duckdb/duckdb.ts'
import type { Encoding } from '../encode.ts'
import { parquetBlocks } from './block.ts'
import { encodeColumns } from './chunk.ts'
import { openParquetPart } from './part.ts'

/** The reference's rules for values, by files that DuckDB reads back. */

let dir: string
let duckdb: Duckdb
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'parquet-values-'))
  duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: dir, threads: 1 })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

let files = 0

/** Records through a file, and out of it as text of DuckDB, without the columns that are built in. */
async function throughParquet(
  properties: object,
  records: readonly string[],
  output_schema: OutputSchema,
): Promise<Record<string, string | null>[]> {
  const encoding: Encoding = encodingWith({
    id: 's',
    stream: {
      name: 's',
      json_schema: { type: 'object', properties },
    },
    output: { ...PARQUET, row_group_bytes: 1 << 20 },
    output_schema,
  })
  const lines = records.map((data) => ({ data, emitted_at: 1_700_000_000_000 }))
  const { segments } = await parquetBlocks(encoding)(recordBlock('s', lines))
  const part = await openParquetPart(encoding, join(dir, `${files++}`), { encodeColumns })
  for (const segment of segments) await part.append(segment)
  const { path } = await part.finish()
  const built_in =
    "COLUMNS(c -> NOT regexp_matches(c, '^_airbyte_(ab_id|emitted_at|raw_id|extracted_at|meta|generation_id)$'))"
  return duckdb.all(`SELECT ${built_in}::VARCHAR FROM read_parquet(${literal(path)})`)
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
  const rows = await throughParquet(
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
      t: '23:59:59.999999+00',
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
      t: '00:00:00+00',
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
  const rows = await throughParquet(
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

const one = (...members: (string | object)[]) => ({
  oneOf: members.map((member) => (typeof member === 'string' ? { type: member } : member)),
})

describe('a union', () => {
  test.each<[OutputSchema, object, string, string]>([
    ['v1', one('integer', 'string'), '1', "{'member0': 1, 'member1': NULL}"],
    ['v2', one('integer', 'string'), '1', "{'type': integer, 'integer': 1, 'string': NULL}"],
    [
      'v2',
      one('string', 'integer'),
      '"string1"',
      "{'type': string, 'string': string1, 'integer': NULL}",
    ],
    ['v2', one('string', 'integer'), '20', "{'type': integer, 'string': NULL, 'integer': 20}"],
    [
      'v2',
      one('object', 'integer'),
      '{"foo":"bar"}',
      `{'type': object, 'object': '{"foo":"bar"}', 'integer': NULL}`,
    ],
    [
      'v2',
      one('boolean', { properties: { id: { type: 'integer' }, name: { type: 'string' } } }),
      '{"id":10,"name":"Alice"}',
      "{'type': object, 'boolean': NULL, 'object': {'id': 10, 'name': Alice}}",
    ],
    [
      'v2',
      one(
        { type: 'string', format: 'date' },
        { ...date_time, airbyte_type: 'timestamp_without_timezone' },
      ),
      '"2021-01-01T00:00:00"',
      "{'type': timestamp_without_timezone, 'date': NULL, 'timestamp_without_timezone': '2021-01-01 00:00:00+00'}",
    ],
    [
      'v2',
      one(
        { type: 'array', items: { type: 'integer' } },
        { type: 'string', format: 'time' },
        'number',
      ),
      '[1,null]',
      "{'type': array, 'array': [1, NULL], 'time_with_timezone': NULL, 'number': NULL}",
    ],
    [
      'v2',
      one(
        { properties: { field4: { type: 'string' } } },
        { properties: { field4: { type: 'boolean' } } },
      ),
      '{"field4":"boo"}',
      "{'field4': {'type': string, 'string': boo, 'boolean': NULL}}",
    ],
    [
      'v1',
      one('boolean', { type: 'object', properties: { id: { type: 'integer' } } }),
      '{"id":10}',
      "{'member0': NULL, 'member1': {'id': 10, '_airbyte_additional_properties': NULL}}",
    ],
  ])('%s %j of %s', async (output_schema, definition, json, expected) => {
    const [row] = await throughParquet({ f: definition }, [`{"f":${json}}`], output_schema)
    expect(row?.f).toBe(expected)
  })
})
