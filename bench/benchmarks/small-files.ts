import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineLoad } from '../contenders/bucketline.ts'
import { rollupSql, writeRollup } from '../data/rollup.ts'
import { madeData, rowsAt } from '../made-data.ts'
import { countText } from '../texts.ts'

const ROWS = 1_000_000
const HOUR = 'y=2014/m=03/d=05/H=04'
const START = '2014-03-05 04:00:00'
const MANY = 10_000
const FEW = 10

/** One hour cut into very many objects, and into few. */
export const smallFiles: Benchmark = {
  name: 'small-files',
  title: 'Ten thousand files in one hour',
  what: 'The preset `metamarkets-rollup`: 1 M records in 10,000 gzip files of 100 records, and the same records in 10 files. Each file is an object of its own: listed, fetched, proved and recorded.',
  goals: [],
  rounds: 3,
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const many = Math.max(FEW + 1, Math.round(MANY * context.scale))
    const contenders = []
    const warm = []
    for (const files of [many, FEW]) {
      const store = await hourOf(context, rows, files)
      warm.push(store)
      contenders.push(
        await bucketlineLoad(
          context,
          { store, feed: 'auctions', settings: { preset: 'metamarkets-rollup' } },
          { name: files === FEW ? '10 files' : '10,000 files', expected: { rows_published: rows } },
        ),
      )
    }
    return {
      data: `${countText(rows)} rows in ${countText(many)} and in ${FEW} files`,
      warm,
      contenders,
    }
  },
}

const hourOf = (context: Context, rows: number, files: number): Promise<string> =>
  madeData(context, { name: `rollup-in-${files}-files`, version: 1, rows }, async (dir, db) => {
    await mkdir(join(dir, HOUR), { recursive: true })
    for (let file = 0; file < files; file++) {
      const from = Math.floor((rows * file) / files)
      const to = Math.floor((rows * (file + 1)) / files)
      await writeRollup(
        db,
        rollupSql({ from, to, rows, start: START, seconds: 3600 }),
        join(dir, HOUR, `part-${String(file).padStart(5, '0')}.gz`),
      )
    }
  })
