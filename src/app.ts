import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CheckOptions, checkAccess } from './check-access.ts'
import { Config, type FeedSettings } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { type DeliveryRequest, deliver } from './deliver.ts'
import { openDuckdb } from './duckdb/duckdb.ts'
import { spillFolder, sweepSpill } from './duckdb/spill.ts'
import { openDuckdbEngine } from './engine/duckdb.ts'
import type { DatasetSnapshot, Engine } from './engine/engine.ts'
import { discover } from './exchange/discover/discover.ts'
import { toExchangeError } from './exchange/failure.ts'
import { keptRows } from './exchange/load/kept-rows.ts'
import { type LoadContext, loadPartition } from './exchange/load/load.ts'
import { dataPaths } from './exchange/paths.ts'
import { type Plan, plan as planFeed } from './exchange/plan/plan.ts'
import type { Observe } from './exchange/progress.ts'
import { listRejects, type Reject, readRejects } from './exchange/rejects.ts'
import { rollback } from './exchange/rollback.ts'
import { latestServedFile } from './exchange/served-file.ts'
import { statusOf } from './exchange/status.ts'
import { sweepFeed, sweepStaging } from './exchange/sweep.ts'
import type { SyncEvent } from './exchange/sync/run-sync.ts'
import { type Validation, validateFiles, validatePartition } from './exchange/validate/validate.ts'
import type { Formats } from './format/format.ts'
import { openGatePool } from './format/gate-pool.ts'
import { passObject } from './format/gates.ts'
import { probeParquet } from './format/parquet.ts'
import { probeApart } from './format/probe-apart.ts'
import { rawRows } from './format/raw-rows.ts'
import { readPassed, readTogether } from './format/read-passed.ts'
import type { FileKind, Ledger } from './ledger/ledger.ts'
import { openEmbeddedLedger } from './ledger/pglite.ts'
import { openPostgresLedger } from './ledger/postgres.ts'
import { planReport } from './plan-report.ts'
import { policySubject } from './policy-subject.ts'
import { clockOf, crashAt } from './process-env.ts'
import { readConfig } from './read-config.ts'
import { contractFeed, feedOf, named } from './read-feed.ts'
import { resolveSecret } from './store/credentials.ts'
import { openStore, type StoreEnvironment } from './store/open-store.ts'
import type { ObjectStore } from './store/store.ts'
import { runSyncs, type SyncRequest } from './sync.ts'
import { validationReport } from './validation-report.ts'

export interface AppOptions {
  readonly config_file: string
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** How a person would recognise this process, such as `bucketline load --watch`. */
  readonly command: string
  readonly signal: AbortSignal
  /** Called when the ledger begins to be opened, with what settles when it is: a new one takes seconds. */
  readonly onOpening?: (opened: Promise<unknown>) => void
  /** Opens stores in place of the usual way: tests put faults in front of them. */
  readonly openStore?: typeof openStore
}

export interface Selection {
  /** Names of feeds; empty means all. */
  readonly feeds: readonly string[]
  readonly partition?: string
  readonly from?: string
  readonly to?: string
}

export interface LoadSelection extends Selection {
  readonly all: boolean
  readonly force: boolean
  readonly replay: boolean
}

/** Of the embedded ledger, which one loader at a time holds. */
const LEASE_MS = 60_000

/** A worker thread takes longer to start than a smaller object to pass; bytes. */
const WORTH_A_THREAD = 4_000_000

/**
 * The composition root: reads the configuration and hands each use case the ports it needs. Stores,
 * ledger and DuckDB are opened when first used, and closed with the app.
 */
