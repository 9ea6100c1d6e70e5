import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineLoad } from '../contenders/bucketline.ts'
import { chdbStatement, duckdbStatement } from '../contenders/sql.ts'
import { hackleEventsSql } from '../data/hackle-events.ts'
import { madeData, rowsAt, sizeOf } from '../made-data.ts'
import { sizeText } from '../texts.ts'

const ROWS = 2_000_000
const FILES = 4

/** A day of events with maps, as the preset hackle-events describes it, against inserts that check nothing. */
export const hackleDay: Benchmark = {
  name: 'hackle-day',
  title: 'A day of events with maps',
  what: 'The preset `hackle-events`: 2 M rows of 8 columns, four of them maps of 3 to 8 keys, in 4 snappy Parquet files. Bucketline proves every row (types, UUIDs, required keys, the day), looks for duplicates and upper-case keys, and publishes; the others copy the rows into a table of their own and check nothing.',
  goals: [
    {
      contender: 'Bucketline',
      baseline: 'DuckDB',
      measure: 'seconds',
      at_most: 0.7,
      dominates:
        'Writing 39 M pairs of the maps as Parquet: DuckDB alone takes half of the load for a plain copy of the files. Looking at the keys of the maps takes a sixth, eight declared keys as columns of their own a tenth, duplicates a twentieth.',
    },
    {
      contender: 'Bucketline',
      baseline: 'chdb',
      measure: 'seconds',
      at_most: 2,
      dominates:
        'Writing 39 M pairs of the maps as Parquet: DuckDB alone takes half of the load for a plain copy of the files. Looking at the keys of the maps takes a sixth, eight declared keys as columns of their own a tenth, duplicates a twentieth.',
    },
  ],
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const store = await hackleDelivery(context, { rows, files: FILES })
    const day = join(store, 'dt=2023-01-01')
    const files = `${day}/*.parquet`
    const size = await sizeOf(day)
    return {
      data: sizeText(rows, { ...size, files: FILES }, 'snappy Parquet'),
      warm: [day],
      contenders: [
        await bucketlineLoad(
          context,
          { store, feed: 'events', settings: { preset: 'hackle-events' } },
          { expected: { rows_published: rows } },
        ),
        duckdbStatement(context, {
          timed: `CREATE TABLE events AS SELECT * FROM read_parquet(${literal(files)})`,
          count: 'SELECT count(*) FROM events',
          rows,
        }),
        ...(await chdbStatement(context, {
          before: [
            'CREATE DATABASE bench',
            `CREATE TABLE bench.events (
              insert_id String, event_key String, ts DateTime64(6, 'UTC'), metric_value Decimal(24, 6),
              identifiers Map(String, String), event_properties Map(String, String),
              user_properties Map(String, String), platform_properties Map(String, String)
            ) ENGINE = MergeTree ORDER BY tuple()`,
          ],
          timed: `INSERT INTO bench.events SELECT * FROM file(${literal(files)}, Parquet)`,
          count: 'SELECT count() FROM bench.events',
          rows,
        })),
      ],
    }
  },
}

/** A store with one complete day of so many valid rows. */
export function hackleDelivery(
  context: Context,
  of: { readonly rows: number; readonly files: number },
): Promise<string> {
  const { rows, files } = of
  return madeData(
    context,
    { name: `hackle-day-in-${files}`, version: 3, rows },
    async (dir, db) => {
      const day = join(dir, 'dt=2023-01-01')
      await mkdir(day)
      for (let file = 0; file < files; file++) {
        const [from, to] = [0, 1].map((end) => Math.floor((rows * (file + end)) / files))
        const path = join(day, `${String(file).padStart(12, '0')}.parquet`)
        await db.run(
          `COPY (${hackleEventsSql({ from: from ?? 0, to: to ?? 0, rows })}) TO ${literal(path)} (FORMAT parquet, CODEC 'snappy')`,
        )
      }
      await writeFile(join(day, '_SUCCESS'), '')
    },
  )
}
