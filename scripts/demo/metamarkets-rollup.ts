import { randomOf } from '../../src/core/contract/sample-random.ts'
import type { Expected } from './expected.ts'
import { gzip, HOUR_MS, type Inbox, jsonLines, type Row, timeWithin } from './inbox.ts'

/** An hour of advertising auctions, as the preset `metamarkets-rollup` describes it. */
export interface AuctionHour {
  /** `2023-01-04T00`. */
  readonly hour: string
  /** When it was delivered, ISO 8601. */
  readonly at: string
  readonly rows: number
  /** Lines that a load refuses, one of each kind there is. */
  readonly defects?: boolean
  /** A field that earlier hours did not have. */
  readonly deals?: boolean
}

const COUNTRIES = [
  { country: 'USA', paid: 4.1 },
  { country: 'JPN', paid: 3.2 },
  { country: 'KOR', paid: 2.7 },
  { country: 'DEU', paid: 2.4 },
  { country: 'BRA', paid: 0.8 },
  { country: 'IND', paid: 0.4 },
] as const
const APPS = [
  { app_name: 'Chess Club', bundle: 'com.example.chess' },
  { app_name: 'Daily Weather', bundle: 'com.example.weather' },
  { app_name: 'Metro Maps', bundle: 'com.example.metro' },
  { app_name: 'Word Garden', bundle: 'com.example.words' },
] as const
const DEVICES = ['iPhone', 'iPad', 'Galaxy S22', 'Pixel 7'] as const
const BIDDERS = ['John', 'Northwind', 'Contoso', 'Fabrikam'] as const

/** Writes the hour as two gzip files; with defects, some of the lines are refused. */
export async function deliverAuctionHour(inbox: Inbox, hour: AuctionHour): Promise<Expected> {
  const records = auctions(hour)
  const half = Math.ceil(records.length / 2)
  const wrong = hour.defects ? defectiveLines(hour.hour) : []
  const first = jsonLines(records.slice(0, half)) + wrong.map(([, line]) => `${line}\n`).join('')
  await inbox.write(`${auctionFolder(hour.hour)}/part-0.gz`, gzip(first), hour.at)
  await inbox.write(
    `${auctionFolder(hour.hour)}/part-1.gz`,
    gzip(jsonLines(records.slice(half))),
    hour.at,
  )
  const rejected: Record<string, number> = {}
  for (const [code] of wrong) rejected[code] = (rejected[code] ?? 0) + 1
  return {
    feed: 'auctions',
    partition: hour.hour,
    state: 'published',
    rows_read: records.length + wrong.length,
    duplicates: 0,
    rejected,
  }
}

/** `auctions/y=2023/m=01/d=04/H=00`. */
export const auctionFolder = (hour: string): string =>
  `auctions/y=${hour.slice(0, 4)}/m=${hour.slice(5, 7)}/d=${hour.slice(8, 10)}/H=${hour.slice(11)}`

/** Rolled-up records, one per permutation of dimensions and second or so. */
export function auctions({ hour, rows, deals }: AuctionHour): Row[] {
  const seed = Math.floor(Date.parse(`${hour}:00:00Z`) / HOUR_MS)
  return Array.from({ length: rows }, (_, index) => {
    const random = randomOf(seed, index)
    const { country, paid } = random.pick(COUNTRIES)
    const cnt = 20 + random.below(200)
    const bid_cnt = cnt * (1 + random.below(3))
    const imp_cnt = Math.floor(cnt * (0.3 + 0.5 * random.next()))
    return {
      timestamp: `${timeWithin(`${hour}:00:00Z`, HOUR_MS, (index + random.next()) / rows).replace(' ', 'T')}Z`,
      cnt,
      ...random.pick(APPS),
      country,
      device_name: random.pick(DEVICES),
      winning_bidder: random.pick(BIDDERS),
      bid_cnt,
      bid_sum: bid_cnt * (2 + random.below(7)),
      imp_cnt,
      revenue: Math.round(imp_cnt * paid * (0.8 + 0.4 * random.next())) / 1000,
      ...(deals ? { deal_id: `deal-${1 + random.below(5)}` } : {}),
    }
  })
}

/** Lines and the code each is refused with. The first is the sample that the partner's own guide prints. */
function defectiveLines(hour: string): readonly (readonly [code: string, line: string])[] {
  const fields = '"app_name":"Chess Club","country":"USA"'
  const before = timeWithin(`${hour}:00:00Z`, HOUR_MS, -0.001).replace(' ', 'T')
  return [
    [
      'invalid_json',
      `{ "timestamp": "${hour}:58:23.200Z", "cnt" : 100, "app_name" : "Metamarkets", "bundle" : , "country": "USA", "device_name": "iPhone", "winning_bidder": "John", "bid_cnt": 200, "bid_sum" : 1000 }`,
    ],
    ['invalid_json', `{"timestamp":"${hour}:12:09.000Z","cnt":41,"app_na`],
    ['wrong_type', `{"timestamp":"${hour}:20:00.000Z","cnt":"12",${fields}}`],
    ['wrong_type', `{"timestamp":"${hour}:21:00.000Z","cnt":1.5,${fields}}`],
    ['missing_column', `{"timestamp":"${hour}:22:00.000Z",${fields}}`],
    ['nested_value', `{"timestamp":"${hour}:23:00.000Z","cnt":3,"app":{"name":"Chess Club"}}`],
    ['out_of_partition', `{"timestamp":"${before}Z","cnt":7,${fields}}`],
  ]
}
