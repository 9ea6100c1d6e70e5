import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DuckDBInstance } from '@duckdb/node-api'
import { buildProgram } from '../servers/build.ts'
import { TOOLS } from '../servers/kinds.ts'

/** Readers of what the connector wrote that are not ours. */
export interface Readers extends AsyncDisposable {
  /** Rows of an Avro object by fastavro, of a Parquet object by pyarrow; times in microseconds since 1970. */
  python(path: string): Promise<{ readonly codec: string; readonly rows: readonly Row[] }>
  /** Rows of a CSV, JSON lines or Parquet object by DuckDB; CSV fields as texts. */
  duckdb(path: string): Promise<readonly Row[]>
}

export type Row = Readonly<Record<string, unknown>>

/** One process and one database for many objects. */
export async function openReaders(): Promise<Readers> {
  const program = await buildProgram('readers', TOOLS.readers)
  const child = spawn(program, [join(import.meta.dirname, 'airbyte-readers.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let turn: Promise<unknown> = Promise.resolve()
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()

  const ask = async (path: string) => {
    child.stdin.write(`${path}\n`)
    const { value, done } = await lines.next()
    if (done) throw new Error('the readers have ended')
    const answer = JSON.parse(value) as { error?: string; codec: string; rows: Row[] }
    if (answer.error !== undefined) throw new Error(`${path}: ${answer.error}`)
    return answer
  }
  const select = async (sql: string) =>
    (await connection.runAndReadAll(sql)).getRowObjectsJson() as Row[]
  return {
    python(path) {
      const next = turn.then(() => ask(path))
      turn = next.catch(() => {})
      return next
    },
    async duckdb(path) {
      const file = `'${path.replaceAll("'", "''")}'`
      if (path.includes('.csv')) {
        // What is quoted is a text even where it is empty.
        return select(
          `FROM read_csv(${file}, header = true, all_varchar = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = ${await columnsOf(file)}, allow_quoted_nulls = false)`,
        )
      }
      const json = path.includes('.jsonl')
        ? `SELECT json FROM read_ndjson_objects(${file})`
        : `SELECT to_json(t) AS json FROM read_parquet(${file}) t`
      return (await select(json)).map(({ json: text }) => JSON.parse(String(text)) as Row)
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      connection.closeSync()
      instance.closeSync()
    },
  }

  async function columnsOf(file: string): Promise<string> {
    const [header = {}] = await select(
      `FROM read_csv(${file}, header = false, all_varchar = true, delim = ',', quote = '"', escape = '"', strict_mode = false) LIMIT 1`,
    )
    const names = Object.values(header).map(
      (name) => `'${String(name).replaceAll("'", "''")}': 'VARCHAR'`,
    )
    return `{${names.join(', ')}}`
  }
}
