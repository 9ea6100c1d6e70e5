import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { statfsSync } from 'node:fs'
import { appendFile, cp, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'

/** What partners, disks and people do to a loader, from outside. */

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

/** An empty ledger, made once: making one takes seconds. */
let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'bucketline-empty-'))
  await writeFile(join(empty, 'bucketline.yaml'), 'data_dir: d\nstores: {}\nfeeds: {}\n')
  const { status } = spawnSync(launcher, ['load'], { cwd: empty })
  if (status !== 0) throw new Error('no empty ledger could be made')
})
afterAll(() => rm(empty, { recursive: true, force: true }))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-faults-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const CONTRACT = `apiVersion: v3.2.0
kind: DataContract
id: jl
version: 1.0.0
status: active
schema:
  - name: jl
    properties:
      - { name: id, logicalType: integer, required: true }
      - { name: txt, logicalType: string }
`
const FEED = {
  store: 'in',
  prefix: 'jl',
  contract: 'jl.odcs.yaml',
  layout: 'dt={yyyy}-{MM}-{dd}/{file}',
  format: { type: 'jsonl' },
  columns: 'evolve',
  max_rejected_percent: 100,
}

/** Writes a configuration with one feed of JSON lines, `jl`, and what is given. */
async function configure(
  settings: { data_dir?: string; memory_limit?: string } = {},
): Promise<void> {
  await mkdir(join(folder, 'in/jl'), { recursive: true })
  await writeFile(join(folder, 'jl.odcs.yaml'), CONTRACT)
  await writeFile(
    join(folder, 'bucketline.yaml'),
    stringify({
      threads: 2,
      ...settings,
      stores: { in: { type: 'local', path: 'in' } },
      feeds: { jl: FEED },
    }),
  )
  await cp(join(empty, 'd/ledger'), resolve(folder, settings.data_dir ?? '.bucketline', 'ledger'), {
    recursive: true,
  })
}

async function deliver(key: string, content: string): Promise<string> {
  const path = join(folder, 'in/jl', key)
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, content)
  return path
}

type App = Awaited<ReturnType<typeof openApp>>

const open = (): Promise<App> =>
  openApp({
    config_file: 'bucketline.yaml',
    cwd: folder,
    env: {},
    command: 'test',
    signal: new AbortController().signal,
  })

const ALL = { feeds: [], all: false, force: false, replay: false }

async function load(app: App, onStart?: () => Promise<void>) {
  const records = []
  let started: Promise<void> | undefined
  const run = {
    watch: false,
    signal: new AbortController().signal,
    observe: ({ type }: { readonly type: string }) => {
      if (type === 'started') started = onStart?.()
    },
  }
  for await (const record of app.load(ALL, run)) records.push(record)
  await started
  return records
}

const count = async (app: App) => Number((await app.query('SELECT count(*) FROM jl')).rows[0]?.[0])

function bucketline(...words: readonly string[]) {
  const { stdout, stderr, status } = spawnSync(launcher, words, { cwd: folder, encoding: 'utf8' })
  return { stdout, stderr, status }
}

