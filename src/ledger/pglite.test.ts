import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Holder, readHolder } from './data-dir-lock.ts'
import type { ObjectSeen } from './ledger.ts'
import { type EmbeddedLedgerOptions, openEmbeddedLedger } from './pglite.ts'

/** The data directory between processes: real ones, killed for real. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** Making a database takes seconds, copying one does not. */
let made: string
let data_dir: string
const children: ChildProcess[] = []

beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'ledger-'))
  await (await open({ data_dir: made }))[Symbol.asyncDispose]()
})
afterAll(() => {
  rmSync(made, { recursive: true, force: true })
})
beforeEach(() => {
  data_dir = mkdtempSync(join(tmpdir(), 'ledger-'))
  cpSync(join(made, 'ledger'), join(data_dir, 'ledger'), { recursive: true })
})
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child)
  rmSync(data_dir, { recursive: true, force: true })
})

const open = (more: Partial<EmbeddedLedgerOptions> = {}) =>
  openEmbeddedLedger({ data_dir, role: 'loader', command: 'this test', now: new Date(), ...more })

/** Runs a module in another process with `ledger` open in it; `lines` are what it prints. */
function run(role: 'loader' | 'reader', body: string) {
  const source = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { openEmbeddedLedger } from ${JSON.stringify(new URL('./pglite.ts', import.meta.url).href)}
    const say = (line) => process.stdout.write(line + '\\n')
    say('started')
    const now = new Date()
    const object = (key) => ({ key, version: '1', size: 1, modified_at: now, role: 'data' })
    const ledger = await openEmbeddedLedger({
      data_dir: ${JSON.stringify(data_dir)}, role: ${JSON.stringify(role)}, command: 'the other', now })
    say('open')
    ${body}`
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', source],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  const line = async (wanted: string) => {
    while (!lines.includes(wanted)) {
      if (ended(child)) throw new Error(`The other process ended: ${lines.join(' | ')}`)
      await sleep(5)
    }
  }
  return { child, lines, line, pid: child.pid as number }
}

const ended = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

async function kill(child: ChildProcess): Promise<void> {
  if (ended(child)) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const object = (key: string): ObjectSeen => ({
  key,
  version: '1',
  size: 1,
  modified_at: new Date(0),
  role: 'data',
})
const names = (count: number) =>
  Array.from({ length: count }, (_, index) => String(index).padStart(4, '0'))

describe('two processes on one data directory', () => {
  test('a second loader is told who holds it, and a reader reads meanwhile', async () => {
    const other = run(
      'loader',
      `await ledger.observe('f', [{ partition: 'p', objects: [object('a')], complete: true }], [], now)
       await ledger.beginLoad({ feed: 'f', partition: 'p', reason: 'first', objects: [object('a')],
         contract_hash: '', settings_hash: '', holder: 'h', lease_ms: 60000, exclusive_feed: false, now })
       say('loading')
       await sleep(60000)`,
    )
    await other.line('loading')
    await expect(open()).rejects.toMatchObject({
      code: 'data_dir_locked',
      retryable: true,
      message: expect.stringMatching(
        new RegExp(`process ${other.pid} on ${hostname()} \\(the other\\) since 20\\d\\d-`),
      ),
      details: { holder: { pid: other.pid, role: 'loader', command: 'the other' } },
    })
    await using reader = await open({ role: 'reader' })
    expect((await reader.partitions('f')).map(({ state }) => state)).toEqual(['loading'])

    // The holder dies: the reader goes on by itself, and the lock is free at once.
    await kill(other.child)
    expect((await reader.partitions('f')).map(({ state }) => state)).toEqual(['loading'])
    await reader[Symbol.asyncDispose]()
    await using loader = await open({ wait_ms: 0 })
    const interrupted = await loader.recover(new Date(), true)
    expect(interrupted).toEqual((await loader.loads({ feed: 'f' })).map(({ load_id }) => load_id))
    expect((await loader.partitions('f')).map(({ state }) => state)).toEqual(['failed'])
  })

  test('transactions of many readers and the loader at the same time keep apart', async () => {
    await using loader = await open()
    const read = (feed: string) => `
      for (let round = 0; round < 150; round++) {
        const found = await ledger.partitions(${JSON.stringify(feed)})
        if (found.some((one) => one.feed !== ${JSON.stringify(feed)})) throw new Error('another feed')
        const objects = await ledger.objects(${JSON.stringify(feed)}, ['p'])
        if (objects.some((one) => one.key !== ${JSON.stringify(feed)})) throw new Error('another object')
      }
      say('right')
      await ledger[Symbol.asyncDispose]()`
    for (const feed of ['f', 'g']) {
      await loader.observe(
        feed,
        [{ partition: 'p', objects: [object(feed)], complete: true }],
        [],
        new Date(),
      )
    }
    const readers = ['f', 'g', 'f'].map((feed) => run('reader', read(feed)))
    let done = false
    const all = Promise.all(readers.map((reader) => reader.line('right'))).finally(() => {
      done = true
    })
    for (let round = 0; !done; round++) {
      await loader.ensureColumns(
        'h',
        [{ name: `c${round % 50}`, type: 'T', nested: [], semantic: 'column' }],
        new Date(),
      )
      expect((await loader.partitions('f')).map(({ feed }) => feed)).toEqual(['f'])
    }
    await all
    const ids = (await loader.columns('h')).map(({ field_id }) => field_id)
    expect(ids).toEqual(ids.map((_, index) => index + 1))
  })

  test('a client that is killed inside a transaction holds nobody up', async () => {
    await using loader = await open()
    const { socket } = readHolder(data_dir) as Holder & { socket: { dir: string; port: number } }
    const client = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import pg from ${JSON.stringify(import.meta.resolve('pg'))}
         const client = new pg.Client(${JSON.stringify({ host: socket.dir, port: socket.port, user: 'postgres' })})
         await client.connect()
         await client.query('BEGIN')
         await client.query("INSERT INTO bucketline.feeds (feed) VALUES ('never')")
         process.stdout.write('inside')
         setTimeout(() => {}, 60000)`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    children.push(client)
    await once(client.stdout, 'data')
    const waiting = loader.ensureColumns('never', [], new Date())
    expect(await Promise.race([waiting, sleep(200, 'waits')])).toBe('waits')
    await kill(client)
    expect(await waiting).toEqual([])
  })

  test('a loader waits for a reader that holds the directory, not for ever', async () => {
    const other = run(
      'reader',
      `await sleep(700)
       await ledger[Symbol.asyncDispose]()
       say('closed')`,
    )
    await other.line('open')
    expect(readHolder(data_dir)).toMatchObject({ role: 'reader', pid: other.pid })
    await expect(open({ wait_ms: 100 })).rejects.toMatchObject({ code: 'data_dir_locked' })
    await using loader = await open()
    await other.line('closed')
    expect(await loader.partitions('f')).toEqual([])
  })

  test('two ledgers of one process are kept apart too', async () => {
    await using loader = await open()
    await expect(open()).rejects.toMatchObject({ code: 'data_dir_locked' })
    await using reader = await open({ role: 'reader' })
    expect(await reader.partitions('f')).toEqual(await loader.partitions('f'))
  })
})

