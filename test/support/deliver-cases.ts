import type { PresetName } from '../../src/core/config.ts'
import type { Json } from './workspace.ts'

/** Rows with values that are easily spoilt on their way, and what a receiver's dataset must hold. */
export interface AwkwardCase {
  /** JSON lines, one row each: as text, so that every digit stands as it is meant. */
  readonly lines: readonly string[]
  readonly select: string
  readonly order: string
  readonly expected: readonly Json[]
  readonly duplicates: number
  readonly partitions: readonly string[]
}

const uuid = (n: number) => `00000000-0000-4000-8000-00000000000${n}`

/** A line of the event preset that passes, with some of its fields another way. */
export const hackleLine = (n: number, fields: Json = {}): string =>
  JSON.stringify({
    insert_id: uuid(n),
    event_key: 'purchase',
    ts: '2023-01-01T10:00:00Z',
    metric_value: 0,
    identifiers: { id: 'i', device_id: 'd' },
    event_properties: {},
    user_properties: {},
    platform_properties: { osname: 'iOS', appversion: '1' },
    ...fields,
  })

/** As `hackleLine`, with a number that JavaScript cannot hold. */
const hackleNumber = (n: number, metric_value: string, fields: Json = {}): string =>
  hackleLine(n, { ...fields, metric_value: 12321 }).replace('12321', metric_value)

export const AWKWARD: Readonly<Record<PresetName, AwkwardCase>> = {
  'hackle-events': {
    lines: [
      hackleNumber(1, '999999999999999999.999999', {
        event_key: 'q"u\\o\nte\u0000 \u2028 😀',
      }),
      hackleNumber(2, '-0.000001', { ts: '2023-01-02T08:59:59.999999+09:00' }),
      hackleLine(3, {
        ts: '2023-01-02T00:00:00Z',
        event_properties: { N: null, Größe: '', "it's": 'a,b', 'x=y': '{}' },
      }),
      hackleLine(4, {
        identifiers: '{"ID":"9007199254740993","device_id":"d"}',
        user_properties: { k: '\u0001' },
      }),
      // The same event again: it loses to the first.
      hackleLine(4, { event_key: 'again' }),
    ],
    select:
      'insert_id, event_key, ts, metric_value, identifiers, event_properties, user_properties, platform_properties',
    order: 'insert_id',
    duplicates: 1,
    partitions: ['2023-01-01', '2023-01-02'],
    expected: [
      {
        ...hackleRow(1),
        event_key: 'q"u\\o\nte\u0000 \u2028 😀',
        metric_value: '999999999999999999.999999',
      },
      { ...hackleRow(2), ts: '2023-01-01T23:59:59.999Z', metric_value: '-0.000001' },
      {
        ...hackleRow(3),
        ts: '2023-01-02T00:00:00.000Z',
        event_properties: { n: null, größe: '', "it's": 'a,b', 'x=y': '{}' },
      },
      {
        ...hackleRow(4),
        identifiers: { id: '9007199254740993', device_id: 'd' },
        user_properties: { k: '\u0001' },
      },
    ],
  },
  'metamarkets-rollup': {
    lines: [
      '{"timestamp":"2014-03-05T04:58:23.200Z","cnt":9223372036854775807,"country":"Ü\\"\\\\\\n\\u0000😀","revenue":0.1,"bids":9007199254740992,"a.b":"dot","it\'s /~ \\"odd\\"":"odd"}',
      '{"timestamp":"2014-03-05T05:00:00.000001Z","cnt":-1,"country":null,"revenue":-1e-7,"bids":1}',
      '{"timestamp":"2014-03-05T05:59:59.999999Z","cnt":0,"country":"","revenue":200}',
      // Two records alike are two records: they have no key.
      '{"timestamp":"2014-03-05T05:59:59.999999Z","cnt":0,"country":"","revenue":200}',
    ],
    select: `"timestamp", cnt, country, revenue, bids, "a.b", "it's /~ ""odd"""`,
    order: '"timestamp", cnt',
    duplicates: 0,
    partitions: ['2014-03-05T04', '2014-03-05T05'],
    expected: [
      rollupRow({
        timestamp: '2014-03-05T04:58:23.200Z',
        cnt: '9223372036854775807',
        country: 'Ü"\\\n\u0000😀',
        revenue: 0.1,
        // Beyond this a receiver, who keeps such numbers as doubles, refuses the row.
        bids: 9007199254740992,
        'a.b': 'dot',
        'it\'s /~ "odd"': 'odd',
      }),
      rollupRow({ timestamp: '2014-03-05T05:00:00.000001Z', cnt: -1, revenue: -1e-7, bids: 1 }),
      rollupRow({ timestamp: '2014-03-05T05:59:59.999999Z', cnt: 0, country: '', revenue: 200 }),
      rollupRow({ timestamp: '2014-03-05T05:59:59.999999Z', cnt: 0, country: '', revenue: 200 }),
    ],
  },
  'toplyne-events': {
    lines: [
      '{"user_id":9007199254740993,"ACCOUNT_ID":"","EVENT_NAME":"a,\\"b\\"\\r\\n c ","TIMESTAMP":"2022-10-26T23:59:59.999999Z","UPDATED_AT":"2022-10-27 01:00:00","EVENT_PROPERTIES":{"n":12345678901234567890,"d":0.1,"deep":{"x":[1,null,"ü\\u0000"]}},"PLAN":"pro"}',
      '{"USER_ID":"007","ACCOUNT_ID":null,"EVENT_NAME":" lead","TIMESTAMP":"2022-10-27T00:00:00+05:30","UPDATED_AT":"2022-10-26T00:00:00Z","EVENT_PROPERTIES":"{\\n \\"a\\": \\"x,y\\",\\n}","PLAN":"12"}',
    ],
    select: 'USER_ID, ACCOUNT_ID, EVENT_NAME, "TIMESTAMP", UPDATED_AT, EVENT_PROPERTIES, PLAN',
    order: '"TIMESTAMP"',
    duplicates: 0,
    partitions: ['2022-10-26'],
    expected: [
      {
        USER_ID: '007',
        ACCOUNT_ID: null,
        EVENT_NAME: ' lead',
        TIMESTAMP: '2022-10-26T18:30:00.000Z',
        UPDATED_AT: '2022-10-26T00:00:00.000Z',
        EVENT_PROPERTIES: '{  "a": "x,y" }',
        PLAN: '12',
      },
      {
        USER_ID: '9007199254740993',
        ACCOUNT_ID: '',
        EVENT_NAME: 'a,"b"\r\n c ',
        TIMESTAMP: '2022-10-26T23:59:59.999999Z',
        UPDATED_AT: '2022-10-27T01:00:00.000Z',
        EVENT_PROPERTIES: '{"n":12345678901234567890,"d":0.1,"deep":{"x":[1,null,"ü\\u0000"]}}',
        PLAN: 'pro',
      },
    ],
  },
  'toplyne-users': profile('USER_ID', 'USER_CREATION_TIME'),
  'toplyne-accounts': profile('ACCOUNT_ID', 'ACCOUNT_CREATION_TIME'),
}

