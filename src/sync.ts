import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Config } from './core/config.ts'
import {
  type DestinationSettings,
  readDestination,
} from './core/destination/destination-settings.ts'
import type { Stream } from './core/destination/stream.ts'
import { ExchangeError } from './core/errors.ts'
import { SyncSettings } from './core/sync.ts'
import type { DatasetSnapshot, Engine } from './engine/engine.ts'
import { toExchangeError } from './exchange/failure.ts'
import { runSync, type SyncEvent, type SyncReport } from './exchange/sync/run-sync.ts'
import type { SyncNote } from './exchange/sync/sync-source.ts'
import type { Ledger } from './ledger/ledger.ts'
import { type OpenDestination, openDestination } from './open-destination.ts'
import { digest, sourceOf } from './open-sync-source.ts'
import type { Env } from './process-env.ts'

export interface SyncRequest {
  /** Names of syncs; empty means all, unless `files` are given. */
  readonly syncs: readonly string[]
  /** A sync that no configuration names: files (`-` is standard input) into one stream. */
  readonly files?: FilesRequest
  /** Forgets states first. */
  readonly reset: boolean
  readonly stdin?: () => AsyncIterable<Uint8Array>
}

export interface FilesRequest {
  readonly paths: readonly string[]
  readonly destination: string
  readonly stream: string
  readonly namespace?: string
  readonly json_schema?: string
  readonly mode?: Stream['write_mode']
  readonly primary_key: readonly string[]
  readonly cursor_field?: string
}

/** What a sync needs of the app. */
export interface SyncApp {
  readonly config: Config
  readonly config_file: string
  readonly base_dir: string
  readonly cwd: string
  readonly env: Env
  /** A folder that the next run sweeps if this one is killed. */
  readonly tempDir: () => string
  readonly openLedger: () => Promise<Ledger>
  readonly engine: Engine
  /** What the datasets that a query may name serve. */
  readonly snapshots: (sql: string) => Promise<readonly DatasetSnapshot[]>
  readonly observe: (event: SyncEvent) => void
  readonly signal: AbortSignal
  readonly now: () => Date
}

/** A sync with everything that names something looked up. */
export interface Planned {
  readonly name: string
  readonly settings: SyncSettings
  readonly destination: DestinationSettings
  /** Where relative paths of the settings start from. */
  readonly dir: string
}

/** Runs syncs one after the other; one that fails is no reason to leave the others out. */
export async function* runSyncs(request: SyncRequest, app: SyncApp): AsyncGenerator<SyncReport> {
  const planned = planSyncs(request, app)
  const ledger = await app.openLedger()
  for (const each of planned) {
    if (app.signal.aborted) return
    const notes: SyncNote[] = []
    if (request.reset) {
      const count = await ledger.resetSync(each.name)
      const message =
        count === 0 ? 'There was no state to forget.' : 'What was sent before was forgotten.'
      notes.push({ code: 'state_forgotten', count, message })
    }
    const report = await oneSync(each, { app, request, ledger })
    yield { ...report, notes: [...notes, ...report.notes] }
  }
}

export interface Surroundings {
  readonly app: SyncApp
  readonly request: SyncRequest
  readonly ledger: Ledger
}

/** Runs one sync. What fails before an attempt begins is kept, too: nobody else would know of it. */
async function oneSync(planned: Planned, surroundings: Surroundings): Promise<SyncReport> {
  const { app, ledger } = surroundings
  const report = await attemptOf(planned, surroundings)
  const { sync, destination, attempt_id, code, message = '', started_at } = report
  if (code === undefined || attempt_id !== undefined) return report
  const told = { sync, destination, holder: holder(), code, message, started_at, now: app.now() }
  await ledger.failSync({ ...told, attempt_id: randomUUID() }).catch(() => {
    // Why the sync failed says more than that it could not be kept.
  })
  return report
}

/** Names this process, for people. */
const holder = (): string => `${hostname()}:${process.pid}`

