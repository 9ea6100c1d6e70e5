import pg from 'pg'
import { describe, test } from 'vitest'
import { ledgerConformance } from '../../test/conformance/ledger.ts'
import { openPostgresLedger } from './postgres.ts'

/** A database to make schemas in: each run has one of its own and drops it. */
const url = process.env.TEST_POSTGRES_URL

if (url === undefined) {
  describe('ledger: PostgreSQL', () => {
    test.skip('TEST_POSTGRES_URL is not set', () => undefined)
  })
} else {
  ledgerConformance('PostgreSQL', async () => {
    const schema = `ledger_test_${process.pid}_${Date.now()}`
    const connect = () => openPostgresLedger({ url, schema })
    const ledger = await connect()
    return {
      ledger,
      connect,
      async [Symbol.asyncDispose]() {
        await ledger[Symbol.asyncDispose]()
        const client = new pg.Client({ connectionString: url })
        await client.connect()
        await client.query(`DROP SCHEMA "${schema}" CASCADE`)
        await client.end()
      },
    }
  })
}
