import type { Expected } from './expected.ts'
import { deliverHackleDay } from './hackle-events.ts'
import { gzip, type Inbox, jsonLines } from './inbox.ts'
import { auctionFolder, auctions, deliverAuctionHour } from './metamarkets-rollup.ts'
import { deliverAccounts, deliverActionDay, deliverUsers } from './toplyne-tables.ts'

/** Who delivers what, and when. Each function says what the next load is to make of it. */

const NIGHT = '2023-01-04T01:10:00Z'
const EVENT_ROWS = 10_000
const AUCTION_ROWS = 8000
/** The file of the midnight hour whose upload broke off at first. */
const BROKEN_UPLOAD = { hour: '2023-01-04T00', at: NIGHT, rows: 2000 }
const BROKEN_UPLOAD_KEY = `${auctionFolder(BROKEN_UPLOAD.hour)}/part-2.gz`

/** What lies in the inbox on the morning of 4 January 2023, half an hour before the deadline in Seoul. */
export async function deliverMorning(inbox: Inbox): Promise<readonly Expected[]> {
  const whole = gzip(jsonLines(auctions(BROKEN_UPLOAD)))
  const expected = [
    await deliverHackleDay(inbox, {
      day: '2023-01-01',
      at: '2023-01-01T18:40:00Z',
      rows: EVENT_ROWS,
      duplicates: 12,
      without_device_id: 8,
      identifiers_as_text: true,
    }),
    await deliverHackleDay(inbox, {
      day: '2023-01-02',
      at: '2023-01-03T05:10:00Z',
      rows: EVENT_ROWS,
      duplicates: 30,
      late: 40,
      bad_insert_ids: 15,
    }),
    await deliverAuctionHour(inbox, {
      hour: '2023-01-04T00',
      at: NIGHT,
      rows: AUCTION_ROWS,
      defects: true,
    }),
    await deliverAuctionHour(inbox, {
      hour: '2023-01-04T02',
      at: '2023-01-04T03:05:00Z',
      rows: AUCTION_ROWS,
      deals: true,
    }),
    await deliverActionDay(inbox, {
      day: '2023-01-01',
      at: '2023-01-02T02:00:00Z',
      rows: 4000,
      format: 'csv.gz',
      defects: true,
    }),
    await deliverActionDay(inbox, {
      day: '2023-01-02',
      at: '2023-01-03T02:00:00Z',
      rows: 4000,
      format: 'jsonl.zst',
    }),
    await deliverActionDay(inbox, {
      day: '2023-01-03',
      at: '2023-01-04T02:00:00Z',
      rows: 4000,
      format: 'parquet',
    }),
    await deliverUsers(inbox, {
      day: '2023-01-01',
      at: '2023-01-02T02:00:00Z',
      from: 0,
      to: 1999,
      without_key: 3,
    }),
    await deliverUsers(inbox, {
      day: '2023-01-02',
      at: '2023-01-03T02:00:00Z',
      from: 0,
      to: 299,
      superseded: 20,
    }),
    await deliverAccounts(inbox, {
      day: '2023-01-02',
      at: '2023-01-03T02:00:00Z',
      from: 0,
      to: 199,
      without_key: 1,
    }),
  ]
  // No load: 3 January is still being written, one upload broke off, one folder is misspelt.
  await deliverHackleDay(inbox, {
    day: '2023-01-03',
    at: '2023-01-04T03:20:00Z',
    rows: EVENT_ROWS,
    half_written: true,
  })
  await inbox.write(BROKEN_UPLOAD_KEY, whole.subarray(0, Math.floor(whole.length / 2)), NIGHT)
  await inbox.write('auctions/y=2023/m=1/d=04/H=00/part-3.gz', whole, NIGHT)
  return expected
}

/** Corrections, late arrivals, and a day that is delivered again and worse than before. */
export async function deliverLater(inbox: Inbox): Promise<readonly Expected[]> {
  const at = '2023-01-04T04:20:00Z'
  await inbox.write(BROKEN_UPLOAD_KEY, gzip(jsonLines(auctions(BROKEN_UPLOAD))), at)
  return [
    await deliverHackleDay(inbox, {
      day: '2023-01-01',
      at,
      rows: EVENT_ROWS + 150,
      duplicates: 12,
    }),
    await deliverHackleDay(inbox, {
      day: '2023-01-02',
      at,
      rows: EVENT_ROWS,
      broken_exporter: true,
    }),
    await deliverHackleDay(inbox, { day: '2023-01-03', at, rows: EVENT_ROWS }),
    {
      feed: 'auctions',
      partition: BROKEN_UPLOAD.hour,
      state: 'published',
      rows_read: BROKEN_UPLOAD.rows,
      duplicates: 0,
      rejected: {},
    },
    await deliverAuctionHour(inbox, { hour: '2023-01-04T01', at, rows: AUCTION_ROWS }),
    await deliverUsers(inbox, { day: '2023-01-03', at, from: 200, to: 499 }),
  ]
}

/** The partner mends the exporter and delivers 2 January once more. */
export async function deliverMended(inbox: Inbox): Promise<readonly Expected[]> {
  return [
    await deliverHackleDay(inbox, {
      day: '2023-01-02',
      at: '2023-01-04T05:20:00Z',
      rows: EVENT_ROWS,
    }),
  ]
}