async function attemptOf(planned: Planned, surroundings: Surroundings): Promise<SyncReport> {
  const { app, ledger } = surroundings
  const { name, settings } = planned
  const started_at = app.now()
  const began = performance.now()
  try {
    await using opened = await openOne(planned, app)
    const source = await sourceOf(planned, { ...surroundings, opened })
    return await runSync({
      ...opened.context,
      sync: name,
      destination_name: settings.destination,
      source,
      ledger,
      holder: holder(),
      routeLines: opened.routeLines,
      digest,
      signal: app.signal,
      observe: app.observe,
    })
  } catch (cause) {
    if (app.signal.aborted) throw cause
    const { code, message, hint } = toExchangeError(cause)
    const seconds = (performance.now() - began) / 1000
    const { destination } = settings
    const failed = { state: 'failed', code, message, hint, streams: [], notes: [] } as const
    return { sync: name, destination, ...failed, started_at, seconds }
  }
}

function openOne({ destination }: Planned, app: SyncApp): Promise<OpenDestination> {
  const { config, base_dir, env } = app
  const store = config.stores[destination.store]
  if (store === undefined) throw new Error('a destination has a store')
  return openDestination({
    store,
    destination: readDestination(destination),
    base_dir,
    env,
    staging_dir: app.tempDir(),
    ...(config.threads === undefined ? {} : { threads: config.threads }),
  })
}

/** Throws what is wrong with a name, of any of the syncs, before the first one begins. */
function planSyncs(request: SyncRequest, app: SyncApp): readonly Planned[] {
  const { config, base_dir, cwd } = app
  if (request.files !== undefined) return [planFiles(request.files, app, cwd)]
  const names = request.syncs.length === 0 ? Object.keys(config.syncs) : [...new Set(request.syncs)]
  if (names.length === 0)
    throw new ExchangeError('usage', `There are no syncs in ${app.config_file}.`, {
      hint: 'Add one under `syncs:`, or name files with --to DESTINATION and --stream NAME.',
    })
  const planned = names.map((name) => {
    const settings = Object.hasOwn(config.syncs, name) ? config.syncs[name] : undefined
    if (settings === undefined)
      throw new ExchangeError('sync_not_found', `There is no sync ${name} in ${app.config_file}.`, {
        hint: `The syncs are: ${Object.keys(config.syncs).join(', ') || 'none yet'}.`,
      })
    return { name, settings, destination: destinationOf(settings.destination, app), dir: base_dir }
  })
  const piped = planned.filter(({ settings }) => settings.source.type === 'stdin')
  if (piped.length > 1)
    throw new ExchangeError(
      'usage',
      `Standard input can be read once, and ${piped.map((each) => each.name).join(', ')} all read it.`,
    )
  return planned
}

function destinationOf(name: string, { config, config_file }: SyncApp): DestinationSettings {
  const found = Object.hasOwn(config.destinations, name) ? config.destinations[name] : undefined
  if (found === undefined)
    throw new ExchangeError(
      'destination_not_found',
      `There is no destination ${name} in ${config_file}.`,
      {
        hint: `The destinations are: ${Object.keys(config.destinations).join(', ') || 'none yet'}.`,
      },
    )
  if (!Object.hasOwn(config.stores, found.store))
    throw new ExchangeError(
      'config_invalid',
      `Destination ${name}: there is no store ${found.store}.`,
      {
        hint: `The stores are: ${Object.keys(config.stores).join(', ') || 'none yet'}.`,
      },
    )
  return found
}

/** What is asked for on the command line keeps its state by destination and stream. */
function planFiles(files: FilesRequest, app: SyncApp, dir: string): Planned {
  const { paths, stream, namespace, json_schema, mode, primary_key, cursor_field } = files
  const destination = destinationOf(files.destination, app)
  if (paths.includes('-') && paths.length > 1)
    throw new ExchangeError('usage', 'Standard input (-) and files exclude each other.')
  const named = {
    stream,
    ...(namespace === undefined ? {} : { namespace }),
    ...(json_schema === undefined ? {} : { json_schema }),
  }
  const settings = SyncSettings.safeParse({
    destination: files.destination,
    source: paths.includes('-')
      ? { type: 'stdin', ...named }
      : { type: 'files', paths: [...paths], ...named },
    mode,
    primary_key: [...primary_key],
    cursor_field,
  })
  if (!settings.success) {
    const [issue] = settings.error.issues
    const setting = issue?.path.findLast((step) => typeof step === 'string')
    const flag = `--${String(setting).replaceAll('_', '-')}`
    throw new ExchangeError('usage', `${flag} ${issue?.message}.`)
  }
  const name = `${files.destination}/${namespace === undefined ? '' : `${namespace}.`}${stream}`
  return { name, settings: settings.data, destination, dir }
}
