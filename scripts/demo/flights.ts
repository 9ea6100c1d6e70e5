import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import { counted, type Expected } from './expected.ts'
import type { Inbox } from './inbox.ts'

/** Limits of `delay` in the contract, said again here so that the check does not ask what it checks. */
const EARLIEST = -180
const LATEST = 1440

/**
 * Cuts the Parquet file of all flights into one file a day. Its column `date` is a timestamp without a
 * zone, in minutes of the airport's clock; nothing else is changed.
 */
export async function deliverFlights(
  inbox: Inbox,
  source: string,
  at: string,
): Promise<readonly Expected[]> {
  const target = join(inbox.dir, 'flights')
  await rm(target, { recursive: true, force: true })
  // One thread writes one file a day; with more, a day that two of them meet has two.
  await inbox.duckdb.run('SET threads = 1')
  await inbox.duckdb.run(
    `COPY (SELECT *, CAST(date AS DATE) AS day FROM read_parquet(${literal(source)}))
     TO ${literal(target)} (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (day))`,
  )
  await inbox.duckdb.run('RESET threads')
  const days = await inbox.duckdb.all<{ day: string; flights: number; impossible: number }>(
    `SELECT CAST(CAST(date AS DATE) AS VARCHAR) AS day, CAST(count(*) AS INTEGER) AS flights,
       CAST(count(*) FILTER (delay NOT BETWEEN ${EARLIEST} AND ${LATEST}) AS INTEGER) AS impossible
     FROM read_parquet(${literal(source)}) GROUP BY ALL ORDER BY day`,
  )
  const expected: Expected[] = []
  for (const { day, flights, impossible } of days) {
    await inbox.date(`flights/day=${day}/data_0.parquet`, at)
    expected.push({
      feed: 'flights',
      partition: day,
      state: 'published',
      rows_read: flights,
      duplicates: 0,
      rejected: counted({ out_of_range: impossible }),
    })
  }
  return expected
}
