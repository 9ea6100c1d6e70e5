import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSendBench, type SendBench, sampleStream } from '../../../test/support/send-bench.ts'
import { routeLines } from '../../format/encode/envelope.ts'
import { skipValue } from '../../format/encode/json-skip.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { openEmbeddedLedger } from '../../ledger/pglite.ts'
import { pipeSource } from './file-source.ts'
import { runSync } from './run-sync.ts'

let dir = ''
let bench: SendBench
let ledger: Ledger
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'run-sync-'))
  bench = await openSendBench()
  const now = new Date()
  ledger = await openEmbeddedLedger({ data_dir: dir, role: 'loader', command: 'test', now })
}, 60_000)
afterAll(async () => {
  await ledger[Symbol.asyncDispose]()
  await bench[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

async function* lines() {
  yield Buffer.from('{"id":1}\n{"id":2}\n')
}
const digest = (text: string) => text

/** One run of a sync whose stream is appended whole each time. */
async function run(through: Ledger = ledger) {
  return runSync({
    ...(await bench.context()),
    sync: 'events',
    destination_name: 'lake',
    source: pipeSource(lines, {
      ...{ stream: sampleStream('events'), endOfValue: skipValue, digest },
      ...{ name: 'lines', repeatable: true },
    }),
    ledger: through,
    holder: 'host:1',
    routeLines,
    digest,
    observe: () => {},
  })
}
const objects = () => bench.keys('lake/events/')

test('what another process has sent whole between two looks at the states is not sent again', async () => {
  /** It is cut off by this one before it comes to its end. */
  const another = { ...ledger, endSync: () => Promise.reject(new Error('cut off')) }
  const late = await run({
    ...ledger,
    beginSync: async (request) => {
      await run(another)
      return ledger.beginSync(request)
    },
  })
  expect(late).toMatchObject({ state: 'failed', code: 'lease_lost' })
  expect(await objects()).toHaveLength(1)
  const next = await run()
  expect(next).toMatchObject({ state: 'succeeded', notes: [{ code: 'stream_sent_before' }] })
  expect(await objects()).toHaveLength(1)
  expect(await run()).toMatchObject({ state: 'succeeded', notes: [] })
  expect(await objects()).toHaveLength(2)
  expect(await bench.keys('lake/_bucketline/attempts/')).toEqual([])
})
