import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { plainDelivery } from './contract-tools.ts'
import { type Config, FeedSettings } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { hasDirectories, parseLayout } from './core/layout/layout.ts'
import { parseContract } from './core/odcs/odcs.ts'
import { parsePartition } from './core/partition.ts'
import { PRESET_DELIVERY, type PresetDelivery } from './core/presets.ts'
import { Completion } from './core/settings.ts'
import type { DatasetSnapshot, Engine } from './engine/engine.ts'
import { type DeliverTools, deliverRecords } from './exchange/deliver/deliver.ts'
import { type DeliveryOutput, settleOutput } from './exchange/deliver/output.ts'
import { deliveryRejectsPath } from './exchange/paths.ts'
import { readRejects } from './exchange/rejects.ts'
import { sweepDeliveryRejects } from './exchange/sweep.ts'
import type { SyncEvent } from './exchange/sync/run-sync.ts'
import type { Env } from './process-env.ts'
import { feedOf } from './read-feed.ts'
import { stageRecords } from './stage-records.ts'

export interface DeliveryRequest {
  /** Local files; `-` is standard input. */
  readonly files: readonly string[]
  /** Delivers what a query of this feed's dataset serves. */
  readonly from_dataset?: string
  /** Delivers a stream of an Airbyte source: file of its settings; `-` takes its messages from standard input. */
  readonly from_airbyte?: string
  /** As `from_airbyte`, by the name of a sync whose source it is. */
  readonly from_sync?: string
  /** Name of the stream, alone or as `namespace.name`; the only one without it. */
  readonly stream?: string
  /** One of these says what the receiver expects. */
  readonly contract?: string
  readonly preset?: Config['feeds'][string]['preset']
  readonly feed?: string
  /** Name of a store; a feed's own without it. */
  readonly to?: string
  readonly prefix?: string
  readonly layout?: string
  readonly format?: DeliveryOutput['format']
  readonly partition?: string
  readonly file_mb?: number
  readonly max_rejected_percent?: number
  /** Of a contract alone: close each partition with `_SUCCESS`. */
  readonly marker: boolean
  readonly rejects?: string
  readonly replace: boolean
  readonly dry_run: boolean
  readonly stdin?: AsyncIterable<Uint8Array>
}

/** What delivering needs of the app. */
export interface DeliveryApp extends Omit<DeliverTools, 'feed' | 'store' | 'step' | 'signal'> {
  readonly config: Config
  readonly base_dir: string
  readonly cwd: string
  readonly rejects_dir: string
  readonly env: Env
  readonly signal: AbortSignal
  /** What an Airbyte source says, and how much has come of it. */
  readonly observeSource: (event: SyncEvent) => void
  readonly storeOf: (feed: Feed) => Promise<DeliverTools['store']>
  readonly stepOf: (feed: string) => DeliverTools['step']
  readonly engine: Engine
  /** A feed of the configuration; throws `feed_not_found`. */
  readonly feedNamed: (name: string) => Promise<Feed>
  readonly snapshotOf: (feed: string) => Promise<DatasetSnapshot>
}

/** Delivers as asked; `rejects` are to be read before the app is closed. */
export async function deliver(request: DeliveryRequest, app: DeliveryApp) {
  const began = performance.now()
  const { feed, habit } = await receiver(request, app)
  const partition =
    request.partition === undefined
      ? undefined
      : parsePartition(request.partition, feed.layout.zone, feed.layout.grain)
  const output = settleOutput(feed, {
    ...(request.format === undefined ? {} : { format: request.format }),
    ...(request.file_mb === undefined ? {} : { file_bytes: request.file_mb * 1_000_000 }),
    ...(habit === undefined ? {} : { habit }),
  })
  // The store first: a missing secret shows before anything is read.
  const store = await app.storeOf(feed)
  await mkdir(app.dir, { recursive: true })
  const { sources, notes } = await stageRecords(request, { feed, partition, app })
  const { rejects_staged, ...result } = await deliverRecords(
    {
      sources,
      output,
      replace: request.replace,
      dry_run: request.dry_run,
      rejects_path: (id) =>
        request.rejects === undefined
          ? deliveryRejectsPath(app.rejects_dir, {
              ...{ feed: feed.name, partition: partition?.name, id },
            })
          : resolve(app.cwd, request.rejects),
      ...(partition === undefined ? {} : { partition }),
    },
    { ...app, feed, store, step: app.stepOf(feed.name) },
  )
  if (result.rejects_file !== undefined)
    await sweepDeliveryRejects(join(app.rejects_dir, feed.name), feed.retain_generations)
  const { delivery_id, state, code, message, deliveries } = result
  return {
    // What is looked for first stands first in a document.
    ...{ delivery_id, state, deliveries },
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...result,
    notes: [...notes, ...result.notes],
    store: store.url,
    seconds: (performance.now() - began) / 1000,
    rejects: readRejects(
      feed.name,
      rejects_staged === undefined
        ? []
        : [{ partition: partition?.name ?? '', path: rejects_staged }],
      app.openDuckdb,
    ),
  }
}

