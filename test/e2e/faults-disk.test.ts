import { execFileSync, spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'

/** Disks that are full or read-only at the worst moments: said by name, and what was served is served. */

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

let folder: string
let disk: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bucketline-disk-'))
  disk = join(folder, 'disk')
  await mkdir(disk)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function configure(): Promise<void> {
  await writeFile(
    join(folder, 'rows.odcs.yaml'),
    stringify({
      ...{ apiVersion: 'v3.2.0', kind: 'DataContract', id: 'rows', version: '1.0.0' },
      status: 'active',
      schema: [
        {
          name: 'rows',
          properties: [
            { name: 'id', logicalType: 'integer', required: true },
            { name: 'txt', logicalType: 'string' },
          ],
        },
      ],
    }),
  )
  await writeFile(
    join(folder, 'bucketline.yaml'),
    stringify({
      threads: 2,
      data_dir: 'disk',
      stores: { in: { type: 'local', path: 'in' } },
      feeds: {
        rows: {
          ...{ store: 'in', contract: 'rows.odcs.yaml', format: { type: 'jsonl' } },
          layout: 'dt={yyyy}-{MM}-{dd}/{file}',
        },
      },
    }),
  )
}

/** Rows that do not compress. */
async function deliver(day: number, rows: number): Promise<void> {
  const path = join(folder, `in/dt=2023-01-0${day}`)
  await mkdir(path, { recursive: true })
  const noise = () => Math.random().toString(36).repeat(4)
  const lines = Array.from({ length: rows }, (_, id) => `{"id":${id},"txt":"${noise()}"}\n`)
  await rm(join(path, 'a'), { force: true })
  await writeFile(join(path, 'a'), lines.join(''))
}

const open = () =>
  openApp({
    config_file: 'bucketline.yaml',
    cwd: folder,
    env: {},
    command: 'test',
    signal: new AbortController().signal,
  })
type App = Awaited<ReturnType<typeof open>>

/** Runs `load`; `atStep` is called when a load has reached a step. */
async function load(app: App, atStep: (step: string) => void = () => undefined) {
  const records = []
  const observe = (event: { readonly type: string; readonly step?: string }) =>
    atStep(event.step ?? event.type)
  const run = { watch: false, signal: new AbortController().signal, observe }
  const selection = { feeds: [], all: false, force: false, replay: false }
  for await (const record of app.load(selection, run)) records.push(record)
  return records
}

const count = async (app: App) =>
  Number((await app.query('SELECT count(*) FROM rows')).rows[0]?.[0])

/** Leaves so many bytes free. */
function fillUp(leave: number): void {
  const { bavail, bsize } = statfsSync(disk)
  const blocks = Math.max(0, Math.floor((bavail * bsize - leave) / 4_096))
  spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=4096', `count=${blocks}`])
}

const files = async (part: string) =>
  (await readdir(join(disk, part), { recursive: true })).filter((name) => /\.\w+$/.test(name))

/** What one clean run would have left. */
async function expectClean(rows: number): Promise<void> {
  await using app = await open()
  await load(app)
  expect(await count(app)).toBe(rows)
  expect(await load(app)).toEqual([])
  expect(await readdir(join(disk, 'staging'))).toEqual([])
  await app.sweep([])
  expect(await app.sweep([])).toMatchObject([{ files: 0 }])
}

/** Mounting takes root, and a system that lets root do it. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
}

// Skipped where nothing can be mounted: only a file system of its own can be full or read-only without harm.
describe.skipIf(!canMount())('a disk of its own', () => {
  beforeEach(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk])
    await configure()
  })
  afterEach(() => {
    execFileSync('umount', ['-l', disk])
  })

  // A generation whose files are written may find room for its few rows in the ledger.
  it.each([
    ['fetching', 'started', 1_000_000, /^(disk_full|data_dir_unwritable)$/],
    ['staging', 'validate', 500_000, /^(disk_full|data_dir_unwritable)$/],
    ['publishing', 'publish', 0, /^(disk_full|data_dir_unwritable|published)$/],
  ])('full while %s', async (_, step, leave, outcomes) => {
    await deliver(1, 100)
    let outcome = ''
    {
      await using app = await open()
      await load(app)
      await deliver(1, 60_000)
      let filled = false
      const loads = load(app, (reached) => {
        if (reached !== step || filled) return
        filled = true
        fillUp(leave)
      })
      outcome = await loads.then(
        ([record]) => record?.code ?? record?.state ?? 'nothing',
        (error: { code: string }) => error.code,
      )
      expect([filled, outcome]).toEqual([true, expect.stringMatching(outcomes)])
      await rm(join(disk, 'filler'), { force: true })
    }
    {
      await using app = await open()
      expect(await count(app)).toBe(outcome === 'published' ? 60_000 : 100)
    }
    await expectClean(60_000)
  })

  it('read-only: said before anything is done', async () => {
    await deliver(1, 100)
    const remount = (how: 'ro' | 'rw') => execFileSync('mount', ['-o', `remount,${how}`, disk])
    {
      await using app = await open()
      await load(app)
    }
    await deliver(1, 2_000)
    remount('ro')
    const { status, stderr } = spawnSync(launcher, ['load'], { cwd: folder, encoding: 'utf8' })
    expect(stderr).toMatch(
      /error\[data_dir_unwritable\]: The data directory .*disk cannot be written/,
    )
    expect(stderr).toMatch(/hint: .*make the folder writable/)
    expect(status).toBe(1)
    remount('rw')
    {
      await using app = await open()
      expect(await count(app)).toBe(100)
    }
    await expectClean(2_000)
  })
})

const AS_NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', launcher]

/** Root may write everywhere, so it needs a user who may not, and who can run the command. */
function canBeRefused(): boolean {
  if (process.getuid?.() !== 0) return true
  const [program = '', ...words] = AS_NOBODY
  return spawnSync(program, [...words, '--version'], { cwd: '/' }).status === 0
}

// Skipped where the clone lies in a folder that only root can look into.
describe.skipIf(!canBeRefused())('a data directory of another user', () => {
  it('is refused by name, and works again when it is one’s own', async () => {
    await configure()
    await deliver(1, 10)
    {
      await using app = await open()
      await load(app)
    }
    const [program = '', ...words] = process.getuid?.() === 0 ? AS_NOBODY : [launcher]
    await chmod(folder, 0o755)
    await chmod(disk, 0o555)
    const { status, stderr } = spawnSync(program, [...words, 'load'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, HOME: folder },
    })
    expect(stderr).toMatch(
      /error\[data_dir_unwritable\]: The data directory .*disk cannot be written/,
    )
    expect(stderr).toMatch(/\nhint: .*writable/)
    expect(status).toBe(1)
    await chmod(disk, 0o755)
    await using app = await open()
    expect(await count(app)).toBe(10)
    expect(await files('datasets')).toHaveLength(1)
  })
})
