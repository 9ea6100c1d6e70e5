import { describe, expect, it } from 'vitest'
import { readCatalog } from '../../core/destination/catalog.ts'
import { catalogOf, type DiscoveredStream } from './catalog-of.ts'

const BOTH = ['full_refresh', 'incremental']
const STREAMS: readonly DiscoveredStream[] = [
  { name: 'plain', supported_sync_modes: ['full_refresh'] },
  { name: 'events', supported_sync_modes: BOTH, default_cursor_field: ['at'] },
  {
    name: 'users',
    namespace: 'crm',
    supported_sync_modes: BOTH,
    source_defined_cursor: true,
    source_defined_primary_key: [['id']],
  },
  // Incremental only with a cursor that the user would have to choose.
  {
    name: 'logs',
    supported_sync_modes: BOTH,
    default_cursor_field: [],
    source_defined_primary_key: [['id']],
  },
]

const summary = (wanted: Partial<Parameters<typeof catalogOf>[1]>) => {
  const catalog = catalogOf(STREAMS, { streams: 'all', modes: {}, ...wanted })
  // What is made must be what a destination takes.
  readCatalog(catalog)
  return (catalog.streams as Record<string, unknown>[]).map((each) => [
    (each.stream as DiscoveredStream).name,
    each.sync_mode,
    each.destination_sync_mode,
    each.cursor_field,
  ])
}

describe('the catalog of a source', () => {
  it('reads what is new where the source can tell, merges by its key, and else takes all', () => {
    expect(summary({})).toEqual([
      ['plain', 'full_refresh', 'overwrite', []],
      ['events', 'incremental', 'append', ['at']],
      ['users', 'incremental', 'append_dedup', []],
      ['logs', 'full_refresh', 'overwrite', []],
    ])
  })

  it('follows the mode of the sync, and before it that of the stream', () => {
    expect(
      summary({ mode: 'append', modes: { 'crm.users': 'overwrite', logs: 'append_dedup' } }),
    ).toEqual([
      ['plain', 'full_refresh', 'append', []],
      ['events', 'incremental', 'append', ['at']],
      ['users', 'full_refresh', 'overwrite', []],
      ['logs', 'full_refresh', 'append_dedup', []],
    ])
  })

  it('holds the streams that are named, by either name, once', () => {
    expect(summary({ streams: ['crm.users', 'events', 'users'] }).map(([name]) => name)).toEqual([
      'users',
      'events',
    ])
  })

  it.each([
    [{ streams: ['user'] }, 'The source has no stream user.'],
    [{ modes: { nope: 'append' as const } }, 'The source has no stream nope.'],
  ])('refuses names that the source does not have: %j', (wanted, message) => {
    expect(() => summary(wanted)).toThrow(message)
  })

  it('refuses to merge what has no key', () => {
    expect(() => summary({ modes: { plain: 'append_dedup' } })).toThrow('has no primary key')
  })
})