describe('names from hell', () => {
  it('objects and fields keep theirs', async () => {
    const files = [
      'a b',
      'ü漢',
      'p+q&r%s#t?',
      "it's",
      'dq"',
      'x;--',
      'b\\slash',
      '*[1]{a}',
      '$(x)',
      'tab\t',
      'line\nbreak',
      '-dash',
      '%41',
      'dt=2023-01-02',
    ]
    const fields = [
      'select',
      'a"b',
      '$.x',
      "it's",
      'a.b',
      '; drop table x; --',
      'a/b',
      'a~b',
      "'",
      '"',
      '*',
      'a[0]',
      'a b',
      ' lead',
      'trail ',
      'ünï',
      '\n',
      '_obj',
      '_bucketline_p0',
      '_bucketline_v0',
      'filename',
      'file_row_number',
      '__proto__',
      'constructor',
      'toString',
    ]
    await configure()
    for (const [at, name] of files.entries()) {
      // As text: an object's own `__proto__` would set its prototype.
      const values = fields.map((field) => `${JSON.stringify(field)}:${at}`).join()
      await deliver(`dt=2023-01-01/${name}`, `{"id":${at},${values}}\n`)
    }
    await deliver('dt=2023-01-02/reserved', '{"id":99,"_row":5,"_object":"o","_rescued":9}\n')
    await using app = await open()
    expect(await load(app)).toMatchObject([
      { state: 'published', rows_read: files.length, rows_published: files.length },
      { state: 'published', rows_read: 1, rows_published: 1 },
    ])
    const { columns, rows } = await app.query('SELECT * FROM jl ORDER BY id')
    const cell = (row: number, name: string) =>
      rows[row]?.[columns.findIndex((c) => c.name === name)]
    for (const [at, name] of files.entries()) {
      expect(cell(at, '_object')).toBe(`jl/dt=2023-01-01/${name}`)
      expect(fields.map((field) => [field, cell(at, field)])).toEqual(
        fields.map((field) => [field, at]),
      )
    }
    expect(cell(files.length, '_row')).toBe(1)
    expect(JSON.parse(String(cell(files.length, '_rescued')))).toEqual({
      _object: 'o',
      _row: 5,
      _rescued: 9,
    })
  })

  it('a thousand new fields are a thousand columns and one readable note', async () => {
    await configure()
    await deliver('dt=2023-01-01/a', '{"id":1}\n')
    const fields = Array.from({ length: 1000 }, (_, at) => `,"f${at}":${at}`).join('')
    await deliver('dt=2023-01-02/a', `{"id":2${fields}}\n`)
    await using app = await open()
    const [, record] = await load(app)
    expect(record).toMatchObject({ state: 'published', rows_published: 1 })
    const [note] = record?.notes ?? []
    expect(note).toMatchObject({ code: 'new_columns', count: 1000 })
    expect(note?.message).toMatch(/^new fields became columns: f0 \(DOUBLE\), .* and 980 more$/)
    const { rows } = await app.query('SELECT f0, f999 FROM jl WHERE id = 2')
    expect(rows).toEqual([[0, 999]])
  })

  it.each([
    `it's "q" ; $(x)/dt=2023-01-01/a*b[1]?%41#\\ü`,
    `${'long'.repeat(45)}/${'deep'.repeat(20)}`,
  ])('a data directory may be called %s', async (name) => {
    await configure({ data_dir: join(folder, name) })
    await deliver('dt=2023-01-01/a', '{"id":1}\n{"id":"x"}\n')
    await using app = await open()
    expect(await load(app)).toMatchObject([{ state: 'published', rejected: 1 }])
    // A second one, over the socket, whose path may be too long for the system.
    await using reader = await open()
    expect(await count(reader)).toBe(1)
  })
})

describe('memory', () => {
  // DuckDB's reader takes 32 MB a thread, and twice the longest row it is told of.
  it('suffices for refused rows as for others', async () => {
    await configure({ memory_limit: '128MB' })
    const lines = Array.from(
      { length: 20_000 },
      (_, id) => `{"id":${id},"txt":"${'x'.repeat(50)}"}`,
    )
    lines[10] = '{"id":"ten"}'
    lines[20] = '{"id":20,}'
    await deliver('dt=2023-01-01/a', `${lines.join('\n')}\n`)
    await using app = await open()
    expect(await load(app)).toMatchObject([
      { state: 'published', rows_published: 19_998, rejected: 2 },
    ])
  })
})

