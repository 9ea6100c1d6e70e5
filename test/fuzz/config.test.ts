import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect } from 'vitest'
import { parse, stringify } from 'yaml'
import { ExchangeError } from '../../src/core/errors.ts'
import { keyReader } from '../../src/core/layout/key-role.ts'
import { readConfig } from '../../src/read-config.ts'
import { feedOf } from '../../src/read-feed.ts'
import { fuzz, watchForHangs } from './fuzz.ts'
import { changed, changes, type Data, slip, slipped, wordsOf } from './mutate.ts'

watchForHangs()

const dir = mkdtempSync(join(tmpdir(), 'fuzz-config-'))
afterAll(() => rmSync(dir, { recursive: true }))
const path = join(dir, 'bucketline.yaml')

/** In every place where one may stand; it must not come back in a message. */
const SECRET = 'hunter2-s3cr3t'
const text = `data_dir: .bucketline
memory_limit: 1GB
threads: 2
ledger: { url: postgres://u:${SECRET}@127.0.0.1/db }
stores:
  metamx:
    type: s3
    bucket: metamx-acme-share
    region: us-east-1
    endpoint: http://127.0.0.1:9000
    force_path_style: true
    auth: { type: access_key, access_key_id: { env: KEY }, secret_access_key: ${SECRET} }
  role:
    type: s3
    bucket: b
    auth: { type: assume_role, role_arn: 'arn:aws:iam::1:role/r', external_id: { file: id.txt } }
  g: { type: gcs, bucket: b, auth: { type: service_account, key: ${SECRET} } }
  inbox: { type: local, path: ./inbox, prefix: a/b }
feeds:
  auctions: { store: metamx, prefix: data/auctions/, preset: metamarkets-rollup }
  users: { store: inbox, preset: toplyne-users, look_back: 3d, recheck: 5, retain_generations: 2 }
  events:
    store: inbox
    preset: hackle-events
    layout: dt={yyyy}-{MM}-{dd}/{file}.parquet
    completion: { type: marker, name: _SUCCESS }
    deduplicate: { scope: days, days: 2 }
    start: '2023-01-01'
    ignore: ['_temporary/**', '*.crc']
    partition_zone: Asia/Seoul
    max_rejected_percent: 1
    max_rejected_rows: 5
  csv:
    store: g
    preset: toplyne-events
    publish: append
    columns: rescue
    format:
      type: csv
      delimiter: ';'
      quote: "'"
      null_text: ['', 'NULL']
      header: [a, b]
      encoding: euc-kr
      times: { formats: ['%d.%m.%Y'], epoch_unit: ms, zone: UTC }
  lines:
    store: role
    preset: toplyne-accounts
    format: { type: jsonl, max_depth: 5, repair: [empty_value], max_row_bytes: 1000 }
    completion: { type: quiet_period, quiet: 15m }
`
const document = parse(text) as Data
const words = [...wordsOf(document)].filter((word) => !word.includes(SECRET))

const original = new Map<string, string>()
beforeAll(async () => {
  writeFileSync(path, text)
  const { feeds } = await readConfig(path)
  for (const [name, settings] of Object.entries(feeds)) original.set(name, JSON.stringify(settings))
})

/** Reads it as the commands do. Whatever is wrong has a code, a hint, a place, and no secret in it. */
async function use(content: string): Promise<void> {
  writeFileSync(path, content)
  try {
    const config = await readConfig(path)
    for (const [name, settings] of Object.entries(config.feeds)) {
      // Reading presets is most of the time, and tells nothing of a feed that is as it was.
      if (original.get(name) === JSON.stringify(settings)) continue
      const feed = await feedOf(name, settings, config, dir)
      keyReader(feed)
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error
    expect([
      'config_invalid',
      'layout_invalid',
      'contract_invalid',
      'partition_invalid',
      'zone_invalid',
      'usage',
    ]).toContain(error.code)
    expect(error.message).not.toContain(SECRET)
    expect(error.hint).not.toBe('')
  }
}

fuzz(
  'config: a configuration with things changed in it is read, or refused by name',
  fc.array(changes(words), { minLength: 1, maxLength: 4 }),
  async (cases) => {
    for (const list of cases)
      await use(JSON.stringify(list.reduce<Data>((all, one) => changed(all, one), document)))
  },
)

fuzz(
  'config: a text with slips in it is read, or refused by name',
  fc.array(slip, { minLength: 1, maxLength: 4 }),
  async (cases) => {
    for (const list of cases) await use(list.reduce(slipped, text))
  },
)

fuzz(
  'config: settings of a feed with things changed in them are read, or refused by name',
  fc.record({
    feed: fc.constantFrom('events', 'csv', 'lines', 'users'),
    list: fc.array(changes(words), { minLength: 1, maxLength: 3 }),
  }),
  async (cases) => {
    for (const { feed, list } of cases) {
      const { feeds, ...rest } = document as unknown as { feeds: Record<string, Data> }
      const settings = list.reduce<Data>((all, one) => changed(all, one), feeds[feed] as Data)
      await use(stringify({ ...rest, feeds: { [feed]: settings } }))
    }
  },
)
