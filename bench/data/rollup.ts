import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Duckdb, literal } from '../../src/duckdb/duckdb.ts'

/** Columns of the made rollup with their types, as `COLUMNS` of other engines are derived from. */
export const ROLLUP_COLUMNS = {
  timestamp: 'TIMESTAMP',
  cnt: 'BIGINT',
  app_name: 'VARCHAR',
  bundle: 'VARCHAR',
  country: 'VARCHAR',
  device_name: 'VARCHAR',
  winning_bidder: 'VARCHAR',
  bid_cnt: 'BIGINT',
  bid_sum: 'BIGINT',
  revenue: 'DOUBLE',
} as const

/**
 * Records `from` to `to` of `rows` spread over a time from `start` on, in order of time, as one SELECT;
 * `timestamp` is text. Valid under the preset metamarkets-rollup.
 */
export function rollupSql(part: {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly start: string
  readonly seconds: number
}): string {
  const { from, to, rows, start, seconds } = part
  const draw = (salt: string, below: number) => `(hash(i, '${salt}') % ${below})::INTEGER`
  const one = (salt: string, words: readonly string[]) =>
    `[${words.map((w) => `'${w}'`).join(', ')}][1 + ${draw(salt, words.length)}]`
  return `
SELECT
  strftime(TIMESTAMP '${start}' + to_seconds(i * ${seconds} // ${rows}), '%Y-%m-%dT%H:%M:%S.000Z') AS "timestamp",
  1 + ${draw('cnt', 300)} AS cnt,
  'app ' || app AS app_name,
  'com.acme.app' || app AS bundle,
  ${one('country', ['USA', 'USA', 'USA', 'KOR', 'JPN', 'DEU', 'GBR', 'BRA', 'IND', 'FRA'])} AS country,
  ${one('device', ['iPhone', 'iPhone', 'iPad', 'Galaxy S', 'Nexus', 'other'])} AS device_name,
  ${one('bidder', ['John', 'Acme', 'Globex', 'Initech', 'none'])} AS winning_bidder,
  bids AS bid_cnt,
  bids * 5 AS bid_sum,
  bids / 8 AS revenue
FROM (
  -- Rollups are sorted by their dimensions within a second, so neighbours are alike.
  SELECT i, (i // 4) % 40 * 50 + ${draw('app', 40)} AS app, ${draw('bids', 100)} * 2 AS bids
  FROM range(${from}, ${to}) AS numbers(i)
)`
}

/** Writes records as gzip JSON lines, as DuckDB writes them. */
export async function writeRollup(db: Duckdb, select: string, path: string): Promise<void> {
  await db.run(`COPY (${select}) TO ${literal(path)} (FORMAT json, COMPRESSION gzip)`)
}

/**
 * As `writeRollup`, with every hundredth line bad: in turn cut off, of a wrong type, and no JSON.
 * Returns how many are bad.
 */
export async function writeRollupWithBadLines(
  db: Duckdb,
  select: string,
  path: string,
): Promise<number> {
  const plain = `${path}.plain`
  await db.run(`COPY (${select}) TO ${literal(plain)} (FORMAT json)`)
  let line = 0
  let bad = 0
  const spoil = (text: string): string => {
    line += 1
    if (line % 100 !== 50) return text
    bad += 1
    if (bad % 3 === 0) return text.slice(0, text.length / 2)
    if (bad % 3 === 1) return text.replace(/"cnt":(\d+)/, '"cnt":"$1"')
    return `ERROR the exporter lost its connection at record ${line}`
  }
  const gzip = createGzip({ level: 6 })
  const written = pipeline(gzip, createWriteStream(path))
  let batch = ''
  for await (const text of createInterface({ input: createReadStream(plain) })) {
    batch += `${spoil(text)}\n`
    if (batch.length < 1 << 20) continue
    if (!gzip.write(batch)) await once(gzip, 'drain')
    batch = ''
  }
  gzip.end(batch)
  await written
  await rm(plain)
  return bad
}
