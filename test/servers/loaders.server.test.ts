import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'
import { LOAD_STEPS } from '../../src/exchange/load/load.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { openLocal } from '../../src/store/local.ts'
import { type RunningServer, startServer } from './launch.ts'

/**
 * Loaders on one PostgreSQL ledger with one data folder, as on a shared disk: between them they load
 * everything once, also when one of them is killed or stalls for longer than its lease.
 */
const bin = join(import.meta.dirname, '../../bin/bucketline')
/** Rounds of each kind with a loader killed at a random instant. */
const ROUNDS = Number(process.env.BUCKETLINE_LOADER_ROUNDS ?? 1)
/** Of a load, which the others then take over; `cleaned` is after it was published. */
const STEPS = ROUNDS > 1 ? LOAD_STEPS : (['begun', 'moved'] as const)
/** A limit for what hangs. */
const ROUND_S = 120
/** Races until more than one loader has taken part. */
const TRIES = 3
const LEASE_S = 3
const HOURS = 24
const DAYS = 5

/** Steps at which a load holds a lease. */
const LEASED: readonly string[] = ['begun', 'fetched', 'checked', 'staged', 'moved']

let server: RunningServer
let root = ''
beforeAll(async () => {
  server = await startServer('postgresql')
  root = await mkdtemp(join(tmpdir(), 'loaders-'))
}, 60_000)
afterAll(async () => {
  await server.stop()
  await rm(root, { recursive: true, force: true })
})

interface Site {
  readonly dir: string
  readonly env: NodeJS.ProcessEnv
  readonly url: string
}

let sites = 0

/** Hours that many loaders can load at once, and profiles that one at a time can. */
async function openSite(): Promise<Site> {
  sites += 1
  const dir = join(root, `site${sites}`)
  await mkdir(join(dir, 'inbox'), { recursive: true })
  await using store = await openLocal(join(dir, 'inbox'))
  for (let hour = 0; hour < HOURS; hour += 1) {
    const HH = String(hour).padStart(2, '0')
    const row = (cnt: number) =>
      JSON.stringify({ timestamp: `2023-01-01T${HH}:10:00Z`, cnt, country: 'KR' })
    const lines = [row(hour), row(hour + 100), '{"bundle": ,}']
    await store.write(`auctions/y=2023/m=01/d=01/H=${HH}/a.gz`, gzipSync(lines.join('\n')))
  }
  for (let day = 1; day <= DAYS; day += 1) {
    const rows = Array.from({ length: 10 }, (_, i) => `${day * 5 + i},2023-01-0${day} 10:00:00,KR`)
    const text = `USER_ID,UPDATED_AT,Country\n${rows.join('\n')}\n`
    await store.write(`users/updated_at=2023-01-0${day}/a.csv`, new TextEncoder().encode(text))
  }
  await query(server.settings.url, `CREATE DATABASE site${sites}`)
  const url = new URL(server.settings.url)
  url.pathname = `/site${sites}`
  const config = {
    ledger: { url: { env: 'LEDGER_URL' }, lease: `${LEASE_S}s` },
    threads: 1,
    memory_limit: '256MB',
    stores: { inbox: { type: 'local', path: './inbox' } },
    feeds: {
      auctions: {
        store: 'inbox',
        prefix: 'auctions/',
        preset: 'metamarkets-rollup',
        max_rejected_percent: 50,
      },
      users: { store: 'inbox', prefix: 'users/', preset: 'toplyne-users' },
    },
  }
  await writeFile(join(dir, 'bucketline.yaml'), stringify(config))
  const env = { ...process.env, LEDGER_URL: url.href }
  // The ledger's tables are there before the race begins.
  await using _ = await openPostgresLedger({ url: url.href })
  return { dir, env, url: url.href }
}

/** A watching loader, as a deployment runs it. */
function startLoader({ dir, env }: Site, change: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(bin, ['load', '--watch', '--every-seconds', '1', '--json'], {
    cwd: dir,
    env: { ...env, ...change },
    stdio: 'ignore',
  })
}

const ended = (child: ChildProcess) =>
  new Promise<string | number | null>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null)
      return resolve(child.signalCode ?? child.exitCode)
    child.on('exit', (code, signal) => resolve(signal ?? code))
  })

