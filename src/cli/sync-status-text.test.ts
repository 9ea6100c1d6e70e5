import { describe, expect, it } from 'vitest'
import { memoryTerminal } from '../../test/memory-terminal.ts'
import type { SyncStatus } from './app-port.ts'
import { syncStatusText } from './sync-status-text.ts'
import { textWidth } from './text-width.ts'

const crm: SyncStatus = {
  sync: 'crm',
  configured: true,
  destination: 'lake',
  state: 'incomplete',
  started_at: new Date('2023-01-02T03:04:05Z'),
  ended_at: new Date('2023-01-02T03:05:05Z'),
  ...{ streams: 12, streams_complete: 3, records: 1_204_332, objects: 17, bytes: 210_000_000 },
  ...{ bad_values: 0, states: 12, states_kind: 'stream' },
  code: 'source_failed',
  message: 'The source ended with exit code 1. It said: the quota of this account is used up',
}
const never: SyncStatus = {
  ...{ sync: 'shop', configured: true, destination: 'lake', state: 'never' },
  ...{ records: 0, objects: 0, bytes: 0, bad_values: 0, states: 0, states_kind: 'none' },
}

describe('syncStatusText', () => {
  it('says of each sync how far it came, why not further, and where it goes on', () => {
    const global: SyncStatus = {
      ...crm,
      ...{ sync: 'erp', state: 'running', states: 1, states_kind: 'global' },
    }
    const { code, message, streams_complete, ...running } = global
    const text = syncStatusText([crm, running, never], memoryTerminal({ width: 80 }))
    expect(text).toBe(
      `sync  state       last run           streams    records  objects  goes on from
crm   incomplete  2023-01-02 03:04Z  3 of 12  1,204,332       17  12 streams
  source_failed  The source ended with exit code 1. It said: the quota of this
                 account is used up
erp   running     2023-01-02 03:04Z       12  1,204,332       17  global state
shop  never                                                       nothing

3 syncs: 1 incomplete, 1 running, 1 never
`,
    )
  })

  it.each([60, 80])('fits a terminal of %i columns, whatever a sync is called', (width) => {
    const long = { ...crm, sync: `lake/${'a'.repeat(60)}` }
    const text = syncStatusText([long, never], memoryTerminal({ width }))
    for (const line of text.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width)
  })

  it('is nothing without syncs', () => {
    expect(syncStatusText([], memoryTerminal())).toBe('')
  })
})
