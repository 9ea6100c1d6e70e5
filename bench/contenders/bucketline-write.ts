import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Contender } from '../benchmark.ts'
import { type AirbyteRecords, catalogOf } from '../data/airbyte-records.ts'
import { measure } from '../measure.ts'
import type { ObjectServer } from '../object-server.ts'
import { type StoredFormat, storedRows } from '../stored-rows.ts'
import { bucketlineVersion, root, timesOf } from './bucketline.ts'

const SNAPPY = { format_type: 'Parquet', compression_codec: 'SNAPPY' }
const text = (format_type: 'CSV' | 'JSONL', flattening: string) => ({
  format_type,
  flattening,
  compression: { compression_type: 'GZIP' },
})

/** What is written, as the connector's configuration has it. */
export const WRITE_FORMATS = {
  Parquet: { stored: 'parquet', format: SNAPPY },
  'JSONL.gz': { stored: 'jsonl', format: text('JSONL', 'No flattening') },
  'CSV.gz': { stored: 'csv', format: text('CSV', 'No flattening') },
  Avro: {
    stored: 'avro',
    // Level 0, which is the default, compresses nothing.
    format: {
      format_type: 'Avro',
      compression_codec: { codec: 'Deflate', compression_level: 6 },
    },
  },
  'flattened JSONL.gz': { stored: 'jsonl', format: text('JSONL', 'Root level flattening') },
  'flattened CSV.gz': { stored: 'csv', format: text('CSV', 'Root level flattening') },
} as const satisfies Record<string, { readonly stored: StoredFormat; readonly format: object }>
export type WriteFormat = keyof typeof WRITE_FORMATS

/** Records through `bucketline airbyte write` into an empty bucket. */
export function bucketlineWrite(
  server: ObjectServer,
  wanted: WriteFormat,
  { records, times = 1, name }: WriteOptions,
): Contender {
  const { format, stored } = WRITE_FORMATS[wanted]
  const input = [...Array<string>(times).fill(records.records), records.ending]
  return {
    name,
    version: bucketlineVersion,
    command: `cat ${times === 1 ? '' : `${times} times `}records.jsonl | bucketline airbyte write --config config.json --catalog catalog.json  # "format": ${JSON.stringify(format)}`,
    seconds_of: 'from the first input it takes to its end',
    async run(dir) {
      await using bucket = await server.openBucket()
      const config = {
        access_key_id: server.access_key_id,
        secret_access_key: server.secret_access_key,
        s3_endpoint: server.url,
        s3_bucket_name: bucket.name,
        s3_bucket_path: 'lake',
        s3_bucket_region: 'us-east-1',
        format,
      }
      await writeFile(join(dir, 'config.json'), JSON.stringify(config))
      await writeFile(join(dir, 'catalog.json'), JSON.stringify(catalogOf(records.streams)))
      const run = await measure(
        join(root, 'bin/bucketline'),
        ['airbyte', 'write', '--config', 'config.json', '--catalog', 'catalog.json'],
        // Parts lie on the disk of the run until they are uploaded.
        { cwd: dir, env: { TMPDIR: dir }, input },
      )
      const found = {
        rows: (await storedRows(bucket, stored, { dir, wanted: isOfStream })).rows,
        states: run.stdout.split('\n').filter((line) => line.includes('"type":"STATE"')).length,
      }
      const rows = records.rows * times
      if (found.rows !== rows || found.states !== records.streams.length)
        throw new Error(
          `${name} left ${JSON.stringify(found)}, wanted ${rows} rows and ${records.streams.length} states: ${run.stdout.slice(-2000)}`,
        )
      return { ...timesOf(run), seconds: run.input_seconds ?? run.process_seconds }
    },
  }
}

interface WriteOptions {
  readonly name: string
  readonly records: AirbyteRecords
  /** How often the same records are sent, one after the other. */
  readonly times?: number
}

/** All but what the destination keeps for itself. */
const isOfStream = (key: string): boolean => !key.includes('/_bucketline/')
