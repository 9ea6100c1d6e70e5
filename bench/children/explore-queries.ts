import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { openDuckdbEngine } from '../../src/engine/duckdb.ts'
import { openEmbeddedLedger } from '../../src/ledger/pglite.ts'

/** A process of its own: each query once uncounted and then `times` times, in turn, timed one by one. */
interface Request {
  readonly type: 'engine' | 'native'
  readonly data_dir?: string
  readonly feed?: string
  readonly database?: string
  readonly threads: number
  readonly memory_limit: string
  readonly queries: Readonly<Record<string, string>>
  readonly times: number
  /** Folder for what is spilled. */
  readonly dir: string
}

const request = JSON.parse(process.argv[2] ?? '') as Request
const run = request.type === 'engine' ? await throughEngine() : await onTable()
const seconds: Record<string, number[]> = {}
for (let time = 0; time <= request.times; time++)
  for (const [name, sql] of Object.entries(request.queries)) {
    const began = performance.now()
    const rows = await run(sql)
    const took = (performance.now() - began) / 1000
    if (rows === 0) throw new Error(`${name} answered no row`)
    if (time > 0) seconds[name] = [...(seconds[name] ?? []), took]
  }
console.log(JSON.stringify({ seconds }))

async function throughEngine() {
  const { data_dir = '', feed = '', threads, memory_limit } = request
  const ledger = await openEmbeddedLedger({
    data_dir,
    role: 'reader',
    command: 'bench',
    now: new Date(),
  })
  const files = await ledger.servedFiles(feed, { kinds: ['data'], objects: false })
  const columns = await ledger.columns(feed)
  await ledger[Symbol.asyncDispose]()
  const engine = openDuckdbEngine({
    datasets_dir: join(data_dir, 'datasets'),
    spill_dir: join(request.dir, 'spill'),
    memory_limit,
    threads,
  })
  const snapshots = [{ feed, files: files.map((f) => f.path), beaten: [], columns }]
  return async (sql: string) => (await engine.query(sql, snapshots)).rows.length
}

async function onTable() {
  const instance = await DuckDBInstance.create(request.database ?? '', {
    access_mode: 'READ_ONLY',
    threads: String(request.threads),
    memory_limit: request.memory_limit,
  })
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  return async (sql: string) => (await connection.runAndReadAll(sql)).getRows().length
}
