import type { FeedSettings } from './config.ts'
import type { Contract } from './contract/contract.ts'
import { ExchangeError } from './errors.ts'
import type { ErrorBudget, Feed } from './feed.ts'
import { parseLayout } from './layout/layout.ts'
import { parsePartition } from './partition.ts'
import type { PresetDelivery } from './presets.ts'
import { Completion, Format } from './settings.ts'

export interface FeedSources {
  readonly contract: Contract
  /** Text the contract was read from; its hash tells when it changes. */
  readonly contract_text: string
  /** What the feed's preset says of layout, format and completion. */
  readonly preset?: PresetDelivery
  /** Prefix of the feed's store. */
  readonly store_prefix: string
  /** A short digest of a text. */
  readonly hash: (text: string) => string
}

/**
 * Settles every setting of a feed: its own, then its preset's and its contract's, then the
 * defaults. Throws `config_invalid` for what is missing or contradicts itself.
 */
export function resolveFeed(name: string, settings: FeedSettings, sources: FeedSources): Feed {
  const { contract, preset } = sources
  const template = settings.layout ?? preset?.layout
  if (template === undefined)
    throw invalid(
      name,
      'has no layout',
      'Give it a `layout` such as dt={yyyy}-{MM}-{dd}/{file}.parquet, or a `preset`.',
    )
  const layout = parseLayout(template, { zone: settings.partition_zone ?? 'UTC' })
  const publish = settings.publish ?? contract.publish ?? 'replace'
  if (publish === 'upsert' && contract.key.length === 0)
    throw invalid(
      name,
      'is to upsert, but its contract has no primary key',
      'Mark the key with `primaryKey: true`, or choose another `publish`.',
    )
  const deduplicate = settings.deduplicate ?? contract.deduplicate
  if (deduplicate.scope !== 'partition' && contract.key.length === 0)
    throw invalid(
      name,
      'looks for duplicates, but its contract has no primary key',
      'Mark the key with `primaryKey: true`.',
    )
  if (settings.start !== undefined) parsePartition(settings.start, layout.zone)
  const decided = {
    layout,
    format: settings.format ?? preset?.format ?? Format.parse({ type: 'auto' }),
    completion:
      settings.completion ?? preset?.completion ?? Completion.parse({ type: 'immediate' }),
    publish,
    deduplicate,
    new_columns: settings.columns ?? contract.new_columns,
    ...(settings.start === undefined ? {} : { start: settings.start }),
    ignore: settings.ignore,
    budget: budgetOf(settings, contract),
  }
  return {
    name,
    store: settings.store,
    prefix: folder(sources.store_prefix) + folder(settings.prefix),
    contract,
    ...decided,
    look_back_ms: settings.look_back,
    recheck: settings.recheck,
    retain_generations: settings.retain_generations,
    contract_hash: sources.hash(sources.contract_text),
    settings_hash: sources.hash(JSON.stringify(decided)),
  }
}

/** A prefix is a folder: `data/auctions` and `data/auctions/` are the same one. */
const folder = (prefix: string) => (prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`)

/** Without any setting 1 % of a partition's rows may be refused. */
function budgetOf(settings: FeedSettings, contract: Contract): ErrorBudget {
  const percent =
    settings.max_rejected_percent ??
    contract.service_levels.error_rate_percent ??
    (settings.max_rejected_rows === undefined ? 1 : undefined)
  return {
    ...(settings.max_rejected_rows === undefined ? {} : { rows: settings.max_rejected_rows }),
    ...(percent === undefined ? {} : { percent }),
    ...(settings.max_rejected_rows_per_object === undefined
      ? {}
      : { rows_per_object: settings.max_rejected_rows_per_object }),
    ...(settings.max_rejected_percent_per_object === undefined
      ? {}
      : { percent_per_object: settings.max_rejected_percent_per_object }),
  }
}

const invalid = (feed: string, what: string, hint: string) =>
  new ExchangeError('config_invalid', `Feed ${feed} ${what}.`, { hint })
