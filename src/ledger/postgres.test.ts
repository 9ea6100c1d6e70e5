import { createServer } from 'node:net'
import { inspect } from 'node:util'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { readMigrations } from './migrate.ts'
import { openPostgresLedger } from './postgres.ts'

const PASSWORD = 'not-to-be-shown'

/** The error, and that nothing a person or a log could see of it holds the password. */
async function refusal(url: string): Promise<unknown> {
  try {
    await openPostgresLedger({ url })
  } catch (error) {
    expect(inspect(error, { depth: 9 })).not.toContain(PASSWORD)
    return error
  }
  throw new Error('opened')
}

describe('a PostgreSQL ledger that cannot be opened', () => {
  test('is unavailable where nothing listens, or what listens hangs up', async () => {
    const server = createServer((socket) => socket.destroy())
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    const url = `postgres://app:${PASSWORD}@127.0.0.1:${port}/books`
    const expected = {
      code: 'ledger_unavailable',
      retryable: true,
      message: expect.stringContaining(`PostgreSQL at 127.0.0.1:${port}, database books`),
    }
    expect(await refusal(url)).toMatchObject(expected)
    await new Promise((resolve) => server.close(resolve))
    expect(await refusal(url)).toMatchObject(expected)
  })

  test('is a configuration error where the URL is none', async () => {
    for (const url of [
      `app:${PASSWORD}@x`,
      `mysql://app:${PASSWORD}@x/y`,
      `postgres://a:${PASSWORD}@[/`,
    ]) {
      expect(await refusal(url)).toMatchObject({ code: 'config_invalid', retryable: false })
    }
  })
})

test('migrations are numbered without gaps and are found beside the program', async () => {
  const migrations = await readMigrations()
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1))
  expect(migrations[0]?.sql).toContain('CREATE TABLE feeds')
})

const server = process.env.TEST_POSTGRES_URL
describe.skipIf(server === undefined)('on a real server', () => {
  const url = server as string
  const admin = async <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  test('processes that start at the same time make the tables once', async () => {
    const schema = `ledger_race_${process.pid}`
    const ledgers = await Promise.all(
      Array.from({ length: 4 }, () => openPostgresLedger({ url, schema })),
    )
    for (const ledger of ledgers) {
      expect(await ledger.partitions('f')).toEqual([])
      await ledger[Symbol.asyncDispose]()
    }
    await admin((client) => client.query(`DROP SCHEMA ${schema} CASCADE`))
  })

  test('a connection that is cut is made again', async () => {
    const schema = `ledger_cut_${process.pid}`
    await using ledger = await openPostgresLedger({ url, schema, max_connections: 1 })
    await ledger.observe('f', [{ partition: 'p', objects: [], complete: false }], [], new Date())
    await admin((client) =>
      client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'bucketline' AND datname = current_database()`,
      ),
    )
    // The first attempt may meet the connection that was cut; the next one has a new one.
    const again = await ledger.partitions('f').catch((error) => {
      expect(error).toMatchObject({ code: 'ledger_unavailable', retryable: true })
      return ledger.partitions('f')
    })
    expect(again.map(({ partition }) => partition)).toEqual(['p'])
    await admin((client) => client.query(`DROP SCHEMA ${schema} CASCADE`))
  })

  test('without a right to create schemas access is refused', async () => {
    const user = `ledger_nobody_${process.pid}`
    await admin((client) => client.query(`CREATE ROLE ${user} LOGIN`))
    const other = new URL(url)
    other.username = user
    await expect(openPostgresLedger({ url: other.href, schema: 'never' })).rejects.toMatchObject({
      code: 'ledger_refused',
      retryable: false,
    })
    await admin((client) => client.query(`DROP ROLE ${user}`))
  })
})
