import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Ledger } from '../../ledger/ledger.ts'
import { openEmbeddedLedger } from '../../ledger/pglite.ts'
import { syncStatuses } from './sync-status.ts'

let data_dir: string
let ledger: Ledger
const at = (seconds: number) => new Date(Date.parse('2023-01-07T05:00:00Z') + seconds * 1000)

beforeAll(async () => {
  data_dir = await mkdtemp(join(tmpdir(), 'sync-status-'))
  ledger = await openEmbeddedLedger({ data_dir, role: 'loader', command: 'test', now: at(0) })
}, 120_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  await rm(data_dir, { recursive: true })
})

const begin = (sync: string, attempt_id: string, holder: string) =>
  ledger.beginSync({ sync, attempt_id, destination: 'lake', holder, streams: 2, now: at(1) })
const commit = (sync: string, attempt_id: string, n: number, scope: string) =>
  ledger.commitSync({
    ...{ sync, attempt_id, n, records: 10 * n },
    ...{ states: [{ scope, state: '1' }], now: at(2 + n) },
  })

test('an attempt that runs is told from one that was cut off, and a changed source from the old one', async () => {
  await begin('far', 'a', 'elsewhere:1')
  await begin('empty', 'b', 'gone:1')
  await begin('cut', 'c', 'gone:1')
  await commit('cut', 'c', 1, 'file:x')
  await commit('cut', 'c', 2, 'stream:["users"]')
  const statuses = await syncStatuses({
    ledger,
    configured: new Map([['cut', 'sea']]),
    mayRun: (holder) => holder === 'elsewhere:1',
  })
  const begun = { streams: 2, started_at: at(1), objects: 0, bytes: 0, bad_values: 0 }
  const cut_off = {
    code: 'interrupted',
    message: 'The process that ran this sync (gone:1) ended or was cut off before it finished.',
  }
  const nothing = { states: 0, states_kind: 'none' }
  expect(statuses).toEqual([
    {
      ...begun,
      ...cut_off,
      ...{ sync: 'cut', configured: true, destination: 'sea', state: 'incomplete', records: 20 },
      ...{ states: 1, states_kind: 'stream', states_at: at(4) },
    },
    {
      ...begun,
      ...cut_off,
      ...nothing,
      ...{ sync: 'empty', configured: false, destination: 'lake', state: 'failed', records: 0 },
    },
    {
      ...begun,
      ...nothing,
      ...{ sync: 'far', configured: false, destination: 'lake', state: 'running', records: 0 },
    },
  ])
})
