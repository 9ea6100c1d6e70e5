import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { AppOptions } from './app.ts'
import { createContractTools } from './contract-tools.ts'
import type { FeedSettings } from './core/config.ts'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { PRESET_DELIVERY, type PresetDelivery } from './core/presets.ts'
import { clockOf } from './process-env.ts'
import { readConfig } from './read-config.ts'
import { readFeed } from './read-feed.ts'

/** Contracts by feed, preset or file; a configuration is read only when a feed's name is asked for. */
export async function openContracts(options: AppOptions) {
  const file = resolve(options.cwd, options.config_file)
  const spill_dir = join(tmpdir(), `bucketline-${process.pid}`)
  return createContractTools({
    now: clockOf(options.env),
    duckdb: { memory_limit: '1GB', spill_dir },
    feedContract: async (name) => {
      const config = await readConfig(file).catch((cause: unknown) => {
        if (cause instanceof ExchangeError && cause.code === 'config_not_found') return undefined
        throw cause
      })
      if (config === undefined || !Object.hasOwn(config.feeds, name)) return undefined
      const settings = config.feeds[name] as FeedSettings
      const { feed, text } = await readFeed(name, settings, config, dirname(file))
      const delivery = {
        layout: feed.layout.template,
        format: feed.format,
        completion: feed.completion,
        sample:
          settings.preset === undefined ? sampleOf(feed) : PRESET_DELIVERY[settings.preset].sample,
      }
      const store = config.stores[feed.store]
      if (store === undefined) throw new Error(`feed ${name} has no store`)
      return {
        source: `feed ${name}`,
        text,
        delivery,
        zone: feed.layout.zone,
        received: { feed, store },
      }
    },
  })
}

/** What a sample of a feed is written as, where no preset says so. */
function sampleOf(feed: Feed): PresetDelivery['sample'] {
  const template = feed.layout.template.toLowerCase()
  const suffix = /\.(parquet|csv)(\.gz)?$/.exec(template)?.[1] as 'parquet' | 'csv' | undefined
  const format = feed.format.type === 'auto' ? (suffix ?? 'jsonl') : feed.format.type
  return {
    format,
    compression: format !== 'parquet' && template.endsWith('.gz') ? 'gzip' : 'none',
  }
}
