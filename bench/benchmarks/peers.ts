import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineLoad } from '../contenders/bucketline.ts'
import { pythonJob } from '../contenders/python-job.ts'
import { rollupSql } from '../data/rollup.ts'
import { madeData, rowsAt, sizeOf } from '../made-data.ts'
import { sizeText } from '../texts.ts'
import { rollupHour } from './metamarkets-hour.ts'

const ROWS = 500_000
const HOUR = 'y=2014/m=03/d=05/H=04'

const goal = {
  contender: 'Bucketline',
  baseline: 'dlt',
  measure: 'seconds',
  at_most: 0.2,
} as const

/** JSON lines through a loader in Python. */
export const dltJson: Benchmark = {
  name: 'dlt-json',
  title: 'JSON lines, beside dlt',
  what: '500,000 rollup records as gzip JSON lines in 4 files. dlt reads them with its filesystem source and loads them into a DuckDB file; it infers the types and checks nothing else. The goal is to be five times as fast.',
  goals: [{ ...goal, dominates: 'The fixed cost of a load.' }],
  rounds: 3,
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const store = await rollupHour(context, rows)
    return {
      data: sizeText(rows, await sizeOf(store), 'gzip JSON lines'),
      warm: [store],
      contenders: [
        await bucketlineLoad(
          context,
          { store, feed: 'auctions', settings: { preset: 'metamarkets-rollup' } },
          { expected: { rows_published: rows } },
        ),
        ...(await dlt(context, { store, rows, format: 'jsonl', suffix: 'gz' })),
      ],
    }
  },
}

/** The same records as Parquet, which dlt hands through as Arrow. */
export const dltParquet: Benchmark = {
  name: 'dlt-parquet',
  title: 'Parquet, beside dlt',
  what: 'The same records in 4 flat Parquet files. dlt hands them through as Arrow tables, its fastest way. The goal is to be five times as fast.',
  goals: [
    { ...goal, dominates: 'The fixed cost of a load, beside which so few rows weigh little.' },
  ],
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const store = await rollupParquet(context, rows)
    const settings = {
      preset: 'metamarkets-rollup',
      layout: 'y={yyyy}/m={MM}/d={dd}/H={HH}/{file}.parquet',
      format: { type: 'parquet' },
    }
    return {
      data: sizeText(rows, await sizeOf(store), 'Parquet'),
      warm: [store],
      contenders: [
        await bucketlineLoad(
          context,
          { store, feed: 'auctions', settings },
          { expected: { rows_published: rows } },
        ),
        ...(await dlt(context, { store, rows, format: 'parquet', suffix: 'parquet' })),
      ],
    }
  },
}

const dlt = (
  context: Context,
  of: { store: string; rows: number; format: 'jsonl' | 'parquet'; suffix: string },
) =>
  pythonJob(context, {
    name: 'dlt',
    package: 'dlt',
    script: 'dlt_load.py',
    command: `pipeline.run(filesystem(…, file_glob="**/*.${of.suffix}") | ${of.format === 'jsonl' ? 'read_jsonl()' : 'read_parquet(use_pyarrow=True)'})`,
    seconds_of: 'pipeline.run alone',
    request: { store: of.store, glob: `**/*.${of.suffix}`, format: of.format },
    rows: of.rows,
  })

/** A store with an hour of rollup records as flat Parquet. */
const rollupParquet = (context: Context, rows: number): Promise<string> =>
  madeData(context, { name: 'rollup-parquet', version: 1, rows }, async (dir, db) => {
    await mkdir(join(dir, HOUR), { recursive: true })
    for (let file = 0; file < 4; file++) {
      const from = Math.floor((rows * file) / 4)
      const to = Math.floor((rows * (file + 1)) / 4)
      const records = rollupSql({ from, to, rows, start: '2014-03-05 04:00:00', seconds: 3600 })
      await db.run(
        `COPY (SELECT * REPLACE ("timestamp"::TIMESTAMPTZ AT TIME ZONE 'UTC' AS "timestamp") FROM (${records})) TO ${literal(join(dir, HOUR, `part-${file}.parquet`))} (FORMAT parquet, CODEC 'snappy')`,
      )
    }
  })
