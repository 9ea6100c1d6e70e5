import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contractOf, openWorkspace, type Workspace } from '../support/workspace.ts'

/**
 * The examples that `contract guide` gives for codes, tried: what the page says is refused is refused,
 * and for that reason.
 */

const now = '2023-01-11T12:00:00Z'
const text = { logicalType: 'string' }
let workspace: Workspace
beforeAll(async () => {
  workspace = await openWorkspace({
    feeds: {
      rollup: { preset: 'metamarkets-rollup' },
      users: { preset: 'toplyne-users', columns: 'reject' },
      events: { preset: 'hackle-events', completion: { type: 'immediate' } },
      maps: { contract: 'contracts/typed.yaml', layout: '{yyyy}-{MM}-{dd}/{file}' },
      typed: { contract: 'contracts/typed.yaml', layout: '{yyyy}-{MM}-{dd}/{file}.jsonl' },
    },
    contracts: {
      'typed.yaml': contractOf([
        { name: 'n', logicalType: 'number', physicalType: 'DECIMAL(10, 2)' },
        { name: 'x', logicalType: 'number' },
        { name: 'b', logicalType: 'boolean' },
        { name: 's', logicalType: 'string', logicalTypeOptions: { maxLength: 3 } },
        { name: 'u', logicalType: 'string', logicalTypeOptions: { format: 'uuid' } },
        { name: 'd', logicalType: 'date' },
        { name: 'm', logicalType: 'map', map: { key: text, value: text } },
        {
          name: 'l',
          logicalType: 'map',
          map: { key: text, value: text },
          customProperties: [{ property: 'lowerCaseKeys', value: true }],
        },
        { name: 'e', logicalType: 'string', enum: [{ value: 'a' }] },
        { name: 'i', logicalType: 'integer', logicalTypeOptions: { minimum: 5 } },
      ]),
    },
    now,
  })
})
afterAll(() => workspace[Symbol.asyncDispose]())

/** Codes of the refused rows and objects when a file is checked. */
async function codesOf(feed: string, key: string, content: string | Uint8Array) {
  await workspace.put(`${feed}/${key}`, content)
  const { validations, rejects } = await workspace.validate(feed, [
    workspace.pathOf(`${feed}/${key}`),
  ])
  await workspace.remove(`${feed}/${key}`)
  return [
    ...rejects.flatMap((reject) => reject.codes),
    ...validations.flatMap(({ objects }) => objects.map(({ code }) => code)),
  ]
}

const hour = 'y=2023/m=01/d=11/H=10/a.gz'
const line = (fields: string) => `{"timestamp":"2023-01-11T10:00:00Z","cnt":1${fields}}\n`

describe('JSON lines', () => {
  it.each([
    ['invalid_json', '{"timestamp": }\n'],
    ['not_an_object', '["a", "list"]\n'],
    ['duplicate_key', line(',"cnt":2')],
    ['invalid_name', line(',"":1')],
    ['nested_value', line(',"country":{"code":"DE"}')],
    ['missing_column', '{"cnt":1}\n'],
    ['null_value', '{"timestamp":null,"cnt":1}\n'],
    ['wrong_type', '{"timestamp":"2023-01-11T10:00:00Z","cnt":"12"}\n'],
    ['wrong_type', '{"timestamp":true,"cnt":1}\n'],
    ['wrong_type', '{"timestamp":"2023-01-11T10:00:00Z","cnt":1.5}\n'],
    ['out_of_range', '{"timestamp":"2023-01-11T10:00:00Z","cnt":9223372036854775808}\n'],
    ['invalid_format', '{"timestamp":"yesterday","cnt":1}\n'],
    ['out_of_partition', '{"timestamp":"2023-01-11T09:59:00Z","cnt":1}\n'],
    ['key_conflict', line(',"CNT":2')],
    ['empty_object', ''],
    ['encoding', Buffer.from(`\ufeff${line('')}`, 'utf16le')],
    ['wrong_format', '%PDF-1.4\n'],
  ])('%s', async (code, content) => {
    expect(await codesOf('rollup', hour, content)).toContain(code)
  })
})

