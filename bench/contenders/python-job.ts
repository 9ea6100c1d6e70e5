import { join } from 'node:path'
import type { Contender, Context } from '../benchmark.ts'
import { measure } from '../measure.ts'
import { REQUIREMENTS } from '../python-environment.ts'
import { root, timesOf } from './bucketline.ts'

/** A peer that is a Python package: a script of `python/` that is given a request and says `seconds` and `rows`. */
export async function pythonJob(
  context: Context,
  job: {
    readonly name: string
    /** As in requirements.txt. */
    readonly package: string
    readonly script: string
    readonly command: string
    readonly seconds_of: string
    readonly request: Readonly<Record<string, unknown>>
    readonly rows: number
    /** What is in the folder before the process starts; not timed. */
    readonly prepare?: (dir: string) => Promise<void>
  },
): Promise<Contender[]> {
  if (context.python === undefined) return []
  const python = await context.python()
  return [
    {
      name: job.name,
      version: REQUIREMENTS[job.package] ?? '',
      command: job.command,
      seconds_of: job.seconds_of,
      ...(job.prepare === undefined ? {} : { prepare: job.prepare }),
      async run(dir) {
        const run = await measure(
          python,
          [join(root, 'bench/python', job.script), JSON.stringify({ ...job.request, dir })],
          { cwd: dir },
        )
        const said = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as {
          seconds: number
          rows: number
        }
        if (said.rows !== job.rows)
          throw new Error(`${job.name} has ${said.rows} rows, wanted ${job.rows}: ${run.stdout}`)
        return { ...timesOf(run), seconds: said.seconds }
      },
    },
  ]
}
