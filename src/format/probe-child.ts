import { identifier, literal, openDuckdb } from '../duckdb/duckdb.ts'
import { probeParquet } from './parquet.ts'
import type { ProbeAnswer } from './probe-apart.ts'

/** The program that `probeApart` runs: its argument is JSON, its answer too. */
const { key, path, memory_limit, spill_dir } = JSON.parse(process.argv[2] ?? '') as {
  readonly key: string
  readonly path: string
  readonly memory_limit: string
  readonly spill_dir: string
}
await using duckdb = await openDuckdb({ memory_limit, spill_dir, threads: 1 })
const refused = await probeParquet({ key, path }, duckdb)
if (refused === undefined) {
  const file = `read_parquet(${literal(path)}, hive_partitioning = false)`
  const columns = await duckdb.all<{ column_name: string }>(`DESCRIBE SELECT * FROM ${file}`)
  // As text and as JSON, which rejects and undeclared columns are written as.
  const texts = columns.map(({ column_name }) => {
    const name = identifier(column_name)
    return `count(hash(${name}::VARCHAR)), count(hash(to_json(${name})))`
  })
  await duckdb.all(`SELECT ${['count(*)', ...texts].join(', ')} FROM ${file}`)
}
const answer: ProbeAnswer = refused === undefined ? {} : { refused }
process.stdout.write(JSON.stringify(answer))
