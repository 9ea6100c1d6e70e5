import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDuckdb } from './duckdb.ts'
import { spillFolder, sweepSpill } from './spill.ts'

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spill-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

it('sessions that spill at the same time do not read each other’s blocks', async () => {
  const spill_dir = join(dir, 'both')
  const rows = 800_000
  let seen = 0
  const watch = setInterval(async () => {
    seen = Math.max(seen, (await readdir(spill_dir).catch(() => [])).length)
  }, 10)
  const sort = async () => {
    await using duckdb = await openDuckdb({ memory_limit: '128MB', spill_dir, threads: 1 })
    return await duckdb.all(
      `SELECT count(*) AS n, count(DISTINCT h) AS different FROM (SELECT md5(i::VARCHAR) || repeat('x', 40) AS h FROM range(${rows}) t(i) ORDER BY h DESC)`,
    )
  }
  const right = [{ n: BigInt(rows), different: BigInt(rows) }]
  expect(await Promise.all([sort(), sort(), sort()])).toEqual([right, right, right])
  clearInterval(watch)
  // Otherwise nothing was spilled, and nothing shown.
  expect(seen).toBeGreaterThan(1)
  expect(await readdir(spill_dir)).toEqual([])
})

it('a sweep removes what processes left that ended, and no other', async () => {
  const spill_dir = join(dir, 'left')
  const ended = spawn('true')
  await new Promise((resolve) => ended.on('exit', resolve))
  const host = hostname().replaceAll(/[^A-Za-z0-9.]/g, '_')
  const mine = basename(spillFolder(spill_dir))
  const folders = {
    mine,
    of_a_parent: `${host}-${process.ppid}-0123456789ab-1`,
    elsewhere: 'another-host-1-0123456789ab-1',
  }
  const left = [
    `${host}-${ended.pid}-0123456789ab-1`,
    `${host}-${process.pid}-0123456789ab-1`,
    'another-host-1-0123456789ab-2',
  ]
  for (const name of [...Object.values(folders), ...left])
    await mkdir(join(spill_dir, name), { recursive: true })
  await utimes(join(spill_dir, 'another-host-1-0123456789ab-2'), 1, 1)
  await sweepSpill(spill_dir)
  expect(await readdir(spill_dir)).toEqual(Object.values(folders).sort())
  await sweepSpill(join(dir, 'absent'))
})
