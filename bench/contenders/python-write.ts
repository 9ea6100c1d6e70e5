import { join } from 'node:path'
import type { Contender, Context } from '../benchmark.ts'
import { type AirbyteRecords, RECORD_SCHEMA } from '../data/airbyte-records.ts'
import { measure } from '../measure.ts'
import type { ObjectServer } from '../object-server.ts'
import { type PythonList, REQUIREMENTS } from '../python-environment.ts'
import { type StoredFormat, storedRows } from '../stored-rows.ts'
import { root, timesOf } from './bucketline.ts'

/** A peer that is a Python package: a script of `python/` that writes records into a bucket and says `seconds`. */
export interface WriteJob {
  readonly name: string
  /** As in its list of requirements. */
  readonly package: string
  /** Where it is not the list that most are in. */
  readonly list?: PythonList
  readonly script: string
  readonly command: string
  readonly seconds_of: string
  readonly stored: StoredFormat
  readonly request?: Readonly<Record<string, unknown>>
  /** It opens the file of records itself; without it they come on standard input. */
  readonly opens_file?: boolean
}

export async function pythonWrite(
  context: Context,
  job: WriteJob,
  { server, records }: { readonly server: ObjectServer; readonly records: AirbyteRecords },
): Promise<Contender[]> {
  if (context.python === undefined) return []
  const python = await context.python(job.list)
  return [
    {
      name: job.name,
      version: REQUIREMENTS[job.package] ?? '',
      command: job.command,
      seconds_of: job.seconds_of,
      async run(dir) {
        await using bucket = await server.openBucket()
        const { url, access_key_id, secret_access_key } = server
        const request = {
          ...job.request,
          server: { url, access_key_id, secret_access_key },
          bucket: bucket.name,
          dir,
          threads: context.threads,
          schema: RECORD_SCHEMA,
          stream: records.streams[0],
          records: records.records,
        }
        const run = await measure(
          python,
          [join(root, 'bench/python', job.script), JSON.stringify(request)],
          {
            cwd: dir,
            env: { TMPDIR: dir, POLARS_MAX_THREADS: String(context.threads) },
            ...(job.opens_file ? {} : { input: [records.records] }),
          },
        )
        const { seconds, ...figures } = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as {
          seconds: number
        }
        const { rows } = await storedRows(bucket, job.stored, { dir, wanted: isOfRecords })
        if (rows !== records.rows)
          throw new Error(`${job.name} left ${rows} rows, wanted ${records.rows}: ${run.stdout}`)
        return {
          ...timesOf(run),
          seconds,
          ...(Object.keys(figures).length === 0 ? {} : { figures }),
        }
      },
    },
  ]
}

/** Every script writes below this folder, dlt because it is the name of its table. */
const isOfRecords = (key: string): boolean => key.includes('records/')
