import { OBJECT_CODES } from '../../src/core/rejects.ts'
import { Format } from '../../src/core/settings.ts'
import { openDuckdb } from '../../src/duckdb/duckdb.ts'
import { passObject } from '../../src/format/gates.ts'
import { probeParquet } from '../../src/format/parquet.ts'
import { readPassed } from '../../src/format/read-passed.ts'

/**
 * The program that reads damaged Parquet files as a load does: DuckDB ends the process on some. It is sent paths, a
 * batch at a time, and answers with the first promise that was broken.
 */
export interface ReaderAnswer {
  readonly broken: string | undefined
}

const [dir = ''] = process.argv.slice(2)
const settings = Format.parse({ type: 'parquet' })
const codes: ReadonlySet<string> = new Set(Object.keys(OBJECT_CODES))
const duckdb = await openDuckdb({ memory_limit: '1GB', spill_dir: `${dir}/spill`, threads: 2 })

process.on('message', async (paths: readonly string[]) => {
  const found = await Promise.all(
    paths.map((path) => faultOf(path).catch((error: unknown) => String(error))),
  )
  const answer: ReaderAnswer = { broken: found.find((each) => each !== undefined) }
  process.send?.(answer)
})
process.send?.({ broken: undefined } satisfies ReaderAnswer)

async function faultOf(path: string): Promise<string | undefined> {
  const object = { key: 'part.parquet', version: '1', path, bytes: 0 }
  const options = { settings, dir, prefix: 'passed', refuse() {}, flat: false, nested_fields: [] }
  const result = await passObject(object, options, duckdb)
  if (result.refused !== undefined) return misnamed(result.refused)
  const damaged = await probeParquet(object, duckdb)
  if (damaged !== undefined) return misnamed(damaged)
  // What can be read through has the rows its footer says, whichever way it is read.
  const names = result.fields.map(({ name }) => name)
  const [row] = await duckdb.all<{ n: bigint; numbered: bigint }>(
    `SELECT count(*) AS n, count(DISTINCT _row) AS numbered FROM ${readPassed(result, names)}`,
  )
  const right = Number(row?.n) === result.rows_read && Number(row?.numbered) === result.rows_read
  return right ? undefined : `${row?.n} rows, ${row?.numbered} numbers, ${result.rows_read} said`
}

function misnamed({ code, message }: { code: string; message: string }): string | undefined {
  if (!codes.has(code)) return `it is refused as ${code}`
  return message.includes(dir) ? `it is refused with a local path: ${message}` : undefined
}