describe('a loader killed with SIGKILL', () => {
  test('loses nothing it was told is recorded', async () => {
    for (const delay of [0, 35, 110]) {
      const other = run(
        'loader',
        `const known = await ledger.partitions('f')
         for (let n = known.length; ; n++) {
           await ledger.observe('f', [{ partition: String(n).padStart(4, '0'),
             objects: [object('k' + n)], complete: true }], [], now)
           say(String(n))
         }`,
      )
      await other.line('open')
      while (other.lines.length < 4) await sleep(1)
      await sleep(delay)
      await kill(other.child)
      const recorded = Number(other.lines.at(-1)) + 1
      await using ledger = await open()
      const found = (await ledger.partitions('f')).map(({ partition }) => partition)
      // One more may have been committed without its answer having been printed.
      expect([recorded, recorded + 1]).toContain(found.length)
      expect(found).toEqual(names(found.length))
      expect(await ledger.objects('f', found)).toHaveLength(found.length)
    }
  })

  test('while it makes the ledger for the first time leaves a directory that opens', async () => {
    rmSync(join(data_dir, 'ledger'), { recursive: true })
    for (const delay of [100, 500, 1000]) {
      const other = run('loader', '')
      await other.line('started')
      await sleep(delay)
      await kill(other.child)
    }
    await using ledger = await open()
    expect(await ledger.partitions('f')).toEqual([])
  })
})

