import { describe, expect, test } from 'vitest'
import { readCatalog } from './catalog.ts'

const configured = (changes: object = {}, stream: object = {}) => ({
  stream: {
    name: 'users',
    json_schema: { type: 'object' },
    supported_sync_modes: ['full_refresh'],
    ...stream,
  },
  sync_mode: 'full_refresh',
  destination_sync_mode: 'append',
  ...changes,
})
const read = (...streams: readonly object[]) => readCatalog({ streams })

test('reads what a stream says', () => {
  const catalog = read(
    configured(
      {
        destination_sync_mode: 'append_dedup',
        sync_mode: 'incremental',
        cursor_field: ['updated_at'],
        primary_key: [['id'], ['org', 'id']],
        generation_id: 5,
        minimum_generation_id: 5,
        sync_id: 42,
        include_files: false,
      },
      { namespace: 'public', is_resumable: true },
    ),
    configured(),
  )
  expect(catalog).toEqual({
    sync_id: 42,
    streams: [
      {
        name: 'users',
        namespace: 'public',
        json_schema: { type: 'object' },
        write_mode: 'append_dedup',
        cursor_field: ['updated_at'],
        primary_key: [['id'], ['org', 'id']],
        generation_id: 5,
        minimum_generation_id: 5,
      },
      {
        name: 'users',
        json_schema: { type: 'object' },
        write_mode: 'append',
        cursor_field: [],
        primary_key: [],
      },
    ],
  })
})

test('null is as good as nothing', () => {
  const blank = {
    cursor_field: null,
    primary_key: null,
    generation_id: null,
    minimum_generation_id: null,
    sync_id: null,
  }
  expect(read(configured(blank, { namespace: null, default_cursor_field: null }))).toEqual(
    read(configured()),
  )
})

test('the source’s own key and cursor hold where none was chosen', () => {
  const stream = { default_cursor_field: ['at'], source_defined_primary_key: [['id']] }
  const incremental = {
    destination_sync_mode: 'append_dedup',
    sync_mode: 'incremental',
    primary_key: [],
    cursor_field: [],
  }
  expect(read(configured(incremental, stream)).streams[0]).toMatchObject({
    cursor_field: ['at'],
    primary_key: [['id']],
  })
  expect(
    read(configured({ ...incremental, sync_mode: 'full_refresh' }, stream)).streams[0]
      ?.cursor_field,
  ).toEqual([])
})

describe('is refused', () => {
  test.each([
    ['without streams', [], 'no streams'],
    [
      'with a stream twice',
      [configured(), configured({ destination_sync_mode: 'overwrite' })],
      'Some streams appeared multiple times: users',
    ],
    [
      'with a stream twice, in a namespace',
      [configured({}, { namespace: 'n' }), configured({}, { namespace: 'n' })],
      'Some streams appeared multiple times: n.users',
    ],
    [
      'for an unknown mode',
      [configured({ destination_sync_mode: 'update' })],
      'streams.0.destination_sync_mode: wanted: append, overwrite or append_dedup',
    ],
    [
      'for rows to merge without a key',
      [configured({ destination_sync_mode: 'append_dedup' })],
      'users is to be de-duplicated but has no primary key',
    ],
    ['for a key of nothing', [configured({ primary_key: [[]] })], 'names no field'],
    [
      'for a generation below its minimum',
      [configured({ generation_id: 1, minimum_generation_id: 2 })],
      'generation 1, below its minimum_generation_id 2',
    ],
    [
      'for a minimum without a generation',
      [configured({ minimum_generation_id: 2 })],
      'generation none',
    ],
    [
      'for a stream without a name',
      [configured({}, { name: '' })],
      'streams.0.stream.name: is empty',
    ],
    [
      'for a stream without a schema',
      [configured({}, { json_schema: undefined })],
      'streams.0.stream.json_schema: is missing',
    ],
    ['for what is no stream', ['users'], 'streams.0'],
  ])('%s', (_, streams, why) => {
    expect(() => readCatalog({ streams })).toThrow(
      expect.objectContaining({ code: 'catalog_invalid', message: expect.stringContaining(why) }),
    )
  })

  test('for what is no catalog', () => {
    expect(() => readCatalog(undefined)).toThrow(
      expect.objectContaining({ code: 'catalog_invalid' }),
    )
  })
})

test('equal names in different namespaces are different streams', () => {
  expect(read(configured(), configured({}, { namespace: 'n' })).streams).toHaveLength(2)
})