describe('a store that moves', () => {
  it('gives an object whole or not at all while it is rewritten and grows', async () => {
    await configure()
    const line = (id: number) => `{"id":${id},"txt":"${'x'.repeat(60)}"}\n`
    const whole = Array.from({ length: 3000 }, (_, id) => line(id)).join('')
    const path = await deliver('dt=2023-01-01/a', '')
    let writing = true
    const writer = (async () => {
      while (writing) {
        await writeFile(path, '')
        for (let at = 0; at < 3000 && writing; at += 300) {
          await appendFile(path, whole.slice(at * line(0).length, (at + 300) * line(0).length))
          await sleep(3)
        }
      }
      await writeFile(path, whole)
    })()
    await using app = await open()
    const outcomes = []
    for (let run = 0; run < 5; run += 1) outcomes.push(...(await load(app)))
    writing = false
    await writer
    for (const { state, code, rows_read, rows_published, rejected } of outcomes)
      if (state === 'published') expect(rows_read).toBe(rows_published + rejected)
      else expect(['object_changed', 'no_valid_objects']).toContain(code)
    await load(app)
    expect(await count(app)).toBe(3000)
    expect(await readdir(join(folder, '.bucketline/staging'))).toEqual([])
  })

  it('serves on what it had when the feed’s folder, or all of the store, has gone', async () => {
    await configure()
    await deliver('dt=2023-01-01/a', '{"id":1}\n')
    await using app = await open()
    await load(app)
    await rename(join(folder, 'in/jl'), join(folder, 'gone'))
    await load(app)
    expect(await count(app)).toBe(1)
    await rename(join(folder, 'in'), join(folder, 'out'))
    await expect(load(app)).rejects.toMatchObject({ code: 'store_not_found' })
    expect(await count(app)).toBe(1)
  })

  it('says of an empty object that it is one, and loads the others', async () => {
    await configure()
    await deliver('dt=2023-01-01/a', '')
    await deliver('dt=2023-01-01/b', '{"id":1}\n')
    await using app = await open()
    const [record] = await load(app)
    expect(record).toMatchObject({ state: 'published', rows_published: 1 })
    expect(record?.object_outcomes).toMatchObject([
      { state: 'refused', code: 'empty_object' },
      { state: 'loaded' },
    ])
  })
})

describe('a data directory that was damaged', () => {
  it('says which: the ledger or a dataset', async () => {
    await configure()
    await deliver('dt=2023-01-01/a', '{"id":1}\n')
    {
      await using app = await open()
      await load(app)
      await rm(join(folder, '.bucketline/datasets/jl/2023-01-01'), { recursive: true })
      await expect(count(app)).rejects.toMatchObject({ code: 'dataset_damaged' })
    }
    const ledger = join(folder, '.bucketline/ledger')
    await writeFile(join(ledger, 'global/pg_control'), 'not a control file')
    const broken = bucketline('status')
    expect(broken.status).toBe(1)
    expect(broken.stderr).toMatch(/^error\[ledger_damaged\]: The ledger in .*\nhint: .*backup/)
    for (const name of await readdir(ledger)) await rm(join(ledger, name), { recursive: true })
    // An emptied folder is no new ledger: it would load everything again, and sweep what is served.
    expect(bucketline('load').stderr).toMatch(/^error\[ledger_damaged\]: /)
    // Neither is one that is gone while its datasets are there.
    await rm(ledger, { recursive: true })
    expect(bucketline('load').stderr).toMatch(/^error\[ledger_damaged\]: .* gone/)
  })
})

describe('a query', () => {
  it('finds datasets however they are named in it', async () => {
    await configure()
    await deliver('dt=2023-01-01/a', '{"id":1,"txt":"x"}\n')
    await using app = await open()
    await load(app)
    for (const sql of [
      'SELECT id FROM JL',
      'SELECT id FROM "jl";',
      "SELECT COLUMNS(c -> c = 'id') FROM jl",
      'WITH x AS (FROM jl) SELECT id FROM x',
      'SELECT (SELECT max(id) FROM jl)',
    ])
      expect([sql, (await app.query(sql)).rows]).toEqual([sql, [[1]]])
    for (const sql of [
      '',
      ' ; ',
      'SELECT 1; SELECT 2',
      'DROP TABLE jl',
      "SELECT * FROM '/etc/passwd'",
    ])
      await expect(app.query(sql)).rejects.toMatchObject({ code: 'query_invalid' })
  })
})

