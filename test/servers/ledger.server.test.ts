import { afterAll, beforeAll } from 'vitest'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { ledgerConformance } from '../conformance/ledger.ts'
import { type RunningServer, startServer } from './launch.ts'

/** The ledger's suite on PostgreSQL; each run in a schema of its own, gone with the server. */
let server: RunningServer
let runs = 0

beforeAll(async () => {
  server = await startServer('postgresql')
}, 120_000)
afterAll(() => server.stop())

ledgerConformance('PostgreSQL', async () => {
  runs += 1
  const connect = () => openPostgresLedger({ url: server.settings.url, schema: `run_${runs}` })
  const ledger = await connect()
  return { ledger, connect, [Symbol.asyncDispose]: () => ledger[Symbol.asyncDispose]() }
})
