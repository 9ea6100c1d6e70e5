import { DuckDBInstance } from '@duckdb/node-api'

/** A process of its own: statements in a database file, one of them timed. */
interface Request {
  readonly database: string
  readonly threads: number
  readonly memory_limit: string
  readonly before?: readonly string[]
  readonly timed: string
  readonly count: string
}

const request = JSON.parse(process.argv[2] ?? '') as Request
const instance = await DuckDBInstance.create(request.database, {
  threads: String(request.threads),
  memory_limit: request.memory_limit,
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
})
const connection = await instance.connect()
await connection.run("SET TimeZone = 'UTC'")
for (const sql of request.before ?? []) await connection.run(sql)
const began = performance.now()
await connection.run(request.timed)
const seconds = (performance.now() - began) / 1000
const rows = Number((await connection.runAndReadAll(request.count)).getRows()[0]?.[0])
connection.closeSync()
instance.closeSync()
console.log(JSON.stringify({ seconds, rows }))
