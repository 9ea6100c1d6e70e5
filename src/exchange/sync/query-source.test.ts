import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDuckdbEngine } from '../../engine/duckdb.ts'
import type { Engine } from '../../engine/engine.ts'
import { jsonSchemaOf } from './inferred-schema.ts'
import { queryColumns, queryLines } from './query-source.ts'

let dir = ''
let engine: Engine
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-query-'))
  engine = openDuckdbEngine({
    memory_limit: '256MB',
    spill_dir: join(dir, 'spill'),
    datasets_dir: join(dir, 'datasets'),
  })
})
afterAll(async () => {
  await engine[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

async function lines(sql: string): Promise<string> {
  const query = { sql, engine, snapshots: [] }
  const columns = await queryColumns(query)
  let text = ''
  for await (const piece of queryLines({ ...query, columns, dir })) text += Buffer.from(piece)
  return text
}

it.each([
  [
    `1 AS a, 'é"\\n' || chr(10) AS b, NULL AS c, true AS d`,
    '{"a":1,"b":"é\\"\\\\n\\n","c":null,"d":true}',
  ],
  [
    '9223372036854775807::BIGINT AS a, (2::UHUGEINT)**2 = 4 AS b',
    '{"a":9223372036854775807,"b":true}',
  ],
  [
    '170141183460469231731687303715884105727::HUGEINT AS a',
    '{"a":170141183460469231731687303715884105727}',
  ],
  ['12345678901234567890123456.5000::DECIMAL(38,4) AS d', '{"d":12345678901234567890123456.5000}'],
  ['0.1::FLOAT AS f, 0.1::DOUBLE AS g, 1e300 AS h', '{"f":0.1,"g":0.1,"h":1e+300}'],
  [`'nan'::DOUBLE AS a, '-inf'::FLOAT AS b, NULL::DOUBLE AS c`, '{"a":"nan","b":"-inf","c":null}'],
  [`TIMESTAMP '2023-01-02 03:04:05.678901' AS a`, '{"a":"2023-01-02T03:04:05.678901"}'],
  [`TIMESTAMPTZ '2023-01-02 03:04:05+05:30' AS a`, '{"a":"2023-01-01T21:34:05Z"}'],
  [`DATE '2023-01-02' AS a, TIME '03:04:05' AS b`, '{"a":"2023-01-02","b":"03:04:05"}'],
  [
    `[1.50::DECIMAL(3,2), NULL] AS a, []::DECIMAL(3,2)[] AS b, NULL::DECIMAL(3,2)[] AS c`,
    '{"a":[1.50,null],"b":[],"c":null}',
  ],
  [
    `{'x"': 1.50::DECIMAL(3,2), 'y': {'z': NULL::DOUBLE}} AS a, NULL::STRUCT(x DOUBLE) AS b`,
    '{"a":{"x\\"":1.50,"y":{"z":null}},"b":null}',
  ],
  [
    `MAP {'k"': [0.5], 'l': NULL} AS a, MAP {}::MAP(INTEGER, DOUBLE) AS b`,
    '{"a":{"k\\"":[0.5],"l":null},"b":{}}',
  ],
  [`MAP {7: MAP {'x': 1.0::DOUBLE}} AS a`, '{"a":{"7":{"x":1.0}}}'],
  [
    `('{"n":1.00,' || chr(10) || '"m":12345678901234567890.5}')::JSON AS a`,
    '{"a":{"n":1.00, "m":12345678901234567890.5}}',
  ],
  [`1 AS "it's ""a"""`, '{"it\'s \\"a\\"":1}'],
])('SELECT %s', async (select, expected) => {
  expect(await lines(`SELECT ${select};\n`)).toBe(`${expected}\n`)
})

it('gives every row, in order, and none of an empty result', async () => {
  const text = await lines('SELECT range AS n FROM range(50000) ORDER BY n')
  const rows = text.trim().split('\n')
  expect(rows).toHaveLength(50_000)
  expect(rows.every((row, n) => row === `{"n":${n}}`)).toBe(true)
  expect(await lines('SELECT 1 AS n WHERE false -- nothing')).toBe('')
})

it('has a JSON schema of its columns', async () => {
  const columns = await queryColumns({
    sql: `SELECT 1::UTINYINT AS i, 1::HUGEINT AS h, 1.5::DECIMAL(9,2) AS d, true AS b, '' AS s, NULL::UUID AS u,
      DATE '2023-01-01' AS day, TIMESTAMP '2023-01-01' AS t, TIMESTAMPTZ '2023-01-01' AS tz, [1] AS l,
      {'x': 1.5::FLOAT} AS o, MAP {'a': 1} AS m, '{}'::JSON AS j`,
    engine,
    snapshots: [],
  })
  const properties = {
    i: { type: ['null', 'integer'] },
    h: { type: ['null', 'integer'] },
    d: { type: ['null', 'number'] },
    b: { type: ['null', 'boolean'] },
    s: { type: ['null', 'string'] },
    u: { type: ['null', 'string'] },
    day: { type: ['null', 'string'], format: 'date' },
    t: {
      type: ['null', 'string'],
      format: 'date-time',
      airbyte_type: 'timestamp_without_timezone',
    },
    tz: { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' },
    l: { type: ['null', 'array'], items: { type: ['null', 'integer'] } },
    o: { type: ['null', 'object'], properties: { x: { type: ['null', 'number'] } } },
    m: { type: ['null', 'object'] },
    j: {},
  }
  expect(jsonSchemaOf(columns, { times: true })).toEqual({ type: 'object', properties })
  const text = { type: ['null', 'string'] }
  expect(jsonSchemaOf(columns, { times: false })).toEqual({
    type: 'object',
    properties: { ...properties, day: text, t: text, tz: text },
  })
})
