import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import type { ObjectStore } from '../../src/store/store.ts'

/**
 * Deliveries for loads that are killed: one feed for each way of publishing, with duplicates inside
 * and across partitions, rejects, redelivered, added and removed objects, winners that are withdrawn
 * and partitions that are refused. Small, so that a load takes a second.
 */
export const CRASH_FEEDS = {
  /** Replaced days of Parquet, one row per id in the whole feed. */
  events: { preset: 'hackle-events', deduplicate: { scope: 'feed' }, max_rejected_percent: 50 },
  /** Hours of JSON lines, appended. */
  auctions: { preset: 'metamarkets-rollup', max_rejected_percent: 50 },
  /** Profiles in CSV, upserted. */
  users: { preset: 'toplyne-users', max_rejected_percent: 50 },
} as const

/** What is served before the loads that are killed. */
export async function deliverFirst(store: ObjectStore): Promise<void> {
  await writeDay(store, '01', { a: [1, 20], b: [15, 30] })
  await writeDay(store, '02', { a: [25, 50] })
  await store.write(auctionKey('05', 'a'), auctions('05', [1, 10], 2))
  await store.write(auctionKey('05', 'b'), auctions('05', [11, 20]))
  for (const [name, range] of [['a', [1, 10]] as const, ['b', [1, 10]] as const])
    await store.write(auctionKey('06', name), auctions('06', range))
  await store.write(auctionKey('06', 'c'), auctions('06', [31, 40]))
  await store.write(userKey('01', 'a'), bytesOf(users('01', [1, 100])))
  await store.write(userKey('02', 'a'), bytesOf(users('02', [10, 30])))
}

/** What the killed loads find. */
export async function deliverSecond(store: ObjectStore): Promise<void> {
  // Ids 25 to 30 leave the day that had won them, so that the next day serves them again.
  await writeDay(store, '01', { a: [1, 10], b: [15, 24] })
  await writeDay(store, '02', { b: [60, 70] })
  await writeDay(store, '03', { a: [45, 80], b: [80, 90] })
  await writeDay(store, '04', { a: [100, 110] }, 'every row is bad')
  await writeDay(store, '05', { a: [85, 120] })
  await store.write(auctionKey('05', 'c'), auctions('05', [21, 30], 1))
  await store.write(auctionKey('06', 'a'), auctions('06', [5, 8]))
  await store.delete([auctionKey('06', 'c')])
  await store.write(auctionKey('07', 'a'), auctions('07', [1, 50], 3))
  await store.write(auctionKey('08', 'a'), auctions('08', [1, 1], 9))
  await store.write(auctionKey('09', 'a'), auctions('09', [1, 5]))
  // Users 16 to 20 are no longer in the later day: their older rows come back.
  await store.write(userKey('02', 'a'), bytesOf(users('02', [10, 15])))
  await store.write(userKey('03', 'a'), bytesOf(users('03', [1, 5]) + users('03', [3, 12], '')))
  await store.write(
    userKey('04', 'a'),
    bytesOf('USER_ID,UPDATED_AT,Country\n1,yesterday,KR\n2,never,FR\n'),
  )
  await store.write(userKey('05', 'a'), bytesOf(users('05', [30, 40])))
}

type Range = readonly [first: number, last: number]

const auctionKey = (hour: string, name: string) => `auctions/y=2023/m=01/d=02/H=${hour}/${name}.gz`
const userKey = (day: string, name: string) => `users/updated_at=2023-01-${day}/${name}.csv`

const bytesOf = (text: string) => new TextEncoder().encode(text)

const numbers = ([first, last]: Range) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

function auctions(hour: string, range: Range, bad_lines = 0): Uint8Array {
  const lines = numbers(range).map((cnt) =>
    JSON.stringify({ timestamp: `2023-01-02T${hour}:10:00Z`, cnt, country: 'KR', bid_sum: 1.5 }),
  )
  const bad = Array.from({ length: bad_lines }, () => '{"cnt": ,}')
  return gzipSync(`${[...lines, ...bad].join('\n')}\n`)
}

function users(day: string, range: Range, header = 'USER_ID,UPDATED_AT,Country\n'): string {
  const rows = numbers(range).map((id) => `${id},2023-01-${day} 10:00:00,C${day}\n`)
  return `${header}${rows.join('')}`
}

/** Objects of a day of events, the range of ids of each; the last row of each object is bad. */
async function writeDay(
  store: ObjectStore,
  day: string,
  objects: Readonly<Record<string, Range>>,
  all_bad = '',
): Promise<void> {
  for (const [name, [first, last]] of Object.entries(objects)) {
    const bytes = await parquet(`SELECT
      CASE WHEN i = ${last} OR ${all_bad !== ''} THEN 'no uuid' ELSE printf('%08d-0000-4000-8000-000000000000', i) END AS insert_id,
      'buy' AS event_key, TIMESTAMP '2023-01-${day} 03:00:00' + to_seconds(i) AS ts, 1.5::DECIMAL(24,6) AS metric_value,
      MAP {'id': 'i' || i, 'device_id': 'd' || i} AS identifiers, MAP {'k': '${day}${name}'} AS event_properties,
      MAP {'k': 'v'} AS user_properties, MAP {'osname': 'iOS', 'appversion': '1.0'} AS platform_properties
      FROM range(${first}, ${last + 1}) t(i)`)
    await store.write(`events/dt=2023-01-${day}/${name}.parquet`, bytes)
  }
  await store.write(`events/dt=2023-01-${day}/_SUCCESS`, bytesOf(''))
}

async function parquet(select: string): Promise<Uint8Array> {
  const dir = join(tmpdir(), `crash-parquet-${randomUUID()}`)
  await mkdir(dir)
  try {
    await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(dir, 'spill') })
    const path = join(dir, 'made.parquet')
    await duckdb.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`)
    return await readFile(path)
  } finally {
    await rm(dir, { recursive: true })
  }
}
