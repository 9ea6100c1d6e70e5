import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Benchmark, Context } from '../benchmark.ts'
import { bucketlineVersion, root, timesOf } from '../contenders/bucketline.ts'
import { pythonJob } from '../contenders/python-job.ts'
import { ROLLUP_COLUMNS, rollupSql } from '../data/rollup.ts'
import { madeData, rowsAt, sizeOf } from '../made-data.ts'
import { measure } from '../measure.ts'
import { sizeText } from '../texts.ts'

const ROWS = 500_000

/** One contract, tested by two programs that read the standard. */
export const validate: Benchmark = {
  name: 'validate',
  title: 'A contract tested, beside datacontract-cli',
  what: '500,000 rollup records as JSON lines in 4 files, not compressed as the other reads no compressed ones, against one ODCS contract that names every column, its type, and which are required. Both look at every record: `bucketline validate` names each bad row, `datacontract test` the first of each file, and then asks DuckDB for the presence and types of the columns and for nulls.',
  goals: [
    {
      contender: 'Bucketline',
      baseline: 'datacontract-cli',
      measure: 'process_seconds',
      at_most: 1,
      dominates: 'Starting, beside which so few rows weigh little.',
    },
  ],
  async prepare(context) {
    const rows = rowsAt(context, ROWS)
    const store = await rollupPlain(context, rows)
    const size = await sizeOf(store)
    const files = [0, 1, 2, 3].map((file) => join(store, `part-${file}.json`))
    const prepare = (dir: string) =>
      writeFile(join(dir, 'rollup.odcs.yaml'), JSON.stringify(contract(store)))
    return {
      data: sizeText(rows, size, 'JSON lines'),
      warm: [store],
      contenders: [
        {
          name: 'Bucketline',
          version: bucketlineVersion,
          command: 'bucketline validate --contract rollup.odcs.yaml --json *.json',
          seconds_of: 'the checks alone',
          prepare,
          async run(dir) {
            const run = await measure(
              join(root, 'bin/bucketline'),
              ['validate', '--contract', 'rollup.odcs.yaml', '--json', ...files],
              { cwd: dir },
            )
            const { validations } = JSON.parse(run.stdout) as {
              validations: readonly { rows_read: number; rejected: number; seconds: number }[]
            }
            const sum = (of: (each: (typeof validations)[number]) => number) =>
              validations.reduce((total, each) => total + of(each), 0)
            if (sum((v) => v.rows_read) !== rows || sum((v) => v.rejected) !== 0)
              throw new Error(`validate: ${JSON.stringify(validations).slice(0, 1000)}`)
            return { ...timesOf(run), seconds: sum((v) => v.seconds) }
          },
        },
        ...(await pythonJob(context, {
          name: 'datacontract-cli',
          package: 'datacontract-cli',
          script: 'datacontract_test.py',
          command: 'datacontract test --server local rollup.odcs.yaml',
          seconds_of: 'the test alone, without starting Python',
          request: { contract: 'rollup.odcs.yaml', rows },
          rows,
          prepare,
        })),
      ],
    }
  },
}

const LOGICAL = {
  TIMESTAMP: 'timestamp',
  BIGINT: 'integer',
  VARCHAR: 'string',
  DOUBLE: 'number',
} as const

const rollupPlain = (context: Context, rows: number): Promise<string> =>
  madeData(context, { name: 'rollup-plain', version: 1, rows }, async (dir, db) => {
    for (let file = 0; file < 4; file++) {
      const from = Math.floor((rows * file) / 4)
      const to = Math.floor((rows * (file + 1)) / 4)
      const records = rollupSql({ from, to, rows, start: '2014-03-05 04:00:00', seconds: 3600 })
      await db.run(`COPY (${records}) TO ${literal(join(dir, `part-${file}.json`))} (FORMAT json)`)
    }
  })

/** JSON is YAML: the contract is written as it is. */
const contract = (folder: string) => ({
  apiVersion: 'v3.2.0',
  kind: 'DataContract',
  id: 'rollup',
  name: 'Rollup',
  version: '1.0.0',
  status: 'active',
  servers: [
    {
      server: 'local',
      type: 'local',
      path: `${folder}/*.json`,
      format: 'json',
      delimiter: 'new_line',
    },
  ],
  schema: [
    {
      name: 'rollup',
      logicalType: 'object',
      properties: Object.entries(ROLLUP_COLUMNS).map(([name, type]) => ({
        name,
        logicalType: LOGICAL[type],
        ...(type === 'BIGINT' ? { physicalType: 'BIGINT' } : {}),
        required: name === 'timestamp' || name === 'cnt',
      })),
    },
  ],
})
