import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { openApp } from '../../src/app.ts'
import type { Ledger, LoadRecord } from '../../src/ledger/ledger.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'
import { openPostgresLedger } from '../../src/ledger/postgres.ts'
import { CRASH_FEEDS } from './crash-workload.ts'

/** All that loads leave, without what differs from run to run: ids, times, sizes of files. */
export interface Outcome {
  /** Every served row of every feed, with the object and row it came from. */
  readonly datasets: Readonly<Record<string, readonly unknown[]>>
  readonly rejects: readonly unknown[]
  readonly partitions: readonly unknown[]
  readonly generations: readonly unknown[]
  /** Loads that published or refused, with their counts. */
  readonly loads: readonly unknown[]
  readonly served_files: readonly unknown[]
  /** Loads that ended otherwise: all of them interrupted. */
  readonly interrupted: number
}

const FEEDS = Object.keys(CRASH_FEEDS)
/** Generations that keep their files; the default of `retain_generations`. */
const RETAINED = 3

/**
 * Sweeps a data directory and reads it whole, in this process. Throws where a file has no owner, a
 * file that the ledger names is missing, or a load ended in a way no clean run or crash explains.
 */
export async function outcomeOf(trial: {
  readonly dir: string
  readonly env: NodeJS.ProcessEnv
}): Promise<Outcome> {
  const { dir, env } = trial
  const data_dir = join(dir, '.bucketline')
  const { datasets, rejects } = await readApp(trial)
  await using ledger =
    env.LEDGER_URL === undefined
      ? await openEmbeddedLedger({ data_dir, role: 'reader', command: 'test', now: new Date() })
      : await openPostgresLedger({ url: env.LEDGER_URL })
  await checkFiles(data_dir, ledger)
  const loads = await ledger.loads({})
  const failed = loads.filter((l) => l.state !== 'published' && l.state !== 'refused')
  const odd = failed.filter((l) => l.state !== 'failed' || l.code !== 'interrupted')
  if (odd.length > 0) throw new Error(`loads ended as no crash explains: ${JSON.stringify(odd)}`)
  const partitions = []
  const generations = []
  const served_files = []
  for (const feed of FEEDS) {
    for (const p of await ledger.partitions(feed)) {
      const { partition, state, generation, served_generation, objects, bytes, rows } = p
      partitions.push({
        feed,
        partition,
        state,
        generation,
        served_generation,
        objects,
        bytes,
        rows,
      })
      for (const g of await ledger.generations(feed, partition)) {
        const { created_at, ...rest } = g
        generations.push({ feed, partition, ...rest })
      }
    }
    for (const file of await ledger.servedFiles(feed)) {
      const { partition, generation, kind, rows, objects, path } = file
      served_files.push({ feed, partition, generation, kind, rows, objects, path: withoutId(path) })
    }
  }
  return {
    datasets,
    rejects,
    partitions,
    generations,
    loads: loads.filter((l) => !failed.includes(l)).map(countsOf),
    served_files,
    interrupted: failed.length,
  }
}

async function readApp({ dir, env }: { readonly dir: string; readonly env: NodeJS.ProcessEnv }) {
  const { signal } = new AbortController()
  const app = await openApp({
    config_file: 'bucketline.yaml',
    cwd: dir,
    env,
    command: 'test',
    signal,
  })
  try {
    await app.sweep([])
    const datasets: Record<string, unknown[]> = {}
    const rejects: unknown[] = []
    for (const feed of FEEDS) {
      const { rows } = await app.query(`SELECT * FROM ${feed} ORDER BY _object, _row`)
      datasets[feed] = [...rows]
      for await (const reject of (await app.rejects({ feed, all: true })).rejects)
        rejects.push(reject)
    }
    return { datasets, rejects }
  } finally {
    await app[Symbol.asyncDispose]()
  }
}

/** After a sweep the datasets folder holds exactly what the ledger names, and nothing else is left. */
async function checkFiles(data_dir: string, ledger: Ledger): Promise<void> {
  const named = new Set<string>()
  for (const feed of FEEDS)
    for (const path of await ledger.retainedFiles(feed, RETAINED)) named.add(`datasets/${path}`)
  const own = /^(ledger\/.*|lock|holder\.json|\.s\.PGSQL\.5432)$/
  const found = (await filesBelow(data_dir)).filter((path) => !own.test(path))
  const ownerless = found.filter((path) => !named.delete(path))
  const left = [
    ...(await names(join(data_dir, 'staging'))),
    ...(await names(join(data_dir, 'spill'))),
  ]
  if (ownerless.length > 0 || left.length > 0)
    throw new Error(`left without an owner: ${[...ownerless, ...left].join(', ')}`)
  if (named.size > 0) throw new Error(`named and missing: ${[...named].join(', ')}`)
}

function countsOf(load: LoadRecord) {
  const { load_id, started_at, ended_at, seconds, holder, ...counts } = load
  return counts
}

const withoutId = (path: string) => path.replace(/-[0-9a-z-]{20,}\//i, '-ID/')

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  return entries
    .filter((e) => !e.isDirectory())
    .map((e) => relative(dir, join(e.parentPath, e.name)))
}

async function names(dir: string): Promise<string[]> {
  try {
    return await readdir(dir)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