export async function openApp(options: AppOptions) {
  const file = resolve(options.cwd, options.config_file)
  // Files can be checked against a preset without any configuration; whatever needs one says so.
  const read = await readConfig(file).catch((cause: unknown) => {
    if (cause instanceof ExchangeError && cause.code === 'config_not_found') return cause
    throw cause
  })
  const config: Config =
    read instanceof ExchangeError ? Config.parse({ stores: {}, feeds: {} }) : read
  const needConfig = () => {
    if (read instanceof ExchangeError) throw read
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
    spill_dir:
      read instanceof ExchangeError ? join(tmpdir(), `bucketline-${process.pid}`) : paths.spill,
    ...(config.threads === undefined ? {} : { threads: config.threads }),
  }
  const openSession = () => openDuckdb(limits)
  const engine: Engine = openDuckdbEngine({ ...limits, datasets_dir: paths.datasets })
  const opened: AsyncDisposable[] = []
  const pool = openGatePool(config.threads === undefined ? {} : { threads: config.threads })
  opened.push(pool, engine)
  const formats: Formats = {
    gate: (object, ...rest) =>
      object.bytes < WORTH_A_THREAD ? passObject(object, ...rest) : pool.pass(object, ...rest),
    readPassed,
    readTogether,
    probe: probeParquet,
    probeApart: (object) => probeApart(object, limits),
    rawRows,
  }
  const stores = new Map<string, Promise<ObjectStore>>()
  let ledger: Promise<Ledger> | undefined

  /** Readers share what a loader holds; a loader needs the data directory for itself. */
  const openLedger = (role: 'loader' | 'reader'): Promise<Ledger> => {
    needConfig()
    if (ledger !== undefined) return ledger
    ledger = (async () => {
      const open =
        config.ledger === undefined
          ? await openKeptLedger({ data_dir, role, command: options.command, now: now() })
          : await openPostgresLedger({ url: resolveSecret(config.ledger.url, secrets) })
      opened.push(open)
      return open
    })()
    options.onOpening?.(ledger)
    return ledger
  }

  /** Syncs change no dataset, so they can go on beside a loader that holds the data directory. */
  const openSharedLedger = async (): Promise<Ledger> => {
    try {
      return await openLedger('loader')
    } catch (cause) {
      if (toExchangeError(cause).code !== 'data_dir_locked') throw cause
      ledger = undefined
      return openLedger('reader')
    }
  }

  const storeOf = (feed: Feed): Promise<ObjectStore> => {
    const settings = config.stores[feed.store]
    if (settings === undefined) throw new Error(`feed ${feed.name} has no store`)
    const open =
      stores.get(feed.store) ??
      openAndKeep(settings).catch((cause: unknown) => {
        throw named(`Store ${feed.store}`, cause)
      })
    stores.set(feed.store, open)
    return open
  }
  const openAndKeep = async (settings: Config['stores'][string]) => {
    const store = await (options.openStore ?? openStore)(settings, store_env)
    opened.push(store)
    return store
  }

  const feedsOf = async (names: readonly string[]): Promise<Feed[]> => {
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
  }

  const discoverAndPlan = async (
    feed: Feed,
    selection: LoadSelection,
    observe: Observe,
    role: 'loader' | 'reader',
  ) => {
    // The store first: a missing secret shows without the seconds that a new ledger takes.
    const store = await storeOf(feed)
    const held = await openLedger(role)
    const found = await discover(feed, {
      store,
      ledger: held,
      now: now(),
      mode: selection.all ? 'all' : 'new',
      signal: options.signal,
    })
    const step = crashAt(options.env, feed.name)
    step('discovered')
    const plan = await planFeed(feed, {
      ledger: held,
      discovered: found.partitions.map((p) => p.partition),
      selection: planSelection(selection),
    })
    const replayed = selection.replay ? await onlyWithRejects(plan, feed, held) : plan
    step('planned')
    observe({
      type: 'found',
      feed: feed.name,
      first: found.first,
      partitions: replayed.items.length,
      objects: replayed.items.reduce((sum, item) => sum + item.reads.length, 0),
      bytes: replayed.bytes,
      waiting: waitingFor(plan),
      strays: found.strays.length,
    })
    return { found, plan: replayed }
  }

  const loadContext = async (
    feed: Feed,
    observe: Observe,
    signal: AbortSignal,
  ): Promise<LoadContext> => ({
    feed,
    engine,
    formats,
    paths,
    now,
    observe,
    signal,
    store: await storeOf(feed),
    ledger: await openLedger('loader'),
    openDuckdb: openSession,
    holder: `${hostname()}:${process.pid}`,
    lease_ms: config.ledger?.lease ?? LEASE_MS,
    step: crashAt(options.env, feed.name),
    touched: new Set(),
  })

  return {
    /** Probes the access to a store or a feed; opens no ledger. */
    async check(name: string, check: CheckOptions) {
      needConfig()
      const { config_file } = options
      return checkAccess(name, check, { config, config_file, env: store_env, now })
    },

    /** What an access policy for a feed has to know; opens no ledger and no store. */
    async policySubject(name: string) {
      const [feed] = await feedsOf([name])
      const settings = feed && config.stores[feed.store]
      if (feed === undefined || settings === undefined) throw new Error('a feed has a store')
      return policySubject(feed, settings)
    },

    /** One feed that cannot be looked at is no reason to say nothing of the others. */
    async plan(selection: LoadSelection) {
      const partitions = []
      const strays = []
      const errors = []
      const feeds = await feedsOf(selection.feeds)
      for (const feed of feeds) {
        try {
          const { found, plan } = await discoverAndPlan(feed, selection, () => undefined, 'reader')
          strays.push(...found.strays)
          partitions.push(...planReport(plan))
        } catch (cause) {
          if (feeds.length === 1 || options.signal.aborted) throw cause
          const { code, message, hint } = toExchangeError(cause)
          errors.push({ feed: feed.name, code, message, hint })
        }
      }
      return { partitions, strays, errors }
    },

    /** One record per attempt, as each ends; with `watch` it goes on until the signal is aborted. */
    async *load(
      selection: LoadSelection,
      run: {
        readonly watch: boolean
        readonly every_ms?: number
        readonly signal: AbortSignal
        readonly observe: Observe
      },
    ) {
      const held = await openLedger('loader')
      await sweepSpill(paths.spill)
      do {
        let after_crash = false
        // Each time: while this loader watches, another one may be killed, and its claims pass on.
        try {
          const interrupted = await held.recover(now(), config.ledger === undefined)
          after_crash = interrupted.length > 0
          await sweepStaging({ ledger: held, paths, now })
        } catch (cause) {
          // A watching loader outlives a ledger that is away; each feed says so below, as it meets it too.
          if (!run.watch || toExchangeError(cause).code !== 'ledger_unavailable') throw cause
        }
        const failures: { feed: string; error: ExchangeError }[] = []
        for (const feed of await feedsOf(selection.feeds)) {
          try {
            yield* loadFeed(feed, selection, { ...run, after_crash })
          } catch (cause) {
            if (run.signal.aborted) return
            // One partner's broken bucket is no reason to keep the others waiting.
            const error = toExchangeError(cause)
            failures.push({ feed: feed.name, error })
            run.observe({
              type: 'feed_failed',
              feed: feed.name,
              code: error.code,
              message: error.message,
              hint: error.hint,
            })
          }
        }
        if (!run.watch && failures.length > 0) throw feedsFailed(failures)
        if (run.watch)
          await sleep(run.every_ms ?? 30_000, undefined, { signal: run.signal }).catch(
            () => undefined,
          )
      } while (run.watch && !run.signal.aborted)
    },

    async validate(
      request: Selection & {
        readonly files: readonly string[]
        readonly preset?: string
        readonly contract?: string
      },
      run: { readonly signal: AbortSignal; readonly observe: Observe },
    ) {
      const root = await temporaryDir(read instanceof ExchangeError ? tmpdir() : paths.staging)
      opened.push({ [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) })
      const tools = (feed: Feed, dir: string) => ({
        feed,
        formats,
        dir,
        observe: run.observe,
        openDuckdb: openSession,
        clock: () => performance.now(),
        signal: run.signal,
      })
      const results: Validation[] = []
      if (request.files.length > 0) {
        const feed = await feedForFiles(request)
        const files = request.files.map((path) => resolve(options.cwd, path))
        results.push(...(await validateFiles(files, { ...tools(feed, root), known: [] })))
      } else {
        for (const feed of await feedsOf(request.feeds)) {
          const selection = {
            ...request,
            all: false,
            force: request.partition !== undefined,
            replay: false,
          }
          const { plan } = await discoverAndPlan(feed, selection, run.observe, 'reader')
          const held = await openLedger('reader')
          const known = await held.columns(feed.name)
          for (const item of plan.items) {
            const dir = join(root, String(results.length))
            const kept = await keptRows(feed, item, { ledger: held, datasets_dir: paths.datasets })
            results.push(
              await validatePartition(item, await storeOf(feed), {
                ...tools(feed, dir),
                known,
                kept,
                servedFile: () =>
                  latestServedFile(feed.name, { ledger: held, datasets_dir: paths.datasets }),
              }),
            )
          }
        }
      }
      return { validations: results.map(validationReport), rejects: rejectsOf(results) }
    },

    /** Turns records into a delivery that fits a contract; opens a ledger only for a dataset. */
    async deliver(
      request: DeliveryRequest,
      run: { readonly signal: AbortSignal; readonly observe: Observe },
    ) {
      needConfig()
      await sweepSpill(paths.spill)
      // As spill: a delivery that is killed leaves what it wrote on the way, and the next one removes it.
      const dir = spillFolder(paths.spill)
      opened.push({ [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) })
      return deliver(request, {
        ...{ config, base_dir, data_dir, dir, cwd: options.cwd, formats, engine, now, storeOf },
        openDuckdb: openSession,
        observe: run.observe,
        signal: run.signal,
        stepOf: (feed) => crashAt(options.env, feed),
        feedNamed: async (name) => (await feedsOf([name]))[0] as Feed,
        snapshotOf: async (name) =>
          (await snapshots(name)).find((s) => s.feed === name) as DatasetSnapshot,
      })
    },

    /** Sends what is new, one report for each sync as it ends. */
    async *sync(
      request: SyncRequest,
      run: { readonly signal: AbortSignal; readonly observe: (event: SyncEvent) => void },
    ) {
      needConfig()
      await sweepSpill(paths.spill)
      const tempDir = () => {
        const dir = spillFolder(paths.spill)
        opened.push({ [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) })
        return dir
      }
      const { config_file, cwd, env } = options
      yield* runSyncs(request, {
        ...{ config, config_file, base_dir, cwd, env, tempDir, engine, now, snapshots },
        ...{ openLedger: openSharedLedger, observe: run.observe, signal: run.signal },
      })
    },

    async status(selection: Selection) {
      const partitions = []
      const strays = []
      for (const feed of await feedsOf(selection.feeds)) {
        const status = await statusOf(feed, {
          ledger: await openLedger('reader'),
          now: now(),
          ...(selection.partition === undefined ? {} : { partition: selection.partition }),
          ...(selection.from === undefined ? {} : { from: selection.from }),
          ...(selection.to === undefined ? {} : { to: selection.to }),
        })
        partitions.push(...status.partitions)
        strays.push(...status.strays)
      }
      return { partitions, strays }
    },

    async rejects(query: {
      readonly feed: string
      readonly partition?: string
      readonly all: boolean
      readonly code?: string
    }) {
      await feedsOf([query.feed])
      return listRejects(query, {
        ledger: await openLedger('reader'),
        datasets_dir: paths.datasets,
        openDuckdb: openSession,
      })
    },

    async query(sql: string) {
      return engine.query(sql, await snapshots(sql))
    },
    async export(
      sql: string,
      target: { readonly path: string; readonly format: 'csv' | 'parquet' | 'json' },
    ) {
      await engine.export(sql, await snapshots(sql), {
        ...target,
        path: resolve(options.cwd, target.path),
      })
    },

    async rollback(target: {
      readonly feed: string
      readonly partition: string
      readonly generation?: number
    }) {
      const [feed] = await feedsOf([target.feed])
      if (feed === undefined) throw new Error('a feed was asked for')
      return rollback(feed, target.partition, target.generation, {
        ledger: await openLedger('loader'),
        engine,
        openDuckdb: openSession,
        paths,
        now,
      })
    },

    async sweep(feeds: readonly string[]) {
      const held = await openLedger('loader')
      await held.recover(now(), config.ledger === undefined)
      await sweepStaging({ ledger: held, paths, now })
      await sweepSpill(paths.spill)
      const reports = []
      for (const feed of await feedsOf(feeds))
        reports.push(await sweepFeed(feed, { ledger: held, engine, paths, now }))
      return reports
    },

    async [Symbol.asyncDispose]() {
      for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
      if (read instanceof ExchangeError)
        await rm(limits.spill_dir, { recursive: true, force: true })
    },
  }

  async function* loadFeed(
    feed: Feed,
    selection: LoadSelection,
    run: {
      readonly signal: AbortSignal
      readonly observe: Observe
      /** Files of an interrupted load may lie in any partition. */
      readonly after_crash: boolean
    },
  ) {
    const { plan } = await discoverAndPlan(feed, selection, run.observe, 'loader')
    const context = await loadContext(feed, run.observe, run.signal)
    for (const item of plan.items) {
      if (run.signal.aborted) return
      const record = await loadPartition(item, context)
      if (record !== undefined) yield record
    }
    const tools = { ledger: context.ledger, engine, paths, now }
    if (run.after_crash) await sweepFeed(feed, tools)
    else if (context.touched.size > 0) await sweepFeed(feed, tools, [...context.touched])
  }

  /** What the ledger says is served of the feeds that a query may name; of the others their names. */
  async function snapshots(sql: string): Promise<DatasetSnapshot[]> {
    const held = await openLedger('reader')
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
  }

  async function feedForFiles(
    request: Selection & { readonly preset?: string; readonly contract?: string },
  ): Promise<Feed> {
    const [name] = request.feeds
    if (name !== undefined) {
      const [feed] = await feedsOf([name])
      if (feed !== undefined) return feed
    }
    return contractFeed(request, options.cwd)
  }

  async function* rejectsOf(results: readonly Validation[]): AsyncGenerator<Reject> {
    for (const { feed, partition, checked } of results)
      if (checked.rejects_file !== undefined)
        yield* readRejects(feed, [{ partition, path: checked.rejects_file }], openSession)
  }
}

