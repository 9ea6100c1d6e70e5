import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'
import { openPgDatabase } from '../../src/ledger/pg-database.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { type Fault, type FaultyProxy, openFaultyProxy } from './faulty-proxy.ts'
import { SERVER_KINDS } from './kinds.ts'
import { type RunningServer, startServer, stopProcess } from './launch.ts'
import { startToxiproxy, type ToxicProxy, type Toxiproxy } from './toxiproxy.ts'

/** A PostgreSQL ledger that goes away while a load runs. */
const bin = join(import.meta.dirname, '../../bin/bucketline')

let server: RunningServer
let toxiproxy: Toxiproxy
let toxic: ToxicProxy
let cutting: FaultyProxy
let root = ''
beforeAll(async () => {
  server = await startServer('postgresql')
  toxiproxy = await startToxiproxy()
  toxic = await toxiproxy.proxy(server.settings.url)
  cutting = await openFaultyProxy(server.settings.url)
  root = await mkdtemp(join(tmpdir(), 'ledger-faults-'))
})
afterAll(async () => {
  await cutting.close()
  await toxiproxy[Symbol.asyncDispose]()
  await server.stop()
  await rm(root, { recursive: true, force: true })
})

let databases = 0
let dir = ''
let database = ''
beforeEach(async () => {
  databases += 1
  database = `faults${databases}`
  execFileSync('psql', [server.settings.url, '-qc', `CREATE DATABASE ${database}`])
  dir = await mkdtemp(join(root, 'site-'))
  await configure()
})
afterEach(() => toxic.heal())

/** The database of this test as it is reached through a proxy, or directly. */
function ledgerUrl(through: string = server.settings.url): string {
  const url = new URL(server.settings.url)
  url.host = new URL(through).host
  url.pathname = `/${database}`
  return url.href
}

async function configure(): Promise<void> {
  const lease = '1s'
  const config = {
    threads: 2,
    ledger: { url: { env: 'LEDGER_URL' }, lease },
    stores: { in: { type: 'local', path: 'in' } },
    feeds: {
      events: {
        store: 'in',
        contract: 'events.odcs.yaml',
        layout: 'dt={yyyy}-{MM}-{dd}/{file}',
        format: { type: 'jsonl' },
      },
    },
  }
  await writeFile(join(dir, 'bucketline.yaml'), stringify(config))
  await writeFile(
    join(dir, 'events.odcs.yaml'),
    stringify({
      apiVersion: 'v3.2.0',
      kind: 'DataContract',
      id: 'events',
      version: '1.0.0',
      status: 'active',
      schema: [
        {
          name: 'events',
          properties: [{ name: 'id', logicalType: 'integer', required: true }],
        },
      ],
    }),
  )
}

async function deliver(day: number, rows: number): Promise<void> {
  const folder = join(dir, `in/dt=2023-01-0${day}`)
  await mkdir(folder, { recursive: true })
  const lines = Array.from({ length: rows }, (_, id) => `{"id":${id}}\n`)
  await rm(join(folder, 'a'), { force: true })
  await writeFile(join(folder, 'a'), lines.join(''))
}

const open = (url: string) =>
  openApp({
    config_file: 'bucketline.yaml',
    cwd: dir,
    env: { LEDGER_URL: url },
    command: 'test',
    signal: new AbortController().signal,
  })
type App = Awaited<ReturnType<typeof open>>
type Event = Parameters<Parameters<App['load']>[1]['observe']>[0]

async function load(app: App, onEvent: (event: Event) => void = () => undefined) {
  const records = []
  const run = { watch: false, signal: new AbortController().signal, observe: onEvent }
  for await (const record of app.load({ feeds: [], all: false, force: false, replay: false }, run))
    records.push(record)
  return records
}

const count = async (app: App) =>
  Number((await app.query('SELECT count(*) FROM events')).rows[0]?.[0])

/** What one clean run would have left: the rows, one generation more, and no file without an owner. */
async function expectClean(rows: number): Promise<void> {
  // The claim of the load that was cut off has to run out.
  await sleep(1_100)
  await using app = await open(ledgerUrl())
  await load(app)
  expect(await count(app)).toBe(rows)
  expect(await load(app)).toEqual([])
  expect(await readdir(join(dir, '.bucketline/staging'))).toEqual([])
  expect(await app.sweep([])).toMatchObject([{ files: 0 }])
  await using ledger = await openPostgresLedger({ url: ledgerUrl() })
  expect(await ledger.runningLoads(new Date())).toEqual([])
}

const UNAVAILABLE = {
  code: 'ledger_unavailable',
  retryable: true,
  message: expect.stringMatching(/PostgreSQL at 127\.0\.0\.1:\d+, database faults/),
  hint: expect.stringMatching(/server runs/),
}

