import type { Feed } from '../src/core/feed.ts'
import { plan } from '../src/exchange/plan/plan.ts'
import type { Ledger } from '../src/ledger/ledger.ts'

/** Publishes all that a plan says, as loads would, without rows; gives the partitions' names. */
export async function publishAll(feed: Feed, ledger: Ledger, now: Date): Promise<string[]> {
  const { items } = await plan(feed, { ledger })
  for (const item of items) {
    const begun = await ledger.beginLoad({
      feed: feed.name,
      partition: item.partition,
      reason: item.reason,
      objects: item.objects,
      contract_hash: feed.contract_hash,
      settings_hash: feed.settings_hash,
      holder: 'test',
      lease_ms: 60_000,
      ...(item.expected_last_load === undefined
        ? {}
        : { expected_last_load: item.expected_last_load }),
      exclusive_feed: false,
      now,
    })
    if (begun === undefined) throw new Error(`${item.partition} could not be begun`)
    const none = { rows_read: 0, rows_published: 0, duplicates: 0, rejected: 0 }
    await ledger.publish(begun.load_id, {
      counts: { ...none, objects: item.objects.length, bytes: item.bytes },
      files: [],
      kept_files: [],
      objects: [],
      rejects: [],
      notes: [],
      republished: [],
      now,
    })
  }
  return items.map(({ partition }) => partition)
}