describe('a data directory', () => {
  test('is left without lock, holder and socket, and closing twice is closing once', async () => {
    const ledger = await open()
    expect(readdirSync(data_dir).sort()).toEqual(['.s.PGSQL.5432', 'holder.json', 'ledger', 'lock'])
    await ledger[Symbol.asyncDispose]()
    await ledger[Symbol.asyncDispose]()
    expect(readdirSync(data_dir).sort()).toEqual(['ledger', 'lock'])
  })

  test('with a path too long for a socket is served from the folder for temporary files', async () => {
    data_dir = join(data_dir, 'long'.repeat(30))
    await using ledger = await open()
    await using reader = await open({ role: 'reader' })
    expect(await reader.partitions('f')).toEqual(await ledger.partitions('f'))
    const { socket } = readHolder(data_dir) as Holder
    expect(socket?.dir.startsWith(tmpdir())).toBe(true)
    await reader[Symbol.asyncDispose]()
    await ledger[Symbol.asyncDispose]()
    expect(existsSync(socket?.dir as string)).toBe(false)
    data_dir = join(data_dir, '..')
  })

  test('that cannot be written is named', async () => {
    const file = join(data_dir, 'file')
    writeFileSync(file, '')
    for (const impossible of [join(file, 'x'), file, '/proc/bucketline']) {
      await expect(open({ data_dir: impossible })).rejects.toMatchObject({
        code: 'data_dir_unwritable',
        message: expect.stringContaining(impossible),
      })
    }
    // A ledger folder that holds something else is not silently taken for an empty one.
    const strange = join(data_dir, 'strange')
    mkdirSync(join(strange, 'ledger'), { recursive: true })
    writeFileSync(join(strange, 'ledger', 'PG_VERSION'), 'nonsense')
    await expect(open({ data_dir: strange })).rejects.toMatchObject({ code: 'ledger_damaged' })
    expect(existsSync(join(strange, 'holder.json'))).toBe(false)
  })

  test('of a newer program is refused, whoever asks', async () => {
    const first = await open()
    const { socket } = readHolder(data_dir) as Holder & { socket: { dir: string; port: number } }
    const client = new pg.Client({ host: socket.dir, port: socket.port, user: 'postgres' })
    await client.connect()
    await client.query(
      "INSERT INTO bucketline.schema_migrations (version, name) VALUES (9999, 'later')",
    )
    await client.end()
    const refusal = { code: 'ledger_newer', details: { ledger_version: 9999 } }
    await expect(open({ role: 'reader' })).rejects.toMatchObject(refusal)
    await first[Symbol.asyncDispose]()
    await expect(open()).rejects.toMatchObject(refusal)
    // Refused, it is free again.
    await expect(open({ role: 'reader' })).rejects.toMatchObject(refusal)
  })

  test('is named by what a killed holder left behind only until the next one takes it', async () => {
    const left = { pid: 1, host: hostname(), role: 'loader', command: 'x', started_at: 'long ago' }
    writeFileSync(join(data_dir, 'holder.json'), JSON.stringify(left))
    await using ledger = await open()
    const now = JSON.parse(readFileSync(join(data_dir, 'holder.json'), 'utf8'))
    expect(now).toMatchObject({ pid: process.pid, command: 'this test' })
    expect(ledger.description).toBe(`PGlite in ${data_dir}`)
  })
})
