import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Benchmark, Contender, Context } from '../benchmark.ts'
import { bucketlineVersion, loadedBefore, root, timesOf } from '../contenders/bucketline.ts'
import { duckdbVersionText } from '../contenders/sql.ts'
import { rollupSql, writeRollup } from '../data/rollup.ts'
import { isThere, madeData, rowsAt, wholeOrNothing } from '../made-data.ts'
import { measure } from '../measure.ts'
import { quantile } from '../statistics.ts'
import { countText } from '../texts.ts'

const ROWS = 10_000_000
const DAY = '2014-03-05'
/** Runs of each query in a round, after one that is not counted. */
const TIMES = 10

/** What somebody who explores a day asks; `auctions` is the dataset, and the native table’s name. */
const QUERIES = {
  totals: `SELECT sum(cnt) AS cnt, sum(bid_cnt) AS bid_cnt, sum(bid_sum) AS bid_sum, sum(revenue) AS revenue FROM auctions`,
  series: `SELECT time_bucket(INTERVAL 15 MINUTE, "timestamp") AS "time", sum(cnt) AS cnt, sum(revenue) AS revenue FROM auctions GROUP BY 1 ORDER BY 1`,
  top_10: `SELECT app_name, sum(revenue) AS revenue, sum(bid_sum) / sum(bid_cnt) AS average_bid FROM auctions WHERE country = 'KOR' AND device_name <> 'other' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`,
}

/** Queries of a dashboard on what Bucketline has loaded, and on a table of DuckDB’s own. */
export const explore: Benchmark = {
  name: 'explore',
  title: 'Exploring ten million rows',
  what: `A day of 10 M rollup records in 24 hours, loaded by Bucketline, and the same rows in a native DuckDB table. Totals of four metrics, a series by 15 minutes, and the top 10 of one dimension with a filter on two others, each ${TIMES} times in a round after one time that is not counted. Bucketline answers through its query path: every query opens a DuckDB of its own over the Parquet files that the ledger names; the native table stays open.`,
  goals: [
    {
      contender: 'Bucketline',
      baseline: 'DuckDB table',
      measure: 'seconds',
      at_most: 2,
      dominates: 'Decompressing the columns.',
    },
    {
      contender: 'Bucketline',
      measure: 'p95',
      at_most: 0.2,
      dominates: 'Decompressing the columns.',
    },
  ],
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const store = await rollupDay(context, rows)
    const loaded = await loadedBefore(context, `explore-${rows}`, {
      at: { store, feed: 'auctions', settings: { preset: 'metamarkets-rollup' } },
      expected: { rows_published: rows, loads: 24 },
    })
    const data = join(loaded, 'data')
    const native = await nativeTable(context, loaded, rows)
    return {
      data: `${countText(rows)} rows of 10 columns`,
      warm: [join(data, 'datasets'), native],
      contenders: [
        asked(context, {
          name: 'Bucketline',
          version: bucketlineVersion,
          request: { type: 'engine', data_dir: data, feed: 'auctions' },
        }),
        asked(context, {
          name: 'DuckDB table',
          version: duckdbVersionText,
          request: { type: 'native', database: join(native, 'native.duckdb') },
        }),
      ],
    }
  },
}

function asked(
  context: Context,
  of: { readonly name: string; readonly version: string; readonly request: object },
): Contender {
  const { threads, memory_limit } = context
  return {
    name: of.name,
    version: of.version,
    command: Object.values(QUERIES).join('; '),
    seconds_of: 'the median of all queries',
    async run(dir) {
      const request = { ...of.request, threads, memory_limit, queries: QUERIES, times: TIMES, dir }
      const run = await measure(
        process.execPath,
        [join(root, 'bench/children/explore-queries.ts'), JSON.stringify(request)],
        { cwd: dir },
      )
      const { seconds } = JSON.parse(run.stdout) as { seconds: Record<string, number[]> }
      const all = Object.values(seconds)
        .flat()
        .sort((a, b) => a - b)
      const medians = Object.entries(seconds).map(([name, each]) => [
        name,
        quantile(
          each.toSorted((a, b) => a - b),
          0.5,
        ),
      ])
      return {
        ...timesOf(run),
        seconds: quantile(all, 0.5),
        figures: { ...Object.fromEntries(medians), p95: quantile(all, 0.95) },
      }
    },
  }
}

const rollupDay = (context: Context, rows: number): Promise<string> =>
  madeData(context, { name: 'rollup-day', version: 1, rows }, async (dir, db) => {
    for (let hour = 0; hour < 24; hour++) {
      const two = String(hour).padStart(2, '0')
      const folder = join(dir, `y=2014/m=03/d=05/H=${two}`)
      await mkdir(folder, { recursive: true })
      const from = Math.floor((rows * hour) / 24)
      const to = Math.floor((rows * (hour + 1)) / 24)
      await writeRollup(
        db,
        // Each hour begins at its own start: `rows` and `seconds` are the hour's.
        rollupSql({
          from: 0,
          to: to - from,
          rows: to - from,
          start: `${DAY} ${two}:00:00`,
          seconds: 3600,
        }),
        join(folder, 'part-0.gz'),
      )
    }
  })

/** The very rows that Bucketline published, in a table; made again with them. */
async function nativeTable(context: Context, loaded: string, rows: number): Promise<string> {
  const dir = join(loaded, 'native')
  if (await isThere(dir)) return dir
  context.note(`making ${dir}`)
  await wholeOrNothing(dir, async (unfinished) => {
    const { stdout } = await measure(
      process.execPath,
      [
        join(root, 'bench/children/duckdb-statement.ts'),
        JSON.stringify({
          database: join(unfinished, 'native.duckdb'),
          threads: context.threads,
          memory_limit: context.memory_limit,
          timed: `CREATE TABLE auctions AS SELECT * FROM read_parquet(${literal(join(loaded, 'data/datasets/**/*.parquet'))}, union_by_name = true, hive_partitioning = false)`,
          count: 'SELECT count(*) FROM auctions',
        }),
      ],
      { cwd: unfinished },
    )
    const made = JSON.parse(stdout) as { rows: number }
    if (made.rows !== rows)
      throw new Error(`the native table has ${made.rows} rows, wanted ${rows}`)
  })
  return dir
}
