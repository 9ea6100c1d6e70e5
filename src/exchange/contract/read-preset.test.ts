import { describe, expect, it } from 'vitest'
import { PRESETS } from '../../core/config.ts'
import type { Column } from '../../core/contract/contract.ts'
import { parseLayout } from '../../core/layout/layout.ts'
import { readPreset } from './read-preset.ts'

/** What every column has that says nothing else; descriptions and lines are not compared. */
const plain = {
  required: false,
  semantic: 'column',
  accept_json_text: false,
  accept_text: false,
  repair_trailing_comma: false,
  unique: false,
  examples: [],
}
const timestamp = { kind: 'timestamp', zone: 'UTC' }
const text_map = { kind: 'map', value: { kind: 'string' } }

async function model(name: (typeof PRESETS)[number]) {
  const { contract, delivery } = await readPreset(name)
  const columns = contract.columns.map(({ description, line, names, ...column }: Column) => {
    expect(description).toBeTruthy()
    expect(line).toBeGreaterThan(1)
    expect(names).toEqual([column.name])
    return column
  })
  return { contract, delivery, columns }
}

describe('presets', () => {
  it('hackle-events', async () => {
    const { contract, delivery, columns } = await model('hackle-events')
    const map = (name: string, keys: object, more: object = {}) => ({
      ...plain,
      name,
      type: text_map,
      required: true,
      keys: { required: [], declared: [], lower_case: true, ...keys },
      ...more,
    })
    expect(columns).toEqual([
      { ...plain, name: 'insert_id', type: { kind: 'uuid' }, required: true },
      {
        ...plain,
        name: 'event_key',
        type: { kind: 'string' },
        required: true,
        semantic: 'dimension',
      },
      { ...plain, name: 'ts', type: timestamp, required: true, truncate: 'milliseconds' },
      {
        ...plain,
        name: 'metric_value',
        type: { kind: 'decimal', precision: 24, scale: 6 },
        required: true,
        semantic: 'measure',
      },
      map(
        'identifiers',
        {
          required: [['id'], ['device_id']],
          declared: ['id', 'device_id', 'user_id', 'session_id', 'ga_session_id', 'ga_device_id'],
        },
        { accept_json_text: true },
      ),
      map('event_properties', {}),
      map('user_properties', {}),
      map('platform_properties', {
        required: [['osname'], ['appversion', 'version']],
        declared: ['osname', 'appversion'],
      }),
    ])
    expect(contract).toMatchObject({
      key: ['insert_id'],
      time_column: 'ts',
      publish: 'replace',
      deduplicate: { scope: 'partition' },
      new_columns: 'rescue',
      flat: false,
      ignore_case: false,
      service_levels: {
        available_by: { hour: 13, minute: 0, zone: 'Asia/Seoul', days_after: 1 },
        frequency: 'day',
      },
      notes: ['The required key appversion is also accepted under the name version.'],
    })
    expect(delivery).toMatchObject({
      layout: 'dt={yyyy}-{MM}-{dd}/{file}.parquet',
      format: { type: 'parquet' },
      completion: { type: 'marker', name: '_SUCCESS', allow_content: false },
    })
  })

  it('metamarkets-rollup', async () => {
    const { contract, delivery, columns } = await model('metamarkets-rollup')
    expect(columns).toEqual([
      { ...plain, name: 'timestamp', type: timestamp, required: true },
      {
        ...plain,
        name: 'cnt',
        type: { kind: 'integer', bits: 64, signed: true },
        required: true,
        semantic: 'measure',
      },
    ])
    expect(contract).toMatchObject({
      key: [],
      time_column: 'timestamp',
      publish: 'append',
      new_columns: 'evolve',
      flat: true,
      ignore_case: false,
      advice: { file_bytes: 50_000_000, file_rows: 50_000 },
      service_levels: { frequency: 'hour' },
    })
    expect(
      contract.measures.map(({ name, title, expression }) => [name, title, expression]),
    ).toEqual([
      ['ecpm', 'eCPM', '1000 * sum(revenue) / nullif(sum(imp_cnt), 0)'],
      ['fill_rate', 'Fill rate', 'sum(imp_cnt) / nullif(sum(cnt), 0)'],
      ['bid_rate', 'Bid rate', 'sum(bid_cnt) / nullif(sum(cnt), 0)'],
      ['average_bid', 'Average bid', 'sum(bid_sum) / nullif(sum(bid_cnt), 0)'],
    ])
    expect(delivery).toMatchObject({
      layout: 'y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.gz',
      format: { type: 'jsonl' },
      completion: { type: 'immediate' },
    })
  })

  it('toplyne-events', async () => {
    const { contract, delivery, columns } = await model('toplyne-events')
    const text = { ...plain, type: { kind: 'string' } }
    expect(columns).toEqual([
      { ...text, name: 'USER_ID', required: true, accept_integers: true },
      { ...text, name: 'ACCOUNT_ID', accept_integers: true },
      { ...text, name: 'EVENT_NAME', required: true, semantic: 'dimension' },
      { ...plain, name: 'TIMESTAMP', type: timestamp, required: true },
      { ...plain, name: 'UPDATED_AT', type: timestamp, required: true },
      {
        ...plain,
        name: 'EVENT_PROPERTIES',
        type: { kind: 'json', must_be_object: true },
        accept_json_text: true,
        repair_trailing_comma: true,
      },
    ])
    expect(contract).toMatchObject({
      key: [],
      time_column: 'TIMESTAMP',
      publish: 'replace',
      new_columns: 'evolve',
      ignore_case: true,
      service_levels: { frequency: 'day' },
    })
    expect(delivery).toMatchObject({
      layout: 'timestamp={yyyy}-{MM}-{dd}/{file}',
      format: { type: 'auto' },
      completion: { type: 'immediate' },
    })
  })

  it.each([
    ['toplyne-users', 'USER'],
    ['toplyne-accounts', 'ACCOUNT'],
  ] as const)('%s', async (name, entity) => {
    const { contract, delivery, columns } = await model(name)
    expect(columns).toEqual([
      {
        ...plain,
        name: `${entity}_ID`,
        type: { kind: 'string' },
        required: true,
        accept_integers: true,
      },
      { ...plain, name: `${entity}_CREATION_TIME`, type: timestamp },
      { ...plain, name: 'UPDATED_AT', type: timestamp, required: true },
    ])
    expect(contract).toMatchObject({
      key: [`${entity}_ID`],
      time_column: 'UPDATED_AT',
      version_column: 'UPDATED_AT',
      publish: 'upsert',
      deduplicate: { scope: 'feed' },
      new_columns: 'evolve',
      ignore_case: true,
    })
    expect(delivery.layout).toBe('updated_at={yyyy}-{MM}-{dd}/{file}')
  })

  it.each(PRESETS)(
    '%s leaves nothing without effect and has a layout that parses',
    async (name) => {
      const { contract, delivery } = await readPreset(name)
      expect(contract.not_executed).toEqual([])
      expect(contract.id).toBe(name)
      expect(parseLayout(delivery.layout).grain).toBe(contract.service_levels.frequency)
    },
  )
})