describe('a load that is killed', () => {
  it('at any instant, and run again, has loaded everything once', async () => {
    await configure()
    const lines = Array.from({ length: 20_000 }, (_, id) => `{"id":${id}}\n`).join('')
    for (const day of ['01', '02', '03']) await deliver(`dt=2023-01-${day}/a`, lines)
    const staging = join(folder, '.bucketline/staging')
    await mkdir(staging, { recursive: true })
    const instants = Array.from({ length: 4 }, () => Math.round(Math.random() * 700))
    for (const instant of instants) {
      const child = spawn(launcher, ['load'], { cwd: folder, stdio: 'ignore' })
      const ended = once(child, 'exit')
      while ((await readdir(staging)).length === 0 && child.exitCode === null) await sleep(5)
      await sleep(instant)
      child.kill('SIGKILL')
      await ended
    }
    const { stderr, status } = bucketline('load', '--json')
    expect([instants, stderr, status]).toEqual([instants, '', 0])
    await using app = await open()
    const { rows } = await app.query(
      'SELECT count(*), count(DISTINCT (_object, _row)), count(DISTINCT id) FROM jl',
    )
    expect([instants, rows]).toEqual([instants, [[60_000, 60_000, 20_000]]])
    const { partitions } = await app.status({ feeds: [] })
    expect(partitions).toMatchObject(
      Array.from({ length: 3 }, () => ({ state: 'published', generation: 1, rows: 20_000 })),
    )
    expect(await readdir(staging)).toEqual([])
    const files = await readdir(join(folder, '.bucketline/datasets'), { recursive: true })
    expect(files.filter((name) => name.endsWith('.parquet'))).toHaveLength(3)
    expect(await app.sweep([])).toMatchObject([{ files: 0 }])
  })
})

/** Mounting takes root, and a system that lets root do it. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'])
  return probe.status === 0
}

// Skipped where nothing can be mounted: only a file system of its own can be full without harm.
describe.skipIf(!canMount())('a full disk', () => {
  it('ends the load with its reason, and leaves what is served', async () => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=110m', 'tmpfs', disk])
    try {
      await configure({ data_dir: disk })
      await deliver('dt=2023-01-01/a', '{"id":1}\n')
      {
        await using app = await open()
        await load(app)
        const noise = () => Math.random().toString(36).repeat(4)
        const lines = Array.from({ length: 60_000 }, (_, id) => `{"id":${id},"txt":"${noise()}"}\n`)
        await deliver('dt=2023-01-02/a', lines.join(''))
        const { bavail, bsize } = statfsSync(disk)
        await writeFile(join(disk, 'filler'), Buffer.alloc(bavail * bsize - 3_000_000))
        expect(await load(app)).toMatchObject([{ state: 'failed', code: 'disk_full' }])
        expect(await readdir(join(disk, 'staging'))).toEqual([])
        expect(await count(app)).toBe(1)
        await rm(join(disk, 'filler'))
        expect(await load(app)).toMatchObject([{ state: 'published' }])
        expect(await count(app)).toBe(60_001)
      }
      // A new ledger finds no room at all.
      for (const part of ['ledger', 'datasets']) await rm(join(disk, part), { recursive: true })
      const { bavail, bsize } = statfsSync(disk)
      await writeFile(join(disk, 'filler'), Buffer.alloc(bavail * bsize - 8_000_000))
      await expect(open().then((app) => app.status({ feeds: [] }))).rejects.toMatchObject({
        code: 'data_dir_unwritable',
        message: expect.stringMatching(/only \d+ MB are free/),
      })
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})