async function stop(loaders: readonly ChildProcess[]): Promise<void> {
  for (const loader of loaders) loader.kill('SIGTERM')
  await Promise.all(loaders.map(ended))
}

async function loadsOf({ url }: Site) {
  await using ledger = await openPostgresLedger({ url })
  return await ledger.loads({})
}

/** Waits until every partition is published; what is not by then is lost. */
async function untilPublished(site: Site): Promise<void> {
  const deadline = Date.now() + ROUND_S * 1000
  for (;;) {
    const done = new Set(
      (await loadsOf(site))
        .filter((l) => l.state === 'published')
        .map((l) => `${l.feed} ${l.partition}`),
    )
    if (done.size === HOURS + DAYS) return
    if (Date.now() > deadline) throw new Error(`only ${done.size} partitions were published`)
    await delay(200)
  }
}

/** Each row once, each generation once; files are those the ledger names. */
async function expectOnce(site: Site): Promise<void> {
  const { dir, env } = site
  const { signal } = new AbortController()
  const config_file = 'bucketline.yaml'
  const app = await openApp({ config_file, cwd: dir, env, command: 'test', signal })
  const rows = async (sql: string) => (await app.query(sql)).rows
  const counts = await rows('SELECT cnt, count(*) FROM auctions GROUP BY cnt ORDER BY cnt')
  const wanted = Array.from({ length: HOURS }, (_, hour) => hour)
  expect(counts.map(([cnt, n]) => [Number(cnt), Number(n)])).toEqual(
    [...wanted, ...wanted.map((hour) => hour + 100)].map((cnt) => [cnt, 1]),
  )
  // Of each user the latest day: users of a day are five, of the last one ten.
  const users = await rows(
    `SELECT "USER_ID"::INT AS id, "UPDATED_AT"::DATE::VARCHAR FROM users ORDER BY id`,
  )
  expect(users).toEqual(
    Array.from({ length: DAYS * 5 + 5 }, (_, i) => {
      const day = Math.min(DAYS, 1 + Math.floor(i / 5))
      return [i + 5, `2023-01-0${day}`]
    }),
  )
  await app.sweep([])
  await app[Symbol.asyncDispose]()

  const loads = await loadsOf(site)
  const published = loads.filter((l) => l.state === 'published')
  expect(published).toHaveLength(HOURS + DAYS)
  expect(new Set(published.map((l) => `${l.feed} ${l.partition}`)).size).toBe(HOURS + DAYS)
  expect(
    published
      .filter((l) => l.feed === 'auctions')
      .every((l) => l.rows_read === 3 && l.rows_published === 2 && l.rejected === 1),
  ).toBe(true)
  const others = loads.filter((l) => l.state !== 'published')
  expect(others.map((l) => [l.state, l.code])).toEqual(others.map(() => ['failed', 'interrupted']))
}

/** Starts loaders, does something to the first of them, and waits until all is published. */
async function race(
  site: Site,
  loaders: number,
  disturb: (victim: ChildProcess) => Promise<void>,
  change: NodeJS.ProcessEnv = {},
): Promise<number> {
  const began = performance.now()
  const victim = startLoader(site, change)
  const others = Array.from({ length: loaders - 1 }, () => startLoader(site))
  try {
    await disturb(victim)
    await untilPublished(site)
  } finally {
    await stop([victim, ...others])
  }
  return performance.now() - began
}

const isOf = (load: { readonly holder: string }, pid: number | undefined) =>
  load.holder.endsWith(`:${pid}`)

const nothing = async () => undefined

