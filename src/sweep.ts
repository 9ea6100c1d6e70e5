import { join } from 'node:path'
import { FeedSettings } from './core/config.ts'
import { sweepSpill } from './duckdb/spill.ts'
import {
  deliveryReceivers,
  type SweepReport,
  sweepDeliveryRejects,
  sweepFeed,
  sweepStaging,
} from './exchange/sweep.ts'
import type { Ports } from './open-ports.ts'

/** Removes what nothing needs of the feeds that are named; of all of them, and of deliveries to none, without names. */
export async function sweep(feeds: readonly string[], ports: Ports): Promise<SweepReport[]> {
  const { config, engine, paths, now } = ports
  const ledger = await ports.openLedger('loader')
  await ledger.recover(now(), config.ledger === undefined)
  await sweepStaging({ ledger, paths, now })
  await sweepSpill(paths.spill)
  const reports: SweepReport[] = []
  for (const feed of await ports.feedsOf(feeds)) {
    const { name, retain_generations } = feed
    const dataset = await sweepFeed(feed, { ledger, engine, paths, now })
    const aside = await sweepDeliveryRejects(join(paths.rejects, name), retain_generations)
    const files = dataset.files + aside.files
    reports.push({ feed: name, files, bytes: dataset.bytes + aside.bytes })
  }
  if (feeds.length > 0) return reports
  // Deliveries by a preset or a contract alone go to no feed of the configuration.
  const retain = FeedSettings.shape.retain_generations.parse(undefined)
  for (const name of await deliveryReceivers(paths.rejects)) {
    if (Object.hasOwn(config.feeds, name)) continue
    const aside = await sweepDeliveryRejects(join(paths.rejects, name), retain)
    if (aside.files > 0) reports.push({ feed: name, ...aside })
  }
  return reports
}
