import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { Config, type FeedSettings } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { type Duckdb, openDuckdb } from './duckdb/duckdb.ts'
import { spillFolder } from './duckdb/spill.ts'
import { openDuckdbEngine } from './engine/duckdb.ts'
import type { DatasetSnapshot, Engine } from './engine/engine.ts'
import { toExchangeError } from './exchange/failure.ts'
import { type DataPaths, dataPaths } from './exchange/paths.ts'
import type { Formats } from './format/format.ts'
import { openGatePool } from './format/gate-pool.ts'
import { passObject } from './format/gates.ts'
import { probeParquet } from './format/parquet.ts'
import { probeApart } from './format/probe-apart.ts'
import { rawRows } from './format/raw-rows.ts'
import { readPassed, readTogether } from './format/read-passed.ts'
import type { FileKind, Ledger } from './ledger/ledger.ts'
import { openLedger } from './open-ledger.ts'
import { clockOf, type Env } from './process-env.ts'
import { readConfig } from './read-config.ts'
import { feedOf, named } from './read-feed.ts'
import { resolveSecret } from './store/credentials.ts'
import { openStore, type StoreEnvironment } from './store/open-store.ts'
import type { ObjectStore } from './store/store.ts'

export interface AppOptions {
  readonly config_file: string
  readonly cwd: string
  readonly env: Env
  /** How a person would recognise this process, such as `bucketline load --watch`. */
  readonly command: string
  readonly signal: AbortSignal
  /** Called when the ledger begins to be opened, with what settles when it is: a new one takes seconds. */
  readonly onOpening?: (opened: Promise<unknown>) => void
  /** Opens stores in place of the usual way: tests put faults in front of them. */
  readonly openStore?: typeof openStore
}

/** What the verbs work with: the configuration, and the ports that it names, each opened when first used. */
export interface Ports extends AsyncDisposable {
  readonly options: AppOptions
  /** Empty where there is no file: local files can be checked against a preset without one. */
  readonly config: Config
  readonly configured: boolean
  /** Throws `config_not_found` where there is no file. */
  needConfig(): void
  readonly base_dir: string
  readonly data_dir: string
  readonly paths: DataPaths
  readonly now: () => Date
  readonly store_env: StoreEnvironment
  readonly formats: Formats
  readonly engine: Engine
  readonly openDuckdb: () => Promise<Duckdb>
  /** Readers share what a loader holds; a loader needs the data directory for itself. */
  openLedger(role: 'loader' | 'reader'): Promise<Ledger>
  /** Syncs change no dataset, so they can go on beside a loader that holds the data directory. */
  openSharedLedger(): Promise<Ledger>
  storeOf(feed: Feed): Promise<ObjectStore>
  /** Feeds of the configuration; no names mean all. Throws `feed_not_found`. */
  feedsOf(names: readonly string[]): Promise<Feed[]>
  /** What the ledger says is served of the feeds that a query may name; of the others their names. */
  snapshots(sql: string): Promise<DatasetSnapshot[]>
  /** A path for a folder that is removed in the end, or by the next run if this one is killed. */
  tempDir(): string
  /** Closes this too in the end, before all that was opened earlier. */
  keep<T extends AsyncDisposable>(opened: T): T
}

/** A worker thread takes longer to start than a smaller object to pass; bytes. */
const WORTH_A_THREAD = 4_000_000

