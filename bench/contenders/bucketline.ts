import { createHash } from 'node:crypto'
import { constants, readFileSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender, Context, Sample } from '../benchmark.ts'
import { isThere, wholeOrNothing } from '../made-data.ts'
import { measure } from '../measure.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
export const bucketlineVersion = manifest.version

/** What a load has to end with; a run that ends otherwise measured something else. */
export interface Expected {
  readonly rows_published: number
  readonly rejected?: number
  readonly loads?: number
}

interface LoadDocument {
  readonly loads: readonly {
    readonly state: string
    readonly code?: string
    readonly message?: string
    readonly rows_published: number
    readonly rejected: number
    readonly seconds: number
  }[]
}

/** Settings of one feed on a local store, as bucketline.yaml has them. */
export interface FeedAt {
  /** Folder of the store. */
  readonly store: string
  readonly feed: string
  readonly settings: Readonly<Record<string, unknown>>
}

/** Writes bucketline.yaml into a folder; its `data_dir` is `data` beside it. */
export async function writeConfiguration(
  dir: string,
  at: FeedAt,
  context: Context,
  memory_limit = context.memory_limit,
): Promise<void> {
  await mkdir(dir, { recursive: true })
  // JSON is YAML.
  const config = {
    data_dir: 'data',
    memory_limit,
    threads: context.threads,
    stores: { inbox: { type: 'local', path: at.store } },
    feeds: { [at.feed]: { store: 'inbox', ...at.settings } },
  }
  await writeFile(join(dir, 'bucketline.yaml'), `${JSON.stringify(config, null, 2)}\n`)
}

/** Runs `bucketline load --json` in a folder with a configuration, and checks what it says. */
export async function runLoad(
  dir: string,
  expected: Expected,
  flags: readonly string[] = [],
): Promise<Sample> {
  const run = await measure(join(root, 'bin/bucketline'), ['load', '--json', ...flags], {
    cwd: dir,
  })
  const { loads } = JSON.parse(run.stdout) as LoadDocument
  const sum = (of: (load: LoadDocument['loads'][number]) => number) =>
    loads.reduce((total, load) => total + of(load), 0)
  const found = {
    loads: loads.length,
    rows_published: sum((l) => l.rows_published),
    rejected: sum((l) => l.rejected),
  }
  const wanted = { loads: 1, rejected: 0, ...expected }
  if (
    loads.some((l) => l.state !== 'published') ||
    found.loads !== wanted.loads ||
    found.rows_published !== wanted.rows_published ||
    found.rejected !== wanted.rejected
  )
    throw new Error(
      `a load ended with ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}: ${JSON.stringify(loads).slice(0, 2000)}`,
    )
  return { ...timesOf(run), seconds: sum((l) => l.seconds) }
}

interface LoadOptions {
  readonly name?: string
  readonly expected: Expected
  readonly memory_limit?: string
  /** Folder of an earlier load (`loadedBefore`) whose `data` is copied first; without it an empty ledger. */
  readonly after?: string
  /** No ledger lies there: the run makes one, as the first run of an installation does. */
  readonly first_ever?: boolean
}

/** A load into a `data_dir` of its own, in which a ledger lies as on every day but the very first. */
export async function bucketlineLoad(
  context: Context,
  at: FeedAt,
  options: LoadOptions,
): Promise<Contender> {
  const after = options.first_ever ? undefined : (options.after ?? (await emptyLedger(context)))
  return {
    name: options.name ?? 'Bucketline',
    version: bucketlineVersion,
    command: `bucketline load --json  # ${JSON.stringify(at.settings)}`,
    seconds_of: 'the load: fetch, validate, publish',
    async prepare(dir) {
      await writeConfiguration(dir, at, context, options.memory_limit)
      if (after === undefined) return
      await cp(join(after, 'data'), join(dir, 'data'), {
        recursive: true,
        mode: constants.COPYFILE_FICLONE,
      })
    },
    run: (dir) => runLoad(dir, options.expected),
  }
}

/**
 * A folder in which a load was run once, kept to be copied: its `data` is what Bucketline wrote. Made
 * again when the ledger's migrations change, and with `--fresh`.
 */
export async function loadedBefore(
  context: Context,
  name: string,
  run: { readonly at: FeedAt; readonly expected: Expected; readonly flags?: readonly string[] },
): Promise<string> {
  const dir = join(context.data_dir, 'made', `loaded-${name}-${await migrationsHash()}`)
  if (await isThere(dir)) {
    if (!context.fresh || freshlyMade.has(dir)) return dir
    await rm(dir, { recursive: true })
  }
  context.note(`making ${dir}`)
  await wholeOrNothing(dir, async (unfinished) => {
    await writeConfiguration(unfinished, run.at, context)
    await runLoad(unfinished, run.expected, run.flags)
  })
  freshlyMade.add(dir)
  return dir
}

const freshlyMade = new Set<string>()

async function emptyLedger(context: Context): Promise<string> {
  const store = join(context.data_dir, 'made', 'empty-store')
  await mkdir(store, { recursive: true })
  return loadedBefore(context, 'nothing', {
    at: { store, feed: 'nothing', settings: { preset: 'hackle-events' } },
    expected: { loads: 0, rows_published: 0 },
  })
}

async function migrationsHash(): Promise<string> {
  const dir = join(root, 'src/ledger/migrations')
  const hash = createHash('sha256')
  for (const name of (await readdir(dir)).sort()) hash.update(await readFile(join(dir, name)))
  return hash.digest('hex').slice(0, 8)
}

export const timesOf = (run: Omit<Sample, 'seconds'>): Omit<Sample, 'seconds'> => ({
  process_seconds: run.process_seconds,
  cpu_seconds: run.cpu_seconds,
  peak_rss_bytes: run.peak_rss_bytes,
})
