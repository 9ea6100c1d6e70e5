import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import pg from 'pg'
import { expect, it } from 'vitest'
import { SERVER_KINDS, type ServerName } from './kinds.ts'
import { startServer } from './launch.ts'

const NAMES = Object.keys(SERVER_KINDS) as ServerName[]

/** What the probe of a kind does not show: that a client gets an answer. */
async function answers(name: ServerName, url: string): Promise<boolean> {
  if (name !== 'postgresql') return (await fetch(url, { redirect: 'manual' })).status < 500
  const client = new pg.Client({ connectionString: url })
  try {
    await client.connect()
    return (await client.query('select 1 as one')).rows[0].one === 1
  } finally {
    await client.end()
  }
}

function listening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

it.each(NAMES)('%s starts twice beside itself, answers and leaves nothing', async (name) => {
  const servers = await Promise.all([startServer(name), startServer(name)])
  const urls = servers.map((server) => server.settings.url)
  try {
    expect(new Set(urls).size).toBe(2)
    for (const url of urls) {
      expect(new URL(url).hostname).toBe('127.0.0.1')
      expect(await answers(name, url)).toBe(true)
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
  for (const { pid, folder, settings } of servers) {
    expect(await listening(settings.url)).toBe(false)
    expect(existsSync(folder)).toBe(false)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  }
})
