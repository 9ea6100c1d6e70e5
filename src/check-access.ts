import type { AccessCheck, AccessStep } from './core/access.ts'
import type { Config, FeedSettings, StoreSettings } from './core/config.ts'
import type { Destination } from './core/destination/destination.ts'
import { ExchangeError } from './core/errors.ts'
import { keyBase } from './core/layout/key-role.ts'
import { checkLayout, type LayoutReport, takenBy } from './exchange/check.ts'
import { controlKeys } from './exchange/send/control.ts'
import { feedOf, named } from './read-feed.ts'
import { accessFailed, probeAccess } from './store/access.ts'
import { resolveSecret } from './store/credentials.ts'
import { openAccess } from './store/open-access.ts'
import type { StoreEnvironment } from './store/open-store.ts'

export interface CheckReport {
  readonly store: string
  readonly feed?: string
  /** What was checked: `s3://bucket/prefix`. */
  readonly url: string
  /** No step that is needed failed. */
  readonly ok: boolean
  readonly checks: readonly AccessCheck[]
  /** Of a feed whose prefix could be listed. */
  readonly layout?: LayoutReport
}

export interface CheckOptions {
  /** Also writes, and deletes again, one object. */
  readonly write: boolean
  /** Longest time for each step, in milliseconds. */
  readonly deadline_ms: number
  readonly signal: AbortSignal
  readonly onStep?: (step: AccessStep) => void
}

/**
 * Probes a store, or a feed's store under the feed's prefix, step by step; a failed step is a result and no
 * error. Throws `target_not_found`, and what is wrong with the configuration itself.
 */
export async function checkAccess(
  name: string,
  options: CheckOptions,
  from: {
    readonly config: Config
    readonly config_file: string
    readonly env: StoreEnvironment
    readonly now: () => Date
  },
): Promise<CheckReport> {
  const { config, env, now } = from
  const feed = Object.hasOwn(config.feeds, name)
    ? await feedOf(name, config.feeds[name] as FeedSettings, config, env.base_dir)
    : undefined
  const store = feed?.store ?? name
  const settings = Object.hasOwn(config.stores, store) ? config.stores[store] : undefined
  if (settings === undefined) throw notFound(name, from)
  const access = await openAccess(settings, env, {
    prefix: keyBase(feed?.prefix ?? settings.prefix),
    write: options.write,
    ...(feed === undefined ? {} : { prefers: takenBy(feed, now()) }),
  }).catch((cause: unknown) => {
    throw named(`Store ${store}`, cause)
  })
  await using held = access
  const checks: AccessCheck[] = []
  let layout: LayoutReport | undefined
  for await (const check of probeAccess(held, options)) {
    checks.push(check)
    if (feed === undefined || check.step !== 'list' || check.result !== 'ok') continue
    const read = checkLayout(feed, held.listed() ?? { objects: [], more: false }, now())
    layout = read.report
    checks.push({
      step: 'layout',
      needed: true,
      asked: feed.layout.template,
      ...read.finding,
      seconds: 0,
    })
  }
  return {
    store,
    ...(feed === undefined ? {} : { feed: feed.name }),
    url: held.url,
    ok: !accessFailed(checks),
    checks,
    ...(layout === undefined ? {} : { layout }),
  }
}

/**
 * Probes whether a destination can be written to, under the constant part of its path: listing, one object
 * put whole and in parts, and both deleted again. Reading is not asked for: a sync reads only what it wrote.
 */
export async function checkDestination(
  settings: StoreSettings,
  destination: Pick<Destination, 'bucket_path'>,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>
    readonly base_dir: string
    readonly deadline_ms: number
    readonly signal: AbortSignal
    readonly onStep?: (step: AccessStep) => void
  },
): Promise<readonly AccessCheck[]> {
  const { base_dir, env } = options
  await using access = await openAccess(
    settings,
    { base_dir, resolveSecret: (secret) => resolveSecret(secret, { env, base_dir }) },
    { prefix: controlKeys(destination.bucket_path).prefix, write: true },
  )
  const checks: AccessCheck[] = []
  for await (const check of probeAccess(access, options)) checks.push(check)
  return checks
}

function notFound(
  name: string,
  { config, config_file }: { readonly config: Config; readonly config_file: string },
): ExchangeError {
  const list = (names: readonly string[]) => names.join(', ') || 'none yet'
  return new ExchangeError(
    'target_not_found',
    `There is neither a store nor a feed ${name} in ${config_file}.`,
    {
      hint: `The stores are: ${list(Object.keys(config.stores))}. The feeds are: ${list(Object.keys(config.feeds))}.`,
    },
  )
}
