import { join } from 'node:path'
import { version as duckdbVersion } from '@duckdb/node-api'
import type { Contender, Context, Sample } from '../benchmark.ts'
import { measure } from '../measure.ts'
import { REQUIREMENTS } from '../python-environment.ts'
import { root, timesOf } from './bucketline.ts'

export const duckdbVersionText = duckdbVersion()

/** Statements of one run: `timed` is what `seconds` covers, `count` must then answer `rows`. */
export interface Statements {
  readonly name?: string
  readonly before?: readonly string[]
  readonly timed: string
  readonly count: string
  readonly rows: number
}

/** What a child says on its last line. */
interface Answer {
  readonly seconds: number
  readonly rows: number
}

/** A statement in a new DuckDB database file, through the same package that Bucketline uses. */
export function duckdbStatement(context: Context, statements: Statements): Contender {
  const { threads, memory_limit } = context
  return {
    name: statements.name ?? 'DuckDB',
    version: duckdbVersionText,
    command: statements.timed,
    seconds_of: 'the statement alone',
    run: (dir) =>
      answered(
        process.execPath,
        [join(root, 'bench/children/duckdb-statement.ts')],
        { ...statements, threads, memory_limit, database: join(dir, 'bench.duckdb') },
        dir,
      ),
  }
}

/** A statement in a new ClickHouse data folder (chdb is ClickHouse's engine in a Python process). */
export async function chdbStatement(
  context: Context,
  statements: Statements,
): Promise<Contender[]> {
  if (context.python === undefined) return []
  const python = await context.python()
  return [
    {
      name: statements.name ?? 'chdb',
      version: REQUIREMENTS.chdb ?? '',
      command: statements.timed,
      seconds_of: 'the statement alone',
      run: (dir) =>
        answered(
          python,
          [join(root, 'bench/python/chdb_statement.py')],
          { ...statements, threads: context.threads, path: join(dir, 'chdb') },
          dir,
        ),
    },
  ]
}

async function answered(
  program: string,
  args: readonly string[],
  request: Statements & Readonly<Record<string, unknown>>,
  dir: string,
): Promise<Sample> {
  const run = await measure(program, [...args, JSON.stringify(request)], { cwd: dir })
  const answer = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '') as Answer
  if (answer.rows !== request.rows)
    throw new Error(`${request.timed} left ${answer.rows} rows, wanted ${request.rows}`)
  return { ...timesOf(run), seconds: answer.seconds }
}
