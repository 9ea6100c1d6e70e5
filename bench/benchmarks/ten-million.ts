import { join } from 'node:path'
import type { Benchmark } from '../benchmark.ts'
import { bucketlineLoad } from '../contenders/bucketline.ts'
import { rowsAt, sizeOf } from '../made-data.ts'
import { sizeText } from '../texts.ts'
import { hackleDelivery } from './hackle-day.ts'

const ROWS = 10_000_000

/** Memory of a load that is far larger than what it may use. */
export const tenMillion: Benchmark = {
  name: 'ten-million',
  title: 'Ten million events in a gigabyte',
  what: 'The preset `hackle-events` with 10 M rows of the same kind in 20 files, and `memory_limit: 1GB`. The limit is DuckDB’s; the process as a whole is to stay below 1.5 GB.',
  goals: [
    {
      contender: 'Bucketline',
      measure: 'peak_rss_bytes',
      at_most: 1.5e9,
      dominates: 'What DuckDB takes beside the memory it accounts for.',
    },
  ],
  rounds: 3,
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const store = await hackleDelivery(context, { rows, files: 20 })
    const day = join(store, 'dt=2023-01-01')
    const size = await sizeOf(day)
    return {
      data: sizeText(rows, { ...size, files: 20 }, 'snappy Parquet'),
      warm: [day],
      contenders: [
        await bucketlineLoad(
          context,
          { store, feed: 'events', settings: { preset: 'hackle-events' } },
          { expected: { rows_published: rows }, memory_limit: '1GB' },
        ),
      ],
    }
  },
}