function hackleRow(n: number): Json {
  return {
    insert_id: uuid(n),
    event_key: 'purchase',
    ts: '2023-01-01T10:00:00.000Z',
    metric_value: '0.000000',
    identifiers: { id: 'i', device_id: 'd' },
    event_properties: {},
    user_properties: {},
    platform_properties: { osname: 'iOS', appversion: '1' },
  }
}

function rollupRow(row: Json): Json {
  return { country: null, bids: null, 'a.b': null, 'it\'s /~ "odd"': null, ...row }
}

function profile(id: string, created: string): AwkwardCase {
  return {
    lines: [
      `{"${id}":"k1","${created}":"2020-02-29T00:00:00Z","UPDATED_AT":"2022-11-26T00:00:00.000001Z","EMAIL":"old"}`,
      `{"${id}":"k1","${created}":null,"UPDATED_AT":"2022-11-26T23:59:59.999999Z","EMAIL":"a\\"b,\\nü"}`,
      `{"${id}":9007199254740993,"${created}":"1969-12-31T23:59:59.5Z","UPDATED_AT":"2022-12-01T00:00:00Z","EMAIL":""}`,
    ],
    select: `${id}, ${created}, UPDATED_AT, EMAIL`,
    order: 'UPDATED_AT',
    duplicates: 1,
    partitions: ['2022-11-26', '2022-12-01'],
    expected: [
      { [id]: 'k1', [created]: null, UPDATED_AT: '2022-11-26T23:59:59.999999Z', EMAIL: 'a"b,\nü' },
      {
        [id]: '9007199254740993',
        [created]: '1969-12-31T23:59:59.500Z',
        UPDATED_AT: '2022-12-01T00:00:00.000Z',
        EMAIL: '',
      },
    ],
  }
}