describe('types in JSON lines', () => {
  it.each([
    ['wrong_type', '{"n":"1.5"}'],
    ['wrong_type', '{"x":"1.5"}'],
    ['wrong_type', '{"b":"yes"}'],
    ['wrong_type', '{"s":{"an":"object"}}'],
    ['wrong_type', '{"u":{"an":"object"}}'],
    ['wrong_type', '{"d":true}'],
    ['wrong_type', '{"m":["a","list"]}'],
    ['duplicate_key', '{"m":{"plan":"a","plan":"b"}}'],
    ['duplicate_map_key', '{"l":{"Plan":"a","plan":"b"}}'],
    ['not_in_enum', '{"e":"b"}'],
    ['out_of_range', '{"i":4}'],
    ['out_of_range', '{"n":0.001}'],
    ['invalid_format', '{"u":"12345"}'],
    ['invalid_format', '{"s":"abcd"}'],
    ['invalid_format', '{"d":"yesterday"}'],
  ])('%s %s', async (code, content) => {
    expect(await codesOf('typed', '2023-01-10/a.jsonl', `${content}\n`)).toContain(code)
  })
})

describe('CSV', () => {
  const day = 'updated_at=2023-01-10/a.csv'
  const head = 'USER_ID,USER_CREATION_TIME,UPDATED_AT\n'
  it.each([
    ['wrong_field_count', `${head}1,2,3,4,5\n`],
    ['unclosed_quote', `${head}"a text whose quote is never closed\n`],
    ['unexpected_column', 'USER_ID,UPDATED_AT,more\n1,2023-01-10T01:00:00Z,x\n'],
    ['missing_column', 'USER_ID\n1\n'],
    ['null_value', `${head},,2023-01-10T01:00:00Z\n`],
    ['invalid_format', `${head}1,yesterday,2023-01-10T01:00:00Z\n`],
    ['out_of_partition', `${head}1,,2023-01-09T23:59:00Z\n`],
    ['header', 'USER_ID,USER_ID\n1,1\n'],
    [
      'invalid_utf8',
      Buffer.concat([
        Buffer.from(head),
        Buffer.from([0xff, 0xfe]),
        Buffer.from(',,2023-01-10T01:00:00Z\n'),
      ]),
    ],
  ])('%s', async (code, content) => {
    expect(await codesOf('users', day, content)).toContain(code)
  })
})

describe('maps whose keys keep their case', () => {
  it('have no key twice', async () => {
    const csv = `m\n"{""plan"":1,""plan"":2}"\n`
    expect(await codesOf('maps', '2023-01-10/a.csv', csv)).toContain('duplicate_map_key')
  })
})

describe('Parquet', () => {
  const good = `'0f8b8d8e-7d3c-4a6e-9d0a-2b1c3d4e5f60' AS insert_id, 'buy' AS event_key,
    TIMESTAMPTZ '2023-01-10 10:00:00+00' AS ts, 1.5::DECIMAL(24, 6) AS metric_value,
    MAP {'id': 'a', 'device_id': 'b'} AS identifiers, MAP {'x': 'y'} AS event_properties,
    MAP {'x': 'y'} AS user_properties, MAP {'osname': 'iOS', 'appversion': '1'} AS platform_properties`
  const key = 'events/dt=2023-01-10/a.parquet'
  it.each([
    ['', ''],
    ['missing_column', '* EXCLUDE (insert_id)'],
    ['null_value', '* REPLACE (NULL::VARCHAR AS insert_id)'],
    ['wrong_type', `* REPLACE ('n/a' AS metric_value)`],
    ['wrong_type', `* REPLACE ([1] AS ts)`],
    ['out_of_range', '* REPLACE (0.0000001::DECIMAL(24, 7) AS metric_value)'],
    ['invalid_format', `* REPLACE ('12345' AS insert_id)`],
    ['missing_key', `* REPLACE (MAP {'device_id': 'b'} AS identifiers)`],
    [
      'duplicate_map_key',
      `* REPLACE (MAP {'id': 'a', 'device_id': 'b', 'Plan': 'x', 'plan': 'y'} AS identifiers)`,
    ],
    ['out_of_partition', `* REPLACE (TIMESTAMPTZ '2023-01-09 23:59:00+00' AS ts)`],
  ])('%s %s', async (code, changed) => {
    await workspace.putParquet(
      key,
      changed === '' ? `SELECT ${good}` : `SELECT ${changed} FROM (SELECT ${good})`,
    )
    const { validations, rejects } = await workspace.validate('events', [workspace.pathOf(key)])
    const found = [
      ...rejects.flatMap((reject) => reject.codes),
      ...validations.flatMap(({ objects }) => objects.map((each) => each.code)),
    ]
    if (code === '') expect(found).toEqual([])
    else expect(found).toContain(code)
  })
})
