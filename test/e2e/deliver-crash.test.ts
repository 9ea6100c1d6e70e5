import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DELIVER_STEPS } from '../../src/exchange/deliver/run-plan.ts'
import { hackleLine } from '../support/deliver-cases.ts'
import { jsonl } from '../support/workspace.ts'

const launcher = fileURLToPath(new URL('../../bin/bucketline', import.meta.url))

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bucketline-deliver-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

let folders = 0

/** A configuration with an empty store; text of files by name. */
async function workplace(files: Readonly<Record<string, string>>) {
  folders += 1
  const dir = join(root, String(folders))
  await mkdir(join(dir, 'outbox'), { recursive: true })
  await writeFile(
    join(dir, 'bucketline.yaml'),
    `threads: 2
stores:
  outbox: { type: local, path: ./outbox }
feeds:
  events: { store: outbox, prefix: events/, preset: hackle-events }
  rollup: { store: outbox, prefix: rollup/, preset: metamarkets-rollup }
`,
  )
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  return {
    dir,
    run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
      const { stdout, stderr, status, signal } = spawnSync(launcher, args, {
        cwd: dir,
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', BUCKETLINE_NOW: '2023-06-01T00:00:00Z', ...env },
      })
      return { stdout, stderr, status, signal }
    },
    async keys(folder: string): Promise<string[]> {
      const found = await readdir(join(dir, 'outbox', folder), {
        recursive: true,
        withFileTypes: true,
      }).catch(() => [])
      return found
        .filter((e) => e.isFile())
        .map((e) => join(e.parentPath, e.name).slice(join(dir, 'outbox', folder).length + 1))
        .sort()
    },
    /** Folders that a killed delivery left among what it wrote on the way. */
    leftovers: () => readdir(join(dir, '.bucketline', 'spill')).catch(() => []),
  }
}

/** A row group has 2,048 rows at least, and a file one row group. */
const ROWS = 10_000

/** Two days, each in several files. */
const day = (salt: string, from: number) =>
  Array.from({ length: ROWS }, (_, i) => {
    const n = from + i
    const insert_id = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
    const text = Buffer.from(`${salt}${n * 7919}${salt}${n * 104729}`).toString('base64')
    const ts = n % 2 === 0 ? '2023-01-01T10:00:00Z' : '2023-01-02T10:00:00Z'
    return `${hackleLine(1, { insert_id, ts, event_properties: { text } })}\n`
  }).join('')

const SIZE = ['--file-mb', '0.02']

describe.each([
  ['a first delivery', false],
  ['a delivery in the place of another', true],
])('%s that is killed', (_, replaces) => {
  const steps = DELIVER_STEPS.filter((s) => replaces || !/reopened|deleted/.test(s))

  test.each(steps)('at %s is taken up by the next run', async (step) => {
    const place = await workplace({ 'old.ndjson': day('old', 0), 'new.ndjson': day('new', 1000) })
    const deliver = (file: string, ...more: string[]) => [
      ...['deliver', file, '--feed', 'events', ...SIZE, '--json', ...more],
    ]
    if (replaces) expect(place.run(deliver('old.ndjson')).status).toBe(0)
    const before = await place.keys('events')
    const command = deliver('new.ndjson', ...(replaces ? ['--replace'] : []))
    const killed = place.run(command, { BUCKETLINE_CRASH_AT: step })
    expect(killed.signal ?? killed.status).toBe('SIGKILL')

    const after_kill = await place.keys('events')
    const second = place.run(command)
    expect(second.stderr).toBe('')
    const report = JSON.parse(second.stdout)
    expect(report).toMatchObject({ state: 'delivered', rows_read: ROWS, rows_delivered: ROWS })
    const parts: string[] = report.deliveries.flatMap((d: { files: { key: string }[] }) =>
      d.files.map((f) => f.key.slice('events/'.length)),
    )
    expect(parts.length).toBeGreaterThan(4)
    const markers = ['dt=2023-01-01/_SUCCESS', 'dt=2023-01-02/_SUCCESS']
    expect(await place.keys('events')).toEqual([...parts, ...markers].sort())

    // Where a marker stood after the kill, it stood over the old files or over the new ones.
    for (const marker of markers) {
      if (!after_kill.includes(marker)) continue
      const inside = (keys: readonly string[]) =>
        keys.filter((key) => key.startsWith(marker.slice(0, 14)) && key !== marker).sort()
      expect([inside(before), inside(parts)]).toContainEqual(inside(after_kill))
    }
    // What the killed one had written on the way is gone.
    expect(await place.leftovers()).toEqual([])
    if (step !== 'file_written') return
    const loaded = JSON.parse(place.run(['load', 'events', '--json']).stdout)
    expect(
      loaded.loads.map((l: { state: string; rows_published: number }) => [
        l.state,
        l.rows_published,
      ]),
    ).toEqual([
      ['published', ROWS / 2],
      ['published', ROWS / 2],
    ])
  })
})

