import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { stringify } from 'yaml'
import { openLocal } from '../../src/store/local.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { type Outcome, outcomeOf } from './crash-outcome.ts'
import { phaseOf } from './crash-phase.ts'
import { CRASH_FEEDS, deliverFirst, deliverSecond } from './crash-workload.ts'

/** Data directories in which the command line loads, is killed, and loads again. */

const bin = join(import.meta.dirname, '../../bin/bucketline')
const START = Date.parse('2023-01-06T06:00:00Z')
/** Time between two runs in one data directory: longer than a lease, so that what a killed load claimed is free. */
const BETWEEN_RUNS_MS = 120_000

/** Where deliveries lie: an opened store, and the settings of a configuration that name it. */
export interface RigStore {
  readonly store: ObjectStore
  readonly settings: Readonly<Record<string, unknown>>
}

export interface RigOptions {
  /** Without it a folder. */
  readonly openStore?: () => Promise<RigStore>
  /** URL of a PostgreSQL server's own database; without it PGlite in the data directory. */
  readonly postgres_url?: string
}

/** What is there before the loads that are killed: a served generation of everything, or no data directory. */
export type StartingPoint = 'served' | 'nothing'

export type Rig = Awaited<ReturnType<typeof openRig>>
export type Trial = Awaited<ReturnType<Rig['trial']>>

