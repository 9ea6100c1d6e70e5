import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it } from 'vitest'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import { contractOf } from '../support/workspace.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'bucketline-poison-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawnSync(launcher, args, { cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } })

it('an object that ends its reader is refused by the load after the one that it cut off; the others are published', async () => {
  const day = join(folder, 'inbox/dt=2023-01-01')
  mkdirSync(day, { recursive: true })
  await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(folder, 'spill') })
  const write = (name: string, select: string) =>
    duckdb.run(
      `COPY (${select}) TO ${literal(join(day, name))} (FORMAT parquet, CODEC uncompressed)`,
    )
  await write('a.parquet', 'SELECT i AS id FROM range(10) r(i)')
  await write('b.parquet', "SELECT i AS id, TIME '00:00:01' AS t FROM range(10) r(i)")
  const bytes = readFileSync(join(day, 'b.parquet'))
  const second = Buffer.from([0x40, 0x42, 0x0f, 0, 0, 0, 0, 0])
  for (let at = bytes.indexOf(second); at >= 0; at = bytes.indexOf(second, at))
    bytes.writeBigInt64LE(1n << 62n, at)
  writeFileSync(join(day, 'b.parquet'), bytes)
  writeFileSync(
    join(folder, 'contract.odcs.yaml'),
    contractOf([{ name: 'id', logicalType: 'integer' }]),
  )
  writeFileSync(
    join(folder, 'bucketline.yaml'),
    `stores: { inbox: { type: local, path: inbox } }
feeds:
  events: { store: inbox, layout: "dt={yyyy}-{MM}-{dd}/{file}.parquet", format: { type: parquet }, contract: contract.odcs.yaml }
`,
  )
  // The gate knows this kind of damage by now: the kill stands in for one that it does not.
  expect(run(['load'], { BUCKETLINE_CRASH_AT: 'fetched' }).signal).toBe('SIGKILL')
  const { stdout, stderr } = run(['load', '--json'])
  const [load] = (JSON.parse(stdout) as { loads: Record<string, unknown>[] }).loads
  expect(load, stderr).toMatchObject({
    state: 'published',
    rows_published: 10,
    objects: [
      {
        code: 'corrupt_object',
        message: expect.stringContaining('ends the process that reads it'),
      },
    ],
  })
})
