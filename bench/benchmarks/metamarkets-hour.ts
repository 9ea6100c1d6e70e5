import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineLoad } from '../contenders/bucketline.ts'
import { chdbStatement, duckdbStatement } from '../contenders/sql.ts'
import { ROLLUP_COLUMNS, rollupSql, writeRollup, writeRollupWithBadLines } from '../data/rollup.ts'
import { madeData, rowsAt, sizeOf } from '../made-data.ts'
import { countText, sizeText } from '../texts.ts'

const ROWS = 2_000_000
const FILES = 4
const HOUR = 'y=2014/m=03/d=05/H=04'
const START = '2014-03-05 04:00:00'

/** An hour of JSON lines, clean and with bad lines, against inserts that are told the types. */
export const metamarketsHour: Benchmark = {
  name: 'metamarkets-hour',
  title: 'An hour of JSON lines, clean and not',
  what: 'The preset `metamarkets-rollup`: 2 M records of 10 fields as JSON lines in 4 gzip files. Bucketline is told two of the fields and finds the others; it proves every line to be RFC 8259, flat, and in its hour. The others are told every column’s type. In the hour with bad lines every hundredth is cut off, has a text for a number, or is no JSON: Bucketline keeps each with its reason and publishes the rest; the others are given the clean hour.',
  goals: [
    {
      contender: 'Bucketline',
      baseline: 'chdb',
      measure: 'seconds',
      at_most: 1.3,
      dominates:
        'The lines are gone through twice: a quarter of the load expands and proves them byte by byte, half of it reads the values, judges them and writes Parquet; the ledger and the start of threads are the rest.',
    },
    {
      contender: 'Bucketline, 1 % bad lines',
      baseline: 'chdb',
      measure: 'seconds',
      at_most: 2,
      dominates:
        'The valid rows are written by one pass; which rows are refused, and why, is then looked for in a second one, over JSON values instead of typed ones.',
    },
  ],
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const clean = await rollupHour(context, rows)
    const spoilt = await spoiltHour(context, rows)
    const files = join(clean, HOUR, '*.gz')
    const size = await sizeOf(join(clean, HOUR))
    const settings = { preset: 'metamarkets-rollup', max_rejected_percent: 5 }
    const columns = Object.entries(ROLLUP_COLUMNS)
    return {
      data: `${sizeText(rows, size, 'gzip JSON lines')}; ${countText(spoilt.bad)} bad lines in the other hour`,
      warm: [clean, spoilt.store],
      contenders: [
        await bucketlineLoad(
          context,
          { store: clean, feed: 'auctions', settings },
          { expected: { rows_published: rows } },
        ),
        await bucketlineLoad(
          context,
          { store: spoilt.store, feed: 'auctions', settings },
          {
            name: 'Bucketline, 1 % bad lines',
            expected: { rows_published: rows - spoilt.bad, rejected: spoilt.bad },
          },
        ),
        ...(await chdbStatement(context, {
          before: [
            'CREATE DATABASE bench',
            `CREATE TABLE bench.auctions (${columns.map(([name, type]) => `${name} ${CLICKHOUSE[type]}`).join(', ')}) ENGINE = MergeTree ORDER BY tuple()`,
            "SET date_time_input_format = 'best_effort'",
          ],
          timed: `INSERT INTO bench.auctions SELECT * FROM file(${literal(files)}, JSONEachRow, ${literal(columns.map(([name, type]) => `${name} ${CLICKHOUSE[type]}`).join(', '))})`,
          count: 'SELECT count() FROM bench.auctions',
          rows,
        })),
        duckdbStatement(context, {
          timed: `CREATE TABLE auctions AS SELECT * FROM read_json(${literal(files)}, format = 'newline_delimited', columns = {${columns.map(([name, type]) => `"${name}": '${type}'`).join(', ')}})`,
          count: 'SELECT count(*) FROM auctions',
          rows,
        }),
      ],
    }
  },
}

const CLICKHOUSE = {
  TIMESTAMP: 'DateTime64(3)',
  BIGINT: 'Int64',
  VARCHAR: 'String',
  DOUBLE: 'Float64',
} as const

/** A store with one hour of so many valid records. */
export const rollupHour = (context: Context, rows: number): Promise<string> =>
  madeData(context, { name: 'rollup-hour', version: 1, rows }, async (dir, db) => {
    for (const { select, path } of await parts(dir, rows)) await writeRollup(db, select, path)
  })

/** The same hour with every hundredth line bad. */
async function spoiltHour(context: Context, rows: number) {
  const dir = await madeData(
    context,
    { name: 'rollup-hour-spoilt', version: 1, rows },
    async (into, db) => {
      let bad = 0
      for (const { select, path } of await parts(join(into, 'store'), rows))
        bad += await writeRollupWithBadLines(db, select, path)
      await writeFile(join(into, 'bad.json'), String(bad))
    },
  )
  return {
    store: join(dir, 'store'),
    bad: JSON.parse(await readFile(join(dir, 'bad.json'), 'utf8')) as number,
  }
}

async function parts(store: string, rows: number) {
  await mkdir(join(store, HOUR), { recursive: true })
  return Array.from({ length: FILES }, (_, file) => {
    const from = Math.floor((rows * file) / FILES)
    const to = Math.floor((rows * (file + 1)) / FILES)
    return {
      select: rollupSql({ from, to, rows, start: START, seconds: 3600 }),
      path: join(store, HOUR, `part-${file}.gz`),
    }
  })
}