describe.each([2, 4])('%i loaders', (loaders) => {
  let whole_ms = 0

  it(
    'load each generation once between them',
    async () => {
      // Where one of them did it all, nothing was shown: on a fast machine it may, so they try again.
      let holders = new Set<string>()
      for (let tries = 0; holders.size < 2 && tries < TRIES; tries++) {
        const site = await openSite()
        whole_ms = await race(site, loaders, nothing)
        await expectOnce(site)
        holders = new Set((await loadsOf(site)).map((l) => l.holder))
      }
      expect(holders.size).toBeGreaterThan(1)
    },
    TRIES * 3 * ROUND_S * 1000,
  )

  it(
    `one killed at a random instant, ${ROUNDS} times: nothing twice, nothing lost`,
    async () => {
      let passed_on = 0
      for (let round = 0; round < ROUNDS; round += 1) {
        const site = await openSite()
        const after_ms = Math.random() * whole_ms
        await race(site, loaders, async (victim) => {
          await delay(after_ms)
          victim.kill('SIGKILL')
          expect(await ended(victim), `after ${after_ms} ms`).toBe('SIGKILL')
        })
        await expectOnce(site)
        passed_on += (await loadsOf(site)).filter((l) => l.state === 'failed').length
      }
      console.info(`${loaders} loaders, ${ROUNDS} killed at random: ${passed_on} loads passed on`)
    },
    ROUNDS * 3 * ROUND_S * 1000,
  )

  it.each(STEPS)(
    'one killed at %s: its lease passes on to another',
    async (step) => {
      const site = await openSite()
      let killed: number | undefined
      const disturb = async (victim: ChildProcess) => {
        killed = victim.pid
        expect(await ended(victim)).toBe('SIGKILL')
      }
      await race(site, loaders, disturb, { BUCKETLINE_CRASH_AT: step })
      await expectOnce(site)
      const loads = await loadsOf(site)
      const failed = loads.filter((l) => l.state === 'failed' && isOf(l, killed))
      expect(failed).toHaveLength(LEASED.includes(step) ? 1 : 0)
      const [cut] = failed
      if (cut === undefined) return
      const again = loads.find(
        (l) => l.feed === cut.feed && l.partition === cut.partition && l.state === 'published',
      )
      expect(again?.holder).not.toBe(cut.holder)
      expect(again?.generation).toBe(cut.generation)
      const waited_ms = Number(again?.started_at) - Number(cut.started_at)
      expect(waited_ms).toBeGreaterThanOrEqual(LEASE_S * 1000)
    },
    3 * ROUND_S * 1000,
  )

  it(
    'one stalled in a load for longer than its lease does not publish what was taken over, and goes on',
    async () => {
      const site = await openSite()
      const stalled = spawn(bin, ['load', '--json'], {
        cwd: site.dir,
        env: site.env,
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      let said = ''
      stalled.stdout.on('data', (chunk) => {
        said += chunk
      })
      try {
        await stopInLoad(site, stalled)
        await race(site, loaders - 1, async () => {
          await untilTakenOver(site, stalled)
          stalled.kill('SIGCONT')
          await ended(stalled)
        })
      } finally {
        stalled.kill('SIGKILL')
      }
      await expectOnce(site)
      const taken = (await loadsOf(site)).filter((l) => l.state === 'failed')
      const { loads, error } = JSON.parse(said)
      expect(error).toBeUndefined()
      const failed = loads.filter((l: { state: string }) => l.state !== 'published')
      expect(failed.map((l: { load_id: string }) => l.load_id)).toEqual(
        taken.filter((l) => isOf(l, stalled.pid)).map((l) => l.load_id),
      )
      expect(failed).not.toHaveLength(0)
    },
    3 * ROUND_S * 1000,
  )
})

/** Stops a loader while it has a lease and no transaction is open, for which the others would wait. */
async function stopInLoad(site: Site, loader: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + ROUND_S * 1000; Date.now() < deadline; await delay(20)) {
    loader.kill('SIGSTOP')
    const [found] = await query(
      site.url,
      `SELECT EXISTS (SELECT FROM bucketline.loads WHERE state = 'running' AND holder LIKE '%:${loader.pid}')
         AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
           AND pid <> pg_backend_pid() AND state <> 'idle') AS stopped`,
    )
    if (found?.stopped) return
    loader.kill('SIGCONT')
  }
  throw new Error('the loader never had a lease')
}

/** Waits until another loader has taken over what a stopped one had begun. */
async function untilTakenOver(site: Site, loader: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + ROUND_S * 1000; Date.now() < deadline; await delay(100)) {
    const running = (await loadsOf(site)).filter((l) => l.state === 'running')
    if (!running.some((l) => isOf(l, loader.pid))) return
  }
  throw new Error('nobody took the load over')
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}
