import { stat } from 'node:fs/promises'
import type { Benchmark, Goal } from '../benchmark.ts'
import { bucketlineWrite, type WriteFormat } from '../contenders/bucketline-write.ts'
import { airbyteRecords, RECORDS } from '../data/airbyte-records.ts'
import { rowsAt } from '../made-data.ts'
import { startObjectServer } from '../object-server.ts'
import { sizeText } from '../texts.ts'

const STREAMS = 50
const FORMATS: readonly WriteFormat[] = ['JSONL.gz', 'Parquet']

const nameOf = (format: WriteFormat, streams: number): string =>
  `Bucketline, ${format}, ${streams} ${streams === 1 ? 'stream' : 'streams'}`

/** What many streams cost beside one. */
export const sendStreams: Benchmark = {
  name: 'send-streams',
  title: 'Fifty interleaved streams',
  what: 'The records of `send-formats`, each of one of 50 streams at random, beside the same bytes as one stream. Every stream has objects of its own. The goals are less than 700 MB of memory, and no more than 1.5 times the time.',
  goals: FORMATS.flatMap((format): Goal[] => [
    {
      contender: nameOf(format, STREAMS),
      measure: 'peak_rss_bytes',
      at_most: 700e6,
      dominates: 'A block of each stream that is not full yet.',
    },
    {
      contender: nameOf(format, STREAMS),
      baseline: nameOf(format, 1),
      measure: 'seconds',
      at_most: 1.5,
      dominates: 'Fifty small objects and fifty manifests in place of one.',
    },
  ]),
  rounds: 3,
  async prepare(context) {
    const rows = rowsAt(context, RECORDS)
    const [many, one] = [
      await airbyteRecords(context, { rows, streams: STREAMS }),
      await airbyteRecords(context, { rows, streams: 1 }),
    ]
    const { size: bytes } = await stat(many.records)
    const server = await startObjectServer(context.server)
    return {
      data: `${sizeText(rows, { files: 1, bytes }, 'wrapped records')}, to ${server.title}`,
      warm: [many.records, one.records],
      contenders: FORMATS.flatMap((format) =>
        [many, one].map((records) =>
          bucketlineWrite(server, format, {
            name: nameOf(format, records.streams.length),
            records,
          }),
        ),
      ),
      close: server.stop,
    }
  },
}
