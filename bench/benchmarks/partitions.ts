import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineLoad, loadedBefore } from '../contenders/bucketline.ts'
import { rollupSql, writeRollup } from '../data/rollup.ts'
import { madeData, rowsAt } from '../made-data.ts'
import { countText } from '../texts.ts'

const STATES = [10_000, 1_000, 0] as const
const ROWS = 100_000
const SETTINGS = { preset: 'metamarkets-rollup', look_back: '1s' }
const HOUR_MS = 3_600_000
/** The hour that is loaded next. */
const NEXT = Date.parse('2015-06-01T00:00:00Z')

const named = (partitions: number) =>
  partitions === 0 ? 'after none' : `after ${countText(partitions)} partitions`

/** The next hour of a feed with much behind it, and of one with nothing. */
export const partitions: Benchmark = {
  name: 'partitions',
  title: 'The next load, with history',
  what: 'The preset `metamarkets-rollup` with 10,000 hours loaded before, with 1,000 and with none, each loaded through the product; then an hour of 100,000 records arrives. `process` counts here: finding the hour is part of it. A partition is closed one second after its load (`look_back: 1s`), as old hours are after a week; closed ones are looked at again in turn, 24 a run. The very first run of an installation makes the ledger; that once costs seconds and memory.',
  goals: [
    {
      contender: named(10_000),
      baseline: named(0),
      measure: 'process_seconds',
      at_most: 1.1,
      dominates: 'The ledger is asked for more: known directories and what they hold.',
    },
    {
      contender: named(1_000),
      baseline: named(0),
      measure: 'process_seconds',
      at_most: 1.1,
      dominates: 'The ledger is asked for more: known directories and what they hold.',
    },
  ],
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const contenders = []
    const stores = []
    for (const full of STATES) {
      const hours = Math.round(full * context.scale)
      const store = await hoursBefore(context, hours, rows)
      stores.push(store)
      const at = {
        store,
        feed: 'auctions',
        settings: SETTINGS,
      }
      const after = await loadedBefore(context, `hours-${hours}`, {
        at,
        expected: { loads: hours, rows_published: hours },
        flags: ['--to', partitionOf(NEXT - HOUR_MS)],
      })
      contenders.push(
        await bucketlineLoad(context, at, {
          name: named(full),
          expected: { rows_published: rows },
          after,
        }),
      )
    }
    contenders.push(
      await bucketlineLoad(
        context,
        { store: stores.at(-1) ?? '', feed: 'auctions', settings: SETTINGS },
        { name: 'the very first run', expected: { rows_published: rows }, first_ever: true },
      ),
    )
    return {
      data: `${countText(rows)} rows in the hour that is loaded; one row in each hour before`,
      warm: stores.map((store) => join(store, folderOf(NEXT))),
      contenders,
    }
  },
}

/** A store with so many hours of one record, and after them one of `rows`. */
const hoursBefore = (context: Context, hours: number, rows: number): Promise<string> =>
  madeData(context, { name: `hours-${hours}`, version: 1, rows }, async (dir, db) => {
    for (let back = hours; back > 0; back--) {
      const at = NEXT - back * HOUR_MS
      const folder = join(dir, folderOf(at))
      await mkdir(folder, { recursive: true })
      const record = { timestamp: new Date(at).toISOString(), cnt: 1, app_name: `app ${back}` }
      await writeFile(join(folder, 'part-0.gz'), gzipSync(`${JSON.stringify(record)}\n`))
    }
    const folder = join(dir, folderOf(NEXT))
    await mkdir(folder, { recursive: true })
    const start = new Date(NEXT).toISOString().slice(0, 19).replace('T', ' ')
    await writeRollup(
      db,
      rollupSql({ from: 0, to: rows, rows, start, seconds: 3600 }),
      join(folder, 'part-0.gz'),
    )
  })

function folderOf(time: number): string {
  const iso = new Date(time).toISOString()
  return `y=${iso.slice(0, 4)}/m=${iso.slice(5, 7)}/d=${iso.slice(8, 10)}/H=${iso.slice(11, 13)}`
}

const partitionOf = (time: number): string => new Date(time).toISOString().slice(0, 13)