/** The failure of one feed as it is; those of several as one, each named. */
function feedsFailed(failures: readonly { feed: string; error: ExchangeError }[]): ExchangeError {
  const [first] = failures
  if (first === undefined) throw new Error('no feed failed')
  const { error } = first
  return new ExchangeError(
    error.code,
    failures.map((f) => `feed ${f.feed}: ${f.error.message}`).join('\n'),
    {
      hint: error.hint,
      retryable: error.retryable,
      cause: error,
      details: {
        feeds: failures.map((f) => ({
          feed: f.feed,
          code: f.error.code,
          message: f.error.message,
        })),
      },
    },
  )
}

const planSelection = ({ partition, from, to, force, replay }: LoadSelection) => ({
  ...(partition === undefined ? {} : { partition }),
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
  force,
  replay,
})

/** How many partitions of a plan wait for what. */
function waitingFor(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { why, waiting_for } of plan.not_loaded)
    if (why === 'waiting') counts[waiting_for ?? 'more'] = (counts[waiting_for ?? 'more'] ?? 0) + 1
  return counts
}

/** A replay concerns the partitions whose served generation has rejects. */
async function onlyWithRejects(plan: Plan, feed: Feed, ledger: Ledger): Promise<Plan> {
  const rejected = new Set(
    (await ledger.servedFiles(feed.name, { kinds: ['rejects'], objects: false })).map(
      (f) => f.partition,
    ),
  )
  const items = plan.items.filter((item) => rejected.has(item.partition))
  return { ...plan, items, bytes: items.reduce((sum, item) => sum + item.bytes, 0) }
}

/**
 * The embedded ledger, unless it is gone while its datasets are there: a new one would load everything
 * again and take the datasets for files that nobody needs.
 */
async function openKeptLedger(settings: Parameters<typeof openEmbeddedLedger>[0]): Promise<Ledger> {
  const { data_dir } = settings
  if (!(await isFilled(join(data_dir, 'ledger'))) && (await isFilled(dataPaths(data_dir).datasets)))
    throw new ExchangeError(
      'ledger_damaged',
      `${data_dir} holds datasets, but the ledger that names them is gone.`,
      {
        hint: 'Put the folder `ledger` back from a backup; or move `datasets` away to begin anew.',
      },
    )
  return openEmbeddedLedger(settings)
}

async function isFilled(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length > 0
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return false
    throw toExchangeError(cause)
  }
}

async function temporaryDir(staging: string): Promise<string> {
  try {
    await mkdir(staging, { recursive: true })
    return await mkdtemp(join(staging, 'validate-'))
  } catch (cause) {
    throw toExchangeError(cause)
  }
}