describe('a ledger that goes away while a load runs', () => {
  it.each(['started', 'publish'])('for good, at %s: the load fails by name', async (at) => {
    await deliver(1, 10)
    {
      await using app = await open(ledgerUrl(toxic.url))
      await load(app)
      await deliver(1, 25)
      const gone = load(app, (event) => {
        if (event.type === at || ('step' in event && event.step === at)) void toxic.refuse()
      })
      await expect(gone).rejects.toMatchObject(UNAVAILABLE)
      await expect(count(app)).rejects.toMatchObject(UNAVAILABLE)
      // The same process goes on when it is back: the old generation is served.
      await toxic.heal()
      expect(await count(app)).toBe(10)
    }
    await expectClean(25)
  })

  it('for a moment: the load is published all the same', async () => {
    await deliver(1, 10)
    await using app = await open(ledgerUrl(toxic.url))
    await load(app)
    await deliver(1, 25)
    let back: Promise<void> | undefined
    const records = await load(app, (event) => {
      if (!('step' in event) || event.step !== 'publish') return
      back ??= toxic
        .refuse()
        .then(() => sleep(500))
        .then(() => toxic.heal())
    })
    await back
    expect(records).toMatchObject([{ state: 'published', rows_published: 25, generation: 2 }])
    await expectClean(25)
  })

  it.each([
    ['the answer to the publishing is lost', 1],
    ['as often as it is asked', 100],
  ])('%s: the load is published once', async (_, times) => {
    await deliver(1, 10)
    await using app = await open(ledgerUrl(cutting.url))
    await load(app)
    await deliver(1, 25)
    const fault: Fault = { after_bytes: 0, times, asked: 'COMMIT' }
    const records = load(app, (event) => {
      if ('step' in event && event.step === 'publish') cutting.fault = fault
    })
    if (times === 1) expect(await records).toMatchObject([{ state: 'published', generation: 2 }])
    else await expect(records).rejects.toMatchObject({ code: 'ledger_unavailable' })
    expect(fault.times).toBeLessThan(times)
    cutting.fault = undefined
    expect(await count(app)).toBe(25)
    await expectClean(25)
  })

  it('without a word: every statement has its deadline', async () => {
    await using ledger = await openPostgresLedger({
      url: ledgerUrl(toxic.url),
      answer_timeout_ms: 300,
    })
    expect(await ledger.partitions('events', {})).toEqual([])
    await toxic.add({ type: 'timeout', attributes: { timeout: 0 } })
    const began = performance.now()
    await expect(ledger.partitions('events', {})).rejects.toMatchObject(UNAVAILABLE)
    expect(performance.now() - began).toBeLessThan(5_000)
    await toxic.heal()
    expect(await ledger.partitions('events', {})).toEqual([])
  })

  it('with a loader that stalls in a transaction: its locks end with the deadline', async () => {
    await using database = openPgDatabase({
      connection: { url: ledgerUrl() },
      schema: 'public',
      description: 'test',
      max_connections: 2,
      connect_timeout_ms: 5_000,
      answer_timeout_ms: 1_000,
    })
    const stalled = database.transaction(async (sql) => {
      await sql.query('SELECT pg_advisory_xact_lock(1)')
      await sleep(3_000)
      await sql.query('SELECT 1')
    })
    const refused = expect(stalled).rejects.toMatchObject({ code: 'ledger_unavailable' })
    await sleep(500)
    const began = performance.now()
    await database.transaction((sql) => sql.query('SELECT pg_advisory_xact_lock(1)'))
    expect(performance.now() - began).toBeGreaterThan(100)
    await refused
  })

  it('with its server killed: the command says so, and what was served is served after it', async () => {
    await deliver(1, 10)
    {
      await using app = await open(ledgerUrl())
      await load(app)
    }
    await deliver(1, 200_000)
    const child = spawn(bin, ['load'], {
      cwd: dir,
      env: { ...process.env, LEDGER_URL: ledgerUrl() },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
    })
    const ended = once(child, 'exit')
    const staging = join(dir, '.bucketline/staging')
    while ((await readdir(staging).catch(() => [])).length === 0 && child.exitCode === null)
      await sleep(5)
    // As a crash ends it: nothing is written any more.
    process.kill(server.pid, 'SIGQUIT')
    expect((await ended)[0]).toBe(1)
    expect(said).toMatch(/error\[ledger_unavailable\]: .*PostgreSQL at 127/)
    expect(said).toMatch(/\nhint: Check that its server runs/)
    const pid = await restart()
    try {
      await using app = await open(ledgerUrl())
      expect(await count(app)).toBe(10)
      await expectClean(200_000)
    } finally {
      await stopProcess(pid)
    }
  })
})

/** Starts the killed server again on its folder and port; its process id. */
async function restart(): Promise<number> {
  const binary = SERVER_KINDS.postgresql.installed()
  if (binary === undefined) throw new Error('PostgreSQL is not installed')
  const data = join(server.folder, 'data')
  const { port } = new URL(server.settings.url)
  const options = `-p ${port} -k ${server.folder} -c listen_addresses=127.0.0.1 -c fsync=off`
  const start = [
    join(binary, '../pg_ctl'),
    ...['-D', data, '-w', '-t', '30', '-l', join(server.folder, 'log'), '-o', options, 'start'],
  ]
  const as = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : []
  const [program = '', ...words] = [...as, ...start]
  execFileSync(program, words, { cwd: server.folder, stdio: 'ignore' })
  return Number((await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0])
}