/** Reads the configuration and says how to open what it names. Throws `config_invalid`. */
export async function openPorts(options: AppOptions): Promise<Ports> {
  const file = resolve(options.cwd, options.config_file)
  // Files can be checked against a preset without any configuration; whatever needs one says so.
  const read = await readConfig(file).catch((cause: unknown) => {
    if (cause instanceof ExchangeError && cause.code === 'config_not_found') return cause
    throw cause
  })
  const configured = !(read instanceof ExchangeError)
  const config: Config = configured ? read : Config.parse({ stores: {}, feeds: {} })
  const needConfig = () => {
    if (!configured) throw read
  }
  const base_dir = dirname(file)
  const data_dir = resolve(base_dir, config.data_dir)
  const paths = dataPaths(data_dir)
  const secrets = { env: options.env, base_dir }
  const store_env: StoreEnvironment = {
    base_dir,
    resolveSecret: (secret) => resolveSecret(secret, secrets),
  }
  const now = clockOf(options.env)
  const limits = {
    memory_limit: config.memory_limit,
    spill_dir: configured ? paths.spill : join(tmpdir(), `bucketline-${process.pid}`),
    ...(config.threads === undefined ? {} : { threads: config.threads }),
  }
  const opened: AsyncDisposable[] = []
  const keep = <T extends AsyncDisposable>(each: T): T => {
    opened.push(each)
    return each
  }
  const pool = keep(openGatePool(config.threads === undefined ? {} : { threads: config.threads }))
  const engine = keep(openDuckdbEngine({ ...limits, datasets_dir: paths.datasets }))
  const formats: Formats = {
    gate: (object, ...rest) =>
      object.bytes < WORTH_A_THREAD ? passObject(object, ...rest) : pool.pass(object, ...rest),
    readPassed,
    readTogether,
    probe: probeParquet,
    probeApart: (object) => probeApart(object, limits),
    rawRows,
  }

  let ledger: Promise<Ledger> | undefined
  const ledgerFor = (role: 'loader' | 'reader'): Promise<Ledger> => {
    needConfig()
    if (ledger !== undefined) return ledger
    const { command } = options
    ledger = openLedger(config, { data_dir, role, command, now: now(), secrets }).then(keep)
    options.onOpening?.(ledger)
    return ledger
  }

  const stores = new Map<string, Promise<ObjectStore>>()
  const openStoreNamed = async (name: string, settings: Config['stores'][string]) => {
    try {
      return keep(await (options.openStore ?? openStore)(settings, store_env))
    } catch (cause) {
      throw named(`Store ${name}`, cause)
    }
  }

  return {
    ...{ options, config, configured, needConfig, base_dir, data_dir, paths, now, store_env },
    ...{ formats, engine, keep },
    openDuckdb: () => openDuckdb(limits),
    openLedger: ledgerFor,

    async openSharedLedger() {
      try {
        return await ledgerFor('loader')
      } catch (cause) {
        if (toExchangeError(cause).code !== 'data_dir_locked') throw cause
        ledger = undefined
        return ledgerFor('reader')
      }
    },

    storeOf(feed) {
      const settings = config.stores[feed.store]
      if (settings === undefined) throw new Error(`feed ${feed.name} has no store`)
      const open = stores.get(feed.store) ?? openStoreNamed(feed.store, settings)
      stores.set(feed.store, open)
      return open
    },

    async feedsOf(names) {
      needConfig()
      // `constructor` is a name that every object answers to.
      for (const name of names)
        if (!Object.hasOwn(config.feeds, name))
          throw new ExchangeError(
            'feed_not_found',
            `There is no feed ${name} in ${options.config_file}.`,
            {
              hint: `The feeds are: ${Object.keys(config.feeds).join(', ') || 'none yet'}.`,
            },
          )
      const wanted = names.length === 0 ? Object.keys(config.feeds) : names
      return Promise.all(
        wanted.map((name) => feedOf(name, config.feeds[name] as FeedSettings, config, base_dir)),
      )
    },

    async snapshots(sql) {
      const held = await ledgerFor('reader')
      return Promise.all(
        Object.keys(config.feeds).map(async (feed) => {
          if (!sql.toLowerCase().includes(feed.toLowerCase()))
            return { feed, files: [], beaten: [], columns: [] }
          const served = await held.servedFiles(feed, { kinds: ['data', 'beaten'], objects: false })
          const paths = (kind: FileKind) => served.filter((f) => f.kind === kind).map((f) => f.path)
          return {
            feed,
            files: paths('data'),
            beaten: paths('beaten'),
            columns: await held.columns(feed),
          }
        }),
      )
    },

    tempDir() {
      const dir = spillFolder(paths.spill)
      keep({ [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) })
      return dir
    },

    async [Symbol.asyncDispose]() {
      for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
      if (!configured) await rm(limits.spill_dir, { recursive: true, force: true })
    },
  }
}
