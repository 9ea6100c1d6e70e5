import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineLoad, loadedBefore } from '../contenders/bucketline.ts'
import { madeData, rowsAt, sizeOf } from '../made-data.ts'
import { countText, sizeText } from '../texts.ts'

const DELIVERED = 1_000_000
const BASES = [5_000_000, 1_000_000, 0] as const
const BASE_DAY = '2023-01-01'
const DAY = '2023-01-02'

const named = (base: number) =>
  base === 0 ? 'into an empty feed' : `into ${base / 1_000_000} M profiles`

/** The same number of profiles upserted into feeds of different sizes. */
export const toplyneUpsert: Benchmark = {
  name: 'toplyne-upsert',
  title: 'A million profiles upserted',
  what: 'The preset `toplyne-users`: a delivery of 1 M rows in one Parquet file, nine of ten for users that are there already, spread over all of them, loaded into a feed of 5 M profiles, of 1 M and of none. The cost is to follow the delivery, not the table.',
  goals: [
    {
      contender: named(BASES[0]),
      baseline: named(BASES[1]),
      measure: 'seconds',
      at_most: 1.25,
      dominates: 'The keys of the whole feed are read to find the rows that the delivery beats.',
    },
  ],
  async prepare(context) {
    const delivered = rowsAt(context, DELIVERED)
    const stores = await Promise.all(
      BASES.map((base) => profiles(context, base === 0 ? 0 : rowsAt(context, base), delivered)),
    )
    const size = await sizeOf(join(stores[0] ?? '', `updated_at=${DAY}`))
    const contenders = []
    for (const [which, base] of BASES.entries()) {
      const rows = base === 0 ? 0 : rowsAt(context, base)
      const at = {
        store: stores[which] ?? '',
        feed: 'users',
        settings: { preset: 'toplyne-users' },
      }
      const after = await loadedBefore(context, `users-${rows}`, {
        at,
        expected: { rows_published: rows, loads: base === 0 ? 0 : 1 },
        flags: ['--partition', BASE_DAY],
      })
      contenders.push(
        await bucketlineLoad(context, at, {
          name: named(base),
          expected: { rows_published: delivered },
          after,
        }),
      )
    }
    return {
      data: `${sizeText(delivered, size, 'Parquet')}, ${countText(Math.floor(delivered * 0.9))} of them for users that are there`,
      warm: stores.map((store) => join(store, `updated_at=${DAY}`)),
      contenders,
    }
  },
}

/** A store with a day of `base` users and the next one with `delivered`; nine of ten of these are of the former. */
const profiles = (context: Context, base: number, delivered: number): Promise<string> =>
  madeData(context, { name: `users-${base}`, version: 1, rows: delivered }, async (dir, db) => {
    const write = async (day: string, numbers: string, count: number) => {
      const folder = join(dir, `updated_at=${day}`)
      await mkdir(folder)
      await db.run(
        `COPY (${usersSql(day, numbers, count)}) TO ${literal(join(folder, 'users.parquet'))} (FORMAT parquet, CODEC 'snappy')`,
      )
    }
    if (base > 0)
      await write(BASE_DAY, `SELECT i AS i, i AS n FROM range(${base}) AS numbers(i)`, base)
    const known = Math.floor(delivered * 0.9)
    await write(
      DAY,
      // Known users are taken at even distances, then come those whose numbers are new.
      `SELECT i AS i, CASE WHEN i < ${known} THEN i * ${Math.max(base, delivered)} // ${delivered} ELSE ${base} + i END AS n
       FROM range(${delivered}) AS numbers(i)`,
      delivered,
    )
  })

function usersSql(day: string, numbers: string, count: number): string {
  return `
SELECT
  'u-' || substr(md5('user' || n), 1, 20) AS USER_ID,
  TIMESTAMP '2020-01-01' + to_seconds((hash(n, 'since') % 90000000)::BIGINT) AS USER_CREATION_TIME,
  TIMESTAMP '${day}' + to_milliseconds(i * 86400000 // ${count}) AS UPDATED_AT,
  'user' || n || '@example.com' AS EMAIL,
  ['free', 'team', 'business'][1 + (hash(n, '${day}plan') % 3)::INTEGER] AS PLAN,
  ['US', 'IN', 'DE', 'KR', 'BR'][1 + (hash(n, 'country') % 5)::INTEGER] AS COUNTRY,
  (hash(n, '${day}seats') % 200)::INTEGER AS SEATS,
  (hash(n, '${day}score') % 10000) / 100.0::DOUBLE AS SCORE
FROM (${numbers})`
}
