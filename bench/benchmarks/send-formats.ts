import { stat } from 'node:fs/promises'
import type { Benchmark, Contender, Context, Goal } from '../benchmark.ts'
import { bucketlineWrite, WRITE_FORMATS, type WriteFormat } from '../contenders/bucketline-write.ts'
import { pythonWrite, type WriteJob } from '../contenders/python-write.ts'
import {
  type AirbyteRecords,
  airbyteRecords,
  RECORD_BYTES,
  RECORDS,
} from '../data/airbyte-records.ts'
import { rowsAt } from '../made-data.ts'
import { type ObjectServer, startObjectServer } from '../object-server.ts'
import { sizeText } from '../texts.ts'

const nameOf = (format: WriteFormat): string => `Bucketline, ${format}`

/** Bytes of input a second that a format is to take. */
const speed = (format: WriteFormat, rate: number, dominates: string): Goal => ({
  contender: nameOf(format),
  measure: 'seconds',
  at_most: RECORD_BYTES / rate,
  dominates,
})

/** Records of one stream in every format, beside what else would be taken for it. */
export const sendFormats: Benchmark = {
  name: 'send-formats',
  title: 'Airbyte records to a bucket, by format',
  what: '1 M Airbyte records with 12 flat fields come through a pipe, as a source writes them, and go to an S3 server on the same two cores; every result is read back and counted. Bucketline has the settings of a new connector but for the format. The goals are 250 MB of input a second for snappy Parquet, 200 MB for gzip JSON lines and CSV that keep the record as it is, 60 MB for Avro with deflate, and less than 700 MB of memory. Time alone is from the first input that is taken to the end of the process, as a start costs the same for any size; `process` has the start too. dlt reads the same pipe: its dictionaries are what its users write, its Arrow tables its fastest way. PyAirbyte alone cannot write to S3: it runs Airbyte’s S3 destination, which is a Docker image, or leaves that to Airbyte Cloud. What it does here is to read a source, which writes the same lines, into its DuckDB cache, and pyarrow then takes that to the server. pyarrow and polars are libraries without deliveries, states or restarts: they are the ceiling. polars is given the file in place of the pipe.',
  goals: [
    speed(
      'Parquet',
      250e6,
      'Processor time of the two cores: reading the pipe and finding each line’s stream, packing the columns, and compiling and collecting in three JavaScript threads, beside the reader and the server; the last row group comes after the last record.',
    ),
    speed('JSONL.gz', 200e6, 'Compression.'),
    speed('CSV.gz', 200e6, 'Compression.'),
    speed('Avro', 60e6, 'Compression, at level 6.'),
    ...(Object.keys(WRITE_FORMATS) as WriteFormat[]).map((format) => ({
      contender: nameOf(format),
      measure: 'peak_rss_bytes',
      at_most: 700e6,
      dominates: 'Blocks on their way between threads, and each thread’s own heap.',
    })),
  ],
  rounds: 3,
  async prepare(context) {
    const rows = rowsAt(context, RECORDS)
    const records = await airbyteRecords(context, { rows, streams: 1 })
    const server = await startObjectServer(context.server)
    const { size: bytes } = await stat(records.records)
    return {
      data: `${sizeText(rows, { files: 1, bytes }, 'wrapped records')}, to ${server.title}`,
      warm: [records.records],
      contenders: [
        ...(Object.keys(WRITE_FORMATS) as WriteFormat[]).map((format) =>
          bucketlineWrite(server, format, { name: nameOf(format), records }),
        ),
        ...(await peers(context, server, records)),
      ],
      close: server.stop,
    }
  },
}

async function peers(
  context: Context,
  server: ObjectServer,
  records: AirbyteRecords,
): Promise<Contender[]> {
  const dlt = (name: string, format: 'jsonl' | 'parquet', arrow: boolean): WriteJob => ({
    name,
    package: 'dlt',
    script: 'dlt_write.py',
    command: `pipeline(destination=filesystem("s3://…")).run(${arrow ? 'pyarrow.json.open_json(stdin), unwrapped' : 'orjson.loads(line)["record"]["data"] for line in stdin'}, loader_file_format="${format}")`,
    seconds_of: 'pipeline.run alone',
    stored: format,
    request: { format, arrow },
  })
  const jobs: readonly WriteJob[] = [
    dlt('dlt, JSONL.gz', 'jsonl', false),
    dlt('dlt, Parquet', 'parquet', false),
    dlt('dlt, Parquet from Arrow', 'parquet', true),
    {
      name: 'PyAirbyte, then pyarrow, Parquet',
      package: 'airbyte',
      list: 'requirements-airbyte',
      script: 'pyairbyte_write.py',
      command:
        'get_source("source-file", local_executable=…).read(cache=DuckDBCache(…))["events00"].to_arrow() | ParquetWriter("…", filesystem=S3FileSystem(…), compression="snappy")',
      seconds_of: 'reading into its cache (cache seconds), then writing Parquet',
      stored: 'parquet',
      opens_file: true,
    },
    {
      name: 'pyarrow, Parquet',
      package: 'pyarrow',
      script: 'pyarrow_write.py',
      command:
        'pyarrow.json.open_json(stdin, explicit_schema=…), unwrapped | ParquetWriter("…", filesystem=S3FileSystem(…), compression="snappy")',
      seconds_of: 'reading and writing, without imports',
      stored: 'parquet',
    },
    {
      name: 'polars, Parquet',
      package: 'polars',
      script: 'polars_write.py',
      command:
        'scan_ndjson("records.jsonl", schema=…), unwrapped, .sink_parquet("s3://…", compression="snappy")',
      seconds_of: 'reading and writing, without imports',
      stored: 'parquet',
      opens_file: true,
    },
  ]
  const contenders: Contender[] = []
  // In turn, as the first of a list makes the environment of all.
  for (const job of jobs) contenders.push(...(await pythonWrite(context, job, { server, records })))
  return contenders
}