/** Deliveries in two parts, the first one loaded, and what one clean run makes of the rest from each starting point. */
export async function openRig(options: RigOptions) {
  await using opened = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'crash-'))
  opened.defer(() => rm(root, { recursive: true, force: true }))
  const inbox = (await options.openStore?.()) ?? (await openInbox(join(root, 'inbox')))
  opened.use(inbox.store)
  const databases =
    options.postgres_url === undefined ? undefined : new Databases(options.postgres_url)
  const config = stringify({
    ...(databases === undefined ? {} : { ledger: { url: { env: 'LEDGER_URL' } } }),
    threads: 2,
    memory_limit: '256MB',
    stores: { inbox: inbox.settings },
    feeds: Object.fromEntries(
      Object.entries(CRASH_FEEDS).map(([name, settings]) => [
        name,
        { store: 'inbox', prefix: `${name}/`, ...settings },
      ]),
    ),
  })
  let trials = 0

  const trial = async (from: StartingPoint | 'template') => {
    trials += 1
    const name = from === 'template' ? from : `trial${trials}`
    const dir = join(root, name)
    await mkdir(dir)
    await writeFile(join(dir, 'bucketline.yaml'), config)
    const data_dir = join(dir, '.bucketline')
    const template = join(root, 'template/.bucketline')
    const filter = (path: string) => !path.includes('.s.PGSQL')
    if (from === 'served') await cp(template, data_dir, { recursive: true, filter })
    const ledger_url = await databases?.create(name, from === 'served' ? 'template' : undefined)
    let runs = from === 'served' ? 1 : 0
    let killed_pid = 0
    const env = () => {
      const BUCKETLINE_NOW = new Date(START + runs * BETWEEN_RUNS_MS).toISOString()
      return { ...process.env, BUCKETLINE_NOW, LEDGER_URL: ledger_url }
    }
    return {
      dir,
      data_dir,
      ledger_url,
      /** Runs a load to its end; its time in milliseconds. */
      async load(): Promise<number> {
        const before = performance.now()
        const { stdout, code, signal } = await run(['load', '--json'], { cwd: dir, env: env() })
        const { error } = JSON.parse(stdout || '{}')
        // Partitions are refused, which is exit code 1 and no error.
        if (error !== undefined || signal !== null || (code !== 0 && code !== 1))
          throw new Error(`the load ended with ${signal ?? code}: ${JSON.stringify(error)}`)
        runs += 1
        return performance.now() - before
      },
      /** Runs a load that is killed after some milliseconds, or kills itself at a step; false: it ended before that. */
      async kill(at: { readonly ms: number } | { readonly step: string }): Promise<boolean> {
        const { signal, pid } = await run(['load', '--json'], {
          cwd: dir,
          env: 'step' in at ? { ...env(), BUCKETLINE_CRASH_AT: at.step } : env(),
          ...('ms' in at ? { kill_after_ms: at.ms } : {}),
        })
        runs += 1
        if (signal !== 'SIGKILL') return false
        killed_pid = pid
        await untilNothingRuns(dir)
        if (await answers(join(data_dir, '.s.PGSQL.5432')))
          throw new Error('the ledger of a killed load still answers')
        return true
      },
      /** Where the load killed last was, by what it left on disk. */
      phase: () => phaseOf(data_dir, killed_pid),
      /** Sweeps, and reads all that the data directory and the ledger hold. */
      outcome: () => outcomeOf({ dir, env: env() }),
      async remove() {
        await rm(dir, { recursive: true })
        await databases?.drop(name)
      },
    }
  }

  await deliverFirst(inbox.store)
  const template = await trial('template')
  await template.load()
  const first = await template.outcome()
  await deliverSecond(inbox.store)
  const clean = async (from: StartingPoint) => {
    const one = await trial(from)
    const ms = await one.load()
    const outcome = await one.outcome()
    await one.remove()
    return { ms, outcome }
  }
  const open = opened.move()
  const clean_runs = new Map<StartingPoint, ReturnType<typeof clean>>()

  return {
    trial: (from: StartingPoint) => trial(from),
    /** What was served before the second deliveries. */
    first,
    /** One run that is never killed: its time in milliseconds, and what it leaves. */
    clean(from: StartingPoint): Promise<{ readonly ms: number; readonly outcome: Outcome }> {
      const known = clean_runs.get(from) ?? clean(from)
      clean_runs.set(from, known)
      return known
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

async function openInbox(path: string): Promise<RigStore> {
  await mkdir(path)
  return { store: await openLocal(path), settings: { type: 'local', path } }
}

/** Databases of a PostgreSQL server, one a trial, copied from the template's. */
export class Databases {
  readonly #url: string
  readonly #prefix = `crash${process.pid}x${Date.now()}`

  constructor(url: string) {
    this.#url = url
  }

  async create(name: string, from: string | undefined): Promise<string> {
    const database = `${this.#prefix}_${name}`
    const template = from === undefined ? '' : ` TEMPLATE ${this.#prefix}_${from}`
    await this.#run(`CREATE DATABASE ${database}${template}`)
    const url = new URL(this.#url)
    url.pathname = `/${database}`
    return url.href
  }

  drop(name: string): Promise<void> {
    return this.#run(`DROP DATABASE ${this.#prefix}_${name} WITH (FORCE)`)
  }

  async #run(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.#url })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
}

interface RunOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly kill_after_ms?: number
}

/** Runs the executable; SIGKILL goes to the process alone, as the kernel's would when memory is short. */
function run(args: readonly string[], options: RunOptions) {
  return new Promise<{ stdout: string; code: number | null; signal: string | null; pid: number }>(
    (resolve, reject) => {
      const { cwd, env, kill_after_ms } = options
      const child = spawn(bin, args, { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
      const timer =
        kill_after_ms === undefined
          ? undefined
          : setTimeout(() => child.kill('SIGKILL'), kill_after_ms)
      let stdout = ''
      child.stdout.on('data', (chunk) => {
        stdout += chunk
      })
      child.on('error', reject)
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        resolve({ stdout, code, signal, pid: child.pid ?? 0 })
      })
    },
  )
}

/** Fails when a process that works in the folder outlives the one that was killed. */
export async function untilNothingRuns(dir: string): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const left = await processesIn(dir)
    if (left.length === 0) return
    await delay(50)
  }
  throw new Error(`processes outlive the killed load: ${(await processesIn(dir)).join(', ')}`)
}

/** Command lines of the processes whose working directory is the folder; none where the system has no /proc. */
async function processesIn(dir: string): Promise<string[]> {
  const found: string[] = []
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    try {
      if ((await readlink(`/proc/${pid}/cwd`)) !== dir) continue
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      // One that has ended and waits for its parent has no command line.
      if (command !== '') found.push(`${pid} ${command.replaceAll('\0', ' ')}`)
    } catch {
      // It ended meanwhile, or is another user's.
    }
  }
  return found
}

/** Whether somebody listens on a Unix socket. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
