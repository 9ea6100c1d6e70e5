import { existsSync } from 'node:fs'
import pg from 'pg'
import { expect, it } from 'vitest'
import { SERVER_KINDS } from './kinds.ts'
import { startServer } from './launch.ts'

it.skipIf(SERVER_KINDS.postgresql.installed() === undefined)(
  'PostgreSQL starts, answers and leaves nothing',
  async () => {
    const server = await startServer('postgresql')
    const client = new pg.Client({ connectionString: server.settings.url })
    try {
      await client.connect()
      const { rows } = await client.query('select 1 as one, version()')
      expect(rows[0]).toMatchObject({ one: 1 })
    } finally {
      await client.end()
      await server.stop()
    }
    expect(existsSync(server.folder)).toBe(false)
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
  },
)
