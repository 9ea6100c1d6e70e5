import { randomOf, uuidOf } from '../../src/core/contract/sample-random.ts'
import { counted, type Expected } from './expected.ts'
import { DAY_MS, type Inbox, type Row, timeWithin } from './inbox.ts'

/** A day of an app's events, as the preset `hackle-events` describes it. */
export interface HackleDay {
  readonly day: string
  /** When the last object was delivered, ISO 8601. */
  readonly at: string
  readonly rows: number
  /** Events sent twice, with the same insert_id. */
  readonly duplicates?: number
  /** Events of the evening before. */
  readonly late?: number
  /** Events of a device whose id was lost. */
  readonly without_device_id?: number
  /** Events whose insert_id is no UUID. */
  readonly bad_insert_ids?: number
  /** A release of the exporter that forgets the app's version on iOS. */
  readonly broken_exporter?: boolean
  /** The second file has identifiers as JSON text: the partner's guide shows both. */
  readonly identifiers_as_text?: boolean
  /** Only the first of the two files is there, and no _SUCCESS. */
  readonly half_written?: boolean
}

const EVENTS = [
  ['session_start', 0.28],
  ['view_product', 0.37],
  ['search', 0.15],
  ['add_to_cart', 0.13],
  ['purchase', 0.07],
] as const
const CATEGORIES = ['LEISURE', 'FASHION', 'BEAUTY', 'FOOD', 'HOME'] as const
const PHONES = [
  { osname: 'Android', osversion: '12', devicevendor: 'samsung', devicemodel: 'SM-S908N' },
  { osname: 'Android', osversion: '13', devicevendor: 'Google', devicemodel: 'Pixel 7' },
  { osname: 'iOS', osversion: '16.0.2', devicevendor: 'Apple', devicemodel: 'iPhone14,2' },
] as const
const DEVICES = 2000

const MAP = 'MAP(VARCHAR, VARCHAR)'
const TYPES = {
  insert_id: 'VARCHAR',
  event_key: 'VARCHAR',
  ts: 'TIMESTAMP',
  metric_value: 'DECIMAL(24, 6)',
  identifiers: MAP,
  event_properties: MAP,
  user_properties: MAP,
  platform_properties: MAP,
}

/** Writes the day's two files, then `_SUCCESS`. Says what a load is to make of them. */
export async function deliverHackleDay(inbox: Inbox, day: HackleDay): Promise<Expected> {
  const events = hackleEvents(day)
  const half = Math.ceil(events.length / 2)
  const folder = `events/dt=${day.day}`
  await inbox.writeParquet(`${folder}/000000000000.parquet`, events.slice(0, half), {
    types: TYPES,
    at: day.at,
  })
  if (!day.half_written) {
    const second = events.slice(half)
    await inbox.writeParquet(
      `${folder}/000000000001.parquet`,
      day.identifiers_as_text ? second.map(withIdentifiersAsText) : second,
      {
        types: day.identifiers_as_text ? { ...TYPES, identifiers: 'VARCHAR' } : TYPES,
        at: day.at,
      },
    )
    await inbox.write(`${folder}/_SUCCESS`, '', day.at)
  }
  return {
    feed: 'events',
    partition: day.day,
    state: day.broken_exporter ? 'refused' : 'published',
    rows_read: events.length,
    duplicates: day.duplicates ?? 0,
    rejected: counted({
      out_of_partition: day.late ?? 0,
      missing_key:
        (day.without_device_id ?? 0) + (day.broken_exporter ? events.filter(isBroken).length : 0),
      invalid_format: day.bad_insert_ids ?? 0,
    }),
  }
}

/** The day's events in order of time, the defective ones first in the file, events sent twice at its end. */
export function hackleEvents(day: HackleDay): Row[] {
  const { late = 0, without_device_id = 0, bad_insert_ids = 0, duplicates = 0 } = day
  const seed = Math.floor(Date.parse(day.day) / DAY_MS)
  const events = Array.from({ length: day.rows }, (_, index) => {
    const event = hackleEvent(day, seed, index)
    // Each defect takes a run of rows of its own, so that a row has one defect only.
    if (index < late) return { ...event, ts: timeWithin(day.day, DAY_MS, -(index + 1) / 500) }
    if (index < late + without_device_id) return withoutKey(event, 'identifiers', 'device_id')
    if (index < late + without_device_id + bad_insert_ids)
      return { ...event, insert_id: `order-${5000 + index}` }
    return day.broken_exporter && event.platform_properties.osname === 'iOS'
      ? withoutKey(event, 'platform_properties', 'appversion')
      : event
  })
  return [...events, ...events.slice(events.length - duplicates)]
}

function hackleEvent(day: HackleDay, seed: number, index: number) {
  const random = randomOf(seed, index)
  const insert_id = uuidOf(random, seed, index)
  const event_key = chosen(random.next())
  const device = random.below(DEVICES)
  const phone = PHONES[device % PHONES.length] ?? PHONES[0]
  const price = (random.below(90) + 10) * 500
  const product = String(33_000 + random.below(900))
  return {
    insert_id,
    event_key,
    ts: timeWithin(day.day, DAY_MS, (index + random.next()) / day.rows),
    metric_value: event_key === 'purchase' ? price.toFixed(2) : '0.0',
    identifiers: {
      id: `8fb8e088-9245-4fce-bb87-${String(device).padStart(12, '0')}`,
      device_id: `89ABCDEF-${String(device).padStart(8, '0')}`,
      session_id: `16597${seed}.${device}`,
      ...(device % 4 === 0 ? {} : { user_id: String(49_000 + device) }),
    },
    event_properties:
      event_key === 'session_start'
        ? {}
        : { product_id: product, product_category: random.pick(CATEGORIES) },
    user_properties: {
      grade: device % 11 === 0 ? 'GOLD' : 'SILVER',
      date_signed: `2022-0${1 + (device % 9)}-01`,
    },
    platform_properties: {
      ...phone,
      appversion: phone.osname === 'iOS' ? '6.9.3' : '6.9.0',
      language: device % 5 === 0 ? 'en' : 'ko',
      platform: 'Mobile',
    },
  }
}

function chosen(share: number): string {
  let sum = 0
  for (const [name, weight] of EVENTS) {
    sum += weight
    if (share < sum) return name
  }
  return 'purchase'
}

const isBroken = (event: Row): boolean =>
  !('appversion' in (event.platform_properties as Record<string, string>))

const withIdentifiersAsText = (event: Row): Row => ({
  ...event,
  identifiers: JSON.stringify(event.identifiers),
})

function withoutKey<T extends Row>(event: T, column: keyof T & string, key: string): T {
  const { [key]: _gone, ...rest } = event[column] as Record<string, string>
  return { ...event, [column]: rest }
}
