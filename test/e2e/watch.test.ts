import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** Reading goes on while `load --watch` holds the data directory; a second loader is told who does. */
const bin = join(import.meta.dirname, '../../bin/bucketline')
let dir = ''

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'watch-'))
  await writeFile(
    join(dir, 'bucketline.yaml'),
    'stores: { inbox: { type: local, path: inbox } }\nfeeds: { users: { store: inbox, preset: toplyne-users, max_rejected_percent: 60 } }\n',
  )
  await deliver('2023-01-01', '1,2023-01-01 10:00:00,UK\n2,yesterday,FR\n')
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Written beside and moved in whole, as a partner would. */
async function deliver(day: string, rows: string): Promise<void> {
  await writeFile(join(dir, 'part.csv'), `USER_ID,UPDATED_AT,Country\n${rows}`)
  await cp(join(dir, 'part.csv'), join(dir, `inbox/updated_at=${day}/a.csv`), { recursive: true })
}

const run = promisify(execFile)
const read = async (...args: string[]) =>
  JSON.parse((await run(bin, [...args, '--json'], { cwd: dir })).stdout)

it('status, rejects and query read what a watching loader loads; a second loader is refused by name', async () => {
  const loader = spawn(bin, ['load', '--watch', '--every-seconds', '1', '--json'], {
    cwd: dir,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: loader.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse((await lines.next()).value ?? 'null')
  try {
    expect(await next()).toMatchObject({
      partition: '2023-01-01',
      state: 'published',
      rows_published: 1,
      rejected: 1,
    })
    const { partitions } = await read('status', '--from', '2023-01-01', '--to', '2023-01-02')
    expect(partitions).toMatchObject([{ partition: '2023-01-01', state: 'published', rows: 1 }])
    expect((await read('rejects', 'users')).rejects).toMatchObject([
      { row: 3, column: 'UPDATED_AT', code: 'invalid_format', raw: '2,yesterday,FR' },
    ])
    expect((await read('query', 'SELECT "USER_ID" AS id FROM users')).rows).toEqual([{ id: '1' }])

    const second = await run(bin, ['load', '--json'], { cwd: dir }).catch((error) => error)
    expect(second.code).toBe(1)
    const { error } = JSON.parse(second.stdout)
    expect(error.code).toBe('data_dir_locked')
    expect(error.message).toContain(String(loader.pid))

    await deliver('2023-01-02', '3,2023-01-02 10:00:00,DE\n')
    expect(await next()).toMatchObject({ partition: '2023-01-02', state: 'published' })
  } finally {
    loader.kill('SIGTERM')
  }
  expect(await new Promise((resolve) => loader.on('exit', resolve))).toBe(143)
  // The directory is free again.
  expect((await read('load')).loads).toEqual([])
})