test.each(['file_written', 'files_written'])(
  'a delivery beside others that is killed at %s is there once',
  async (step) => {
    const rows = (from: number) =>
      jsonl(
        Array.from({ length: 3000 }, (_, i) => ({
          timestamp: '2014-03-05T04:00:00Z',
          cnt: from + i,
          name: Buffer.from(String((from + i) * 104729)).toString('base64'),
        })),
      )
    const place = await workplace({ 'a.ndjson': rows(0), 'b.ndjson': rows(10_000) })
    const deliver = (file: string) => ['deliver', file, '--feed', 'rollup', ...SIZE, '--json']
    expect(place.run(deliver('a.ndjson')).status).toBe(0)
    expect(place.run(deliver('b.ndjson'), { BUCKETLINE_CRASH_AT: step }).signal).toBe('SIGKILL')
    expect(JSON.parse(place.run(deliver('b.ndjson')).stdout)).toMatchObject({
      state: 'delivered',
      rows_delivered: 3000,
    })
    expect(JSON.parse(place.run(['load', 'rollup', '--json']).stdout).loads).toMatchObject([
      { state: 'published', rows_published: 6000 },
    ])
    const found = place.run(['query', 'SELECT count(DISTINCT cnt) AS n FROM rollup', '--json'])
    expect(JSON.parse(found.stdout).rows).toEqual([{ n: 6000 }])
  },
)

test('people are told in a table and sentences, and programs in one document', async () => {
  const good = [1, 2, 2].map((n) => `${hackleLine(n)}\n`).join('')
  const place = await workplace({
    'a.ndjson': `${good}${hackleLine(4, { insert_id: 'x' })}\n`,
    'c.ndjson': good,
  })
  const refused = place.run(['deliver', 'a.ndjson', '--feed', 'events'])
  expect(refused.status).toBe(1)
  expect(refused.stdout).toContain(
    'over_budget  1 of 4 rows were rejected (25.00 %), max_rejected_percent is 1\n',
  )
  expect(refused.stdout).toContain('invalid_format in insert_id: 1 row (25 %)\n')
  expect(refused.stdout).toContain(
    '4 rows read = 0 delivered + 0 duplicates + 1 rejected + 3 withheld; nothing was uploaded\n',
  )
  const [, file] = /refused rows are in (.*)\n/.exec(refused.stdout) ?? []
  expect(JSON.parse(await readFile(file ?? '', 'utf8'))).toMatchObject({
    row: 4,
    code: 'invalid_format',
  })

  const allowed = ['deliver', 'a.ndjson', '--feed', 'events', '--max-rejected-percent', '25.0']
  const planned = place.run([...allowed, '--dry-run'])
  expect(planned.status).toBe(0)
  expect(planned.stdout).toMatch(
    /^partition {3}state {4}action {2}files {2}rows {4}size {2}first file\n2023-01-01 {2}planned {2}new {9}1 {5}2 {2}\d\.\d kB {2}events\/dt=2023-01-01\/part-00000-[0-9a-f]{16}\.parquet\n/,
  )
  expect(planned.stdout).toMatch(
    /4 rows read = 2 to deliver \+ 1 duplicate \+ 1 rejected, 1 file, /,
  )
  expect(place.run(allowed)).toMatchObject({ status: 0 })

  const taken = place.run(['deliver', 'c.ndjson', '--feed', 'events'])
  expect(taken).toMatchObject({ status: 1, stdout: '' })
  expect(taken.stderr).toBe(
    'error[partition_exists]: The partition 2023-01-01 holds 2 objects already.\nhint: Deliver with --replace to put this delivery in their place.\n',
  )
  const document = JSON.parse(
    place.run(['deliver', 'c.ndjson', '--feed', 'events', '--replace', '--json']).stdout,
  )
  expect(document).toMatchObject({
    state: 'delivered',
    deliveries: [{ partition: '2023-01-01', state: 'delivered', action: 'replace', rows: 2 }],
    ...{ rows_read: 3, rows_delivered: 2, duplicates: 1, rejected: 0, withheld: 0, rejects: [] },
  })
})
