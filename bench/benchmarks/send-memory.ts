import { stat } from 'node:fs/promises'
import type { Benchmark, Goal } from '../benchmark.ts'
import { bucketlineWrite, type WriteFormat } from '../contenders/bucketline-write.ts'
import { airbyteRecords, RECORDS } from '../data/airbyte-records.ts'
import { rowsAt } from '../made-data.ts'
import { startObjectServer } from '../object-server.ts'
import { bytesText, countText } from '../texts.ts'

/** How often the records are sent: 10 GB and 1.1 GB. */
const TIMES = { '10 GB': 35, '1 GB': 4 } as const
type Size = keyof typeof TIMES
const SIZES = Object.keys(TIMES) as readonly Size[]
const FORMATS: readonly WriteFormat[] = ['JSONL.gz', 'Parquet']

const nameOf = (format: WriteFormat, size: Size): string => `Bucketline, ${format}, ${size}`

/** Whether memory grows with what comes in. */
export const sendMemory: Benchmark = {
  name: 'send-memory',
  title: 'Ten gigabytes through a pipe',
  what: 'The records of `send-formats` sent 35 times in one stream, beside 4 times. Memory must not grow with the input: the goal is 1.15 times the peak at most, and less than 700 MB.',
  goals: FORMATS.flatMap((format): Goal[] => [
    {
      contender: nameOf(format, '10 GB'),
      baseline: nameOf(format, '1 GB'),
      measure: 'peak_rss_bytes',
      at_most: 1.15,
      dominates:
        'A part’s upload beside the columns of a row group, and what the collector has not looked at yet.',
    },
    {
      contender: nameOf(format, '10 GB'),
      measure: 'peak_rss_bytes',
      at_most: 700e6,
      dominates:
        'A part’s upload beside the columns of a row group, and what the collector has not looked at yet.',
    },
  ]),
  rounds: 1,
  async prepare(context) {
    const rows = rowsAt(context, RECORDS)
    const records = await airbyteRecords(context, { rows, streams: 1 })
    const { size: bytes } = await stat(records.records)
    const server = await startObjectServer(context.server)
    const data = SIZES.map(
      (size) => `${countText(rows * TIMES[size])} records, ${bytesText(bytes * TIMES[size])}`,
    )
    return {
      data: `${data.join('; ')}; to ${server.title}`,
      warm: [records.records],
      contenders: FORMATS.flatMap((format) =>
        SIZES.map((size) =>
          bucketlineWrite(server, format, {
            name: nameOf(format, size),
            records,
            times: TIMES[size],
          }),
        ),
      ),
      close: server.stop,
    }
  },
}