/** What the receiver expects, as the feed that would receive it. */
async function receiver(
  request: DeliveryRequest,
  app: DeliveryApp,
): Promise<{ readonly feed: Feed; readonly habit?: PresetDelivery['sample'] }> {
  const { config, base_dir, cwd } = app
  const { contract, preset, feed: name, to } = request
  const named = [contract, preset, name].filter((each) => each !== undefined)
  if (named.length !== 1)
    throw new ExchangeError(
      'usage',
      named.length === 0
        ? 'Nothing says what the receiver expects.'
        : '--contract, --preset and --feed exclude each other.',
      { hint: 'Name one of --contract FILE, --preset NAME, --feed FEED.' },
    )
  const own = {
    ...(to === undefined ? {} : { store: to }),
    ...(request.prefix === undefined ? {} : { prefix: request.prefix }),
    ...(request.layout === undefined ? {} : { layout: request.layout }),
  }
  const settle = async (settings: FeedSettings) => {
    if (!Object.hasOwn(config.stores, settings.store))
      throw new ExchangeError('usage', `There is no store ${settings.store}.`, {
        hint: `The stores are: ${Object.keys(config.stores).join(', ') || 'none yet'}.`,
      })
    const { max_rejected_percent } = request
    const {
      max_rejected_rows,
      max_rejected_rows_per_object,
      max_rejected_percent_per_object,
      ...rest
    } = settings
    const budgeted =
      max_rejected_percent === undefined ? settings : { ...rest, max_rejected_percent }
    return feedOf(name ?? preset ?? 'delivery', budgeted, config, base_dir)
  }
  if (name !== undefined) {
    await app.feedNamed(name)
    const settings = config.feeds[name] as FeedSettings
    const feed = await settle({ ...settings, ...own })
    const habit =
      settings.preset === undefined ? undefined : PRESET_DELIVERY[settings.preset].sample
    return { feed, ...(habit === undefined ? {} : { habit }) }
  }
  if (to === undefined)
    throw new ExchangeError('usage', 'Nothing says where to deliver.', {
      hint: `Name a store with --to: ${Object.keys(config.stores).join(', ') || 'none yet'}.`,
    })
  if (preset !== undefined) {
    const feed = await settle(FeedSettings.parse({ ...own, store: to, preset }))
    return { feed, habit: PRESET_DELIVERY[preset].sample }
  }
  const path = resolve(cwd, contract ?? '')
  const layout = request.layout ?? (await layoutOf(path))
  const settings = FeedSettings.parse({ ...own, store: to, contract: path, layout })
  const feed = await settle(settings)
  const closed = request.marker && feed.publish === 'replace' && hasDirectories(parseLayout(layout))
  // Receivers that do not look for a marker pass over one.
  const completion = Completion.parse(
    closed ? { type: 'marker', name: '_SUCCESS' } : { type: 'immediate' },
  )
  return { feed: await settle({ ...settings, completion }) }
}

async function layoutOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ExchangeError('contract_not_found', `There is no contract ${path}.`, { cause })
  })
  const { contract } = parseContract(text, path)
  return plainDelivery(contract.service_levels.frequency ?? 'day').layout
}
