import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { openApp } from '../../src/app.ts'
import { PRESETS, type PresetName } from '../../src/core/config.ts'
import { ExchangeError } from '../../src/core/errors.ts'
import { literal, openDuckdb } from '../../src/duckdb/duckdb.ts'
import { openContracts } from '../../src/open-contracts.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { AWKWARD, hackleLine } from '../support/deliver-cases.ts'
import { deliverWith } from '../support/deliver-with.ts'
import {
  contractOf,
  type Json,
  jsonl,
  openWorkspace,
  type Workspace,
} from '../support/workspace.ts'

const signal = new AbortController().signal

/** What day the receiver and the sender have: later than every row. */
const NOW = '2023-06-01T00:00:00Z'

const deliver = (
  workspace: Workspace,
  ...args: Parameters<typeof deliverWith> extends [unknown, ...infer Rest] ? Rest : never
) => deliverWith(workspace.app, ...args)

async function keysIn(workspace: Workspace, folder: string): Promise<string[]> {
  const entries = await readdir(workspace.pathOf(folder), {
    recursive: true,
    withFileTypes: true,
  }).catch(() => [])
  return entries
    .filter((e) => e.isFile())
    .map((e) => relative(workspace.pathOf(''), join(e.parentPath, e.name)))
    .sort()
}

async function input(workspace: Workspace, name: string, content: string | Uint8Array) {
  const path = join(workspace.dir, name)
  await writeFile(path, content)
  return path
}

const openPreset = (preset: PresetName) =>
  openWorkspace({
    now: NOW,
    feeds: { given: { preset }, sent: { preset }, handed: { preset } },
  })

const hackle = (numbers: readonly number[], fields: Json = {}) =>
  numbers.map((n) => `${hackleLine(n, fields)}\n`).join('')

describe.each(PRESETS)('a delivery by the preset %s', (preset) => {
  const { lines, select, order, expected, duplicates, partitions } = AWKWARD[preset]

  test('comes back as it was, awkward values included', async () => {
    await using workspace = await openPreset(preset)
    const file = await input(workspace, 'rows.ndjson', `${lines.join('\n')}\n`)
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    expect(report).toMatchObject({ state: 'delivered', duplicates, rejected: 0, rejects: [] })
    expect(report.deliveries.map((d) => d.partition)).toEqual(partitions)
    const loads = await workspace.load('sent')
    expect(loads.map((l) => [l.partition, l.state, l.rejected, l.duplicates])).toEqual(
      partitions.map((p) => [p, 'published', 0, 0]),
    )
    expect(await workspace.query(`SELECT ${select} FROM sent ORDER BY ${order}`)).toEqual(expected)

    // What was loaded can be handed on, and is the same once more.
    const handed = await deliver(workspace, { from_dataset: 'sent', feed: 'handed' })
    expect(handed).toMatchObject({ state: 'delivered', duplicates: 0, rejected: 0, notes: [] })
    await workspace.load('handed')
    expect(await workspace.query(`SELECT ${select} FROM handed ORDER BY ${order}`)).toEqual(
      expected,
    )
  })
})

/** Each preset from its own format, and from another: what a sender has is not what a receiver expects. */
const SAMPLES: readonly (readonly [PresetName, 'parquet' | 'jsonl' | 'csv'])[] = [
  ['hackle-events', 'parquet'],
  ['hackle-events', 'jsonl'],
  ['metamarkets-rollup', 'jsonl'],
  ['metamarkets-rollup', 'parquet'],
  ['toplyne-events', 'csv'],
  ['toplyne-events', 'jsonl'],
  ['toplyne-users', 'csv'],
  ['toplyne-users', 'parquet'],
  ['toplyne-accounts', 'csv'],
]

test.each(SAMPLES)(
  'a sample of %s in %s is delivered with the same rows',
  async (preset, format) => {
    await using workspace = await openPreset(preset)
    const contracts = await openContracts({
      config_file: 'bucketline.yaml',
      cwd: workspace.dir,
      env: { BUCKETLINE_NOW: NOW },
      command: 'test',
      signal,
    })
    // The seed of samples is fixed: both have the same rows.
    await contracts.sample(preset, { folder: workspace.pathOf('given'), rows: 2000 })
    const folder = join(workspace.dir, 'sample')
    const files: string[] = []
    for (const { path } of await contracts.sample(preset, { folder, rows: 2000, format })) {
      if (path.endsWith('_SUCCESS')) continue
      // A key ends as the layout says, whatever is in the file; the folder's name is that of a column.
      const named = `${path}.${format}`
      await copyFile(path, named)
      files.push(named)
    }
    const report = await deliver(workspace, { files, feed: 'sent' })
    expect(report).toMatchObject({ state: 'delivered', rejected: 0 })
    const loads = [...(await workspace.load('given')), ...(await workspace.load('sent'))]
    expect(loads.map((l) => [l.state, l.rejected])).toEqual(loads.map(() => ['published', 0]))
    const differing = await workspace.query(
      `WITH a AS (SELECT * EXCLUDE (_object, _row) FROM given), b AS (SELECT * EXCLUDE (_object, _row) FROM sent)
     SELECT (SELECT count(*) FROM a) AS rows, (SELECT count(*) FROM (FROM a EXCEPT ALL FROM b)) AS lost, (SELECT count(*) FROM (FROM b EXCEPT ALL FROM a)) AS gained`,
    )
    expect(differing).toEqual([{ rows: 2000, lost: 0, gained: 0 }])
  },
)

describe('rows that the receiver would refuse', () => {
  const bad = hackleLine(9, { insert_id: 'not one', event_key: null })

  test('are set aside with their reasons, and nothing is uploaded beyond the budget', async () => {
    await using workspace = await openPreset('hackle-events')
    const file = await input(workspace, 'day.ndjson', `${hackle([1, 2, 3])}${bad}\n`)
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    expect(report).toMatchObject({
      state: 'refused',
      code: 'over_budget',
      message: '1 of 4 rows were rejected (25.00 %), max_rejected_percent is 1',
      ...{ rows_read: 4, rows_delivered: 0, rejected: 1, withheld: 3, deliveries: [] },
    })
    expect(await keysIn(workspace, 'sent')).toEqual([])
    const written = await readFile(report.rejects_file ?? '', 'utf8')
    expect(JSON.parse(written)).toMatchObject({
      object: file,
      row: 4,
      column: 'insert_id',
      code: 'invalid_format',
      codes: ['invalid_format', 'null_value'],
      message: 'insert_id is "not one"; wanted: a UUID',
      raw: bad,
    })
    expect(report.rejects).toMatchObject([{ row: 4, raw: bad }])

    const path = join(workspace.dir, 'aside', 'refused.jsonl')
    const allowed = await deliver(workspace, {
      files: [file],
      feed: 'sent',
      max_rejected_percent: 25,
      rejects: path,
    })
    expect(allowed).toMatchObject({ state: 'delivered', rows_delivered: 3, rejects_file: path })
    expect(await readFile(path, 'utf8')).toBe(written)
    expect(await workspace.load('sent')).toMatchObject([{ rows_read: 3, rejected: 0 }])
  })

  test('are those of the contract’s rules on a whole partition as well', async () => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: {},
      contracts: {
        'c.odcs.yaml': contractOf(
          [{ name: 'at', logicalType: 'timestamp', required: true, partitioned: true }],
          {
            quality: [
              { name: 'enough', type: 'library', metric: 'rowCount', mustBeGreaterThan: 1 },
            ],
          },
        ),
      },
    })
    const rows = ['2023-01-01T00:00:00Z', '2023-01-01T01:00:00Z', '2023-01-02T00:00:00Z']
    const file = await input(workspace, 'a.ndjson', jsonl(rows.map((at) => ({ at }))))
    const contract = join(workspace.dir, 'contracts/c.odcs.yaml')
    expect(await deliver(workspace, { files: [file], contract, to: 'inbox' })).toMatchObject({
      state: 'refused',
      code: 'quality',
      message: '2023-01-02: quality rule enough: row_count is 1, greater than 1 wanted',
      withheld: 3,
    })
    expect(await keysIn(workspace, '')).toEqual([])
  })

  test('are a whole input where it cannot be read, which no budget allows', async () => {
    await using workspace = await openPreset('hackle-events')
    const whole = await input(workspace, 'a.ndjson', hackle([1]))
    const broken = await input(workspace, 'b.ndjson.gz', gzipSync(hackle([2])).subarray(0, 60))
    expect(
      await deliver(workspace, {
        files: [whole, broken],
        feed: 'sent',
        max_rejected_percent: 100,
      }),
    ).toMatchObject({
      state: 'refused',
      code: 'inputs_refused',
      objects: [{ object: broken, code: 'corrupt_object' }],
    })
    expect(await keysIn(workspace, 'sent')).toEqual([])
  })

  test('lie in another partition than the one named, or in the future', async () => {
    await using workspace = await openPreset('hackle-events')
    const file = await input(
      workspace,
      'a.ndjson',
      hackle([1]) +
        hackle([2], { ts: '2023-01-02T00:00:00Z' }) +
        hackle([3], { ts: '2023-06-04T00:00:00Z' }),
    )
    const some = { files: [file], feed: 'sent', max_rejected_percent: 100 }
    const named = await deliver(workspace, { ...some, partition: '2023-01-01', dry_run: true })
    expect(named.rejects.map((r) => [r.row, r.code])).toEqual([
      [2, 'out_of_partition'],
      [3, 'out_of_partition'],
    ])
    // A receiver would take a partition of the day after tomorrow for a mistake.
    const free = await deliver(workspace, { ...some, dry_run: true })
    expect(free.rejects.map((r) => [r.row, r.code])).toEqual([[3, 'out_of_partition']])
    expect(free.deliveries.map((d) => d.partition)).toEqual(['2023-01-01', '2023-01-02'])
  })
})

test('a dry run says what is then done, and does nothing', async () => {
  await using workspace = await openPreset('hackle-events')
  const file = await input(
    workspace,
    'a.ndjson',
    hackle([1, 2, 2]) +
      hackle([3], { ts: '2023-01-02T00:00:00Z' }) +
      hackle([4], { insert_id: '' }),
  )
  const request = { files: [file], feed: 'sent', max_rejected_percent: 50 }
  const planned = await deliver(workspace, { ...request, dry_run: true })
  expect(await keysIn(workspace, '')).toEqual([])
  expect(planned).toMatchObject({ state: 'planned', rows_delivered: 3, duplicates: 1, rejected: 1 })
  expect(planned.rejects_file).toBeUndefined()
  const done = await deliver(workspace, request)
  expect(done.deliveries).toEqual(planned.deliveries.map((d) => ({ ...d, state: 'delivered' })))
  const keys = done.deliveries.flatMap((d) => [...d.files.map((f) => f.key), ...d.closed_by])
  expect(await keysIn(workspace, '')).toEqual(keys.sort())
  expect(keys[1]).toMatch(/^sent\/dt=2023-01-01\/part-00000-[0-9a-f]{16}\.parquet$/)
})

describe('a partition that holds something', () => {
  /** A workspace whose store tells what is done to it. */
  async function recording(preset: PresetName) {
    const workspace = await openPreset(preset)
    const calls: string[] = []
    const others: { afterWrite?: () => Promise<void> } = {}
    const app = await openApp({
      config_file: 'bucketline.yaml',
      cwd: workspace.dir,
      env: { BUCKETLINE_NOW: NOW },
      command: 'test',
      signal,
      openStore: async (settings, env) => record(await openStore(settings, env), calls, others),
    })
    return {
      workspace,
      calls,
      others,
      deliver: (
        ...args: Parameters<typeof deliverWith> extends [unknown, ...infer Rest] ? Rest : never
      ) => deliverWith(app, ...args),
      async [Symbol.asyncDispose]() {
        await app[Symbol.asyncDispose]()
        await workspace[Symbol.asyncDispose]()
      },
    }
  }

  function record(
    store: ObjectStore,
    calls: string[],
    others: { readonly afterWrite?: () => Promise<void> },
  ): ObjectStore {
    return {
      ...store,
      features: store.features,
      url: store.url,
      head: (...args) => store.head(...args),
      read: (...args) => store.read(...args),
      list: (...args) => store.list(...args),
      async write(key, ...rest) {
        const written = await store.write(key, ...rest)
        calls.push(`write ${key}`)
        await others.afterWrite?.()
        return written
      },
      async delete(keys, io) {
        calls.push(...keys.map((key) => `delete ${key}`))
        await store.delete(keys, io)
      },
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    }
  }

  test('is refused, or replaced: marker away, new files, stale ones away, marker', async () => {
    await using rig = await recording('hackle-events')
    const { workspace, calls } = rig
    const first = await input(workspace, 'a.ndjson', hackle([1, 2]))
    const second = await input(workspace, 'b.ndjson', hackle([2, 3]))
    const before = await rig.deliver({ files: [first], feed: 'sent' })
    await workspace.load('sent')
    await workspace.put('sent/dt=2023-01-01/stray.crc', 'not a part')
    calls.length = 0
    await expect(rig.deliver({ files: [second], feed: 'sent' })).rejects.toMatchObject({
      code: 'partition_exists',
      message: 'The partition 2023-01-01 holds 2 objects already.',
    })
    expect(calls).toEqual([])

    const after = await rig.deliver({ files: [second], feed: 'sent', replace: true })
    const [old_key, new_key] = [before, after].map((r) => r.deliveries[0]?.files[0]?.key ?? '')
    expect(old_key).not.toBe(new_key)
    expect(calls).toEqual([
      'delete sent/dt=2023-01-01/_SUCCESS',
      `write ${new_key}`,
      `delete ${old_key}`,
      'write sent/dt=2023-01-01/_SUCCESS',
    ])
    expect(after.deliveries).toMatchObject([{ action: 'replace', deleted: [old_key] }])
    expect(await workspace.load('sent')).toMatchObject([{ state: 'published', rows_published: 2 }])

    // The same once more is nothing to do, with or without being allowed to.
    calls.length = 0
    for (const replace of [true, false])
      expect(await rig.deliver({ files: [second], feed: 'sent', replace })).toMatchObject({
        rows_delivered: 2,
        deliveries: [{ state: 'unchanged' }],
      })
    expect(calls).toEqual([])
  })

  test('of a receiver who adds up gets more files beside', async () => {
    await using rig = await recording('metamarkets-rollup')
    const { workspace, calls } = rig
    const row = { timestamp: '2014-03-05T04:00:00Z', cnt: 1 }
    const first = await input(workspace, 'a.ndjson', jsonl([row]))
    const second = await input(workspace, 'b.ndjson', jsonl([{ ...row, cnt: 2 }]))
    await rig.deliver({ files: [first], feed: 'sent' })
    const added = await rig.deliver({ files: [second], feed: 'sent' })
    expect(added.deliveries).toMatchObject([{ action: 'add', deleted: [], closed_by: [] }])
    expect(await keysIn(workspace, 'sent')).toHaveLength(2)
    // Sent again it is the same delivery, not the same records twice.
    calls.length = 0
    const again = await rig.deliver({ files: [first], feed: 'sent' })
    expect(again.deliveries).toMatchObject([{ state: 'unchanged' }])
    expect(calls).toEqual([])
    await workspace.load('sent')
    expect(await workspace.query('SELECT sum(cnt)::INTEGER AS cnt FROM sent')).toEqual([{ cnt: 3 }])

    const replaced = await rig.deliver({ files: [second], feed: 'sent', replace: true })
    expect(replaced.deliveries).toMatchObject([{ action: 'replace' }])
    expect(await keysIn(workspace, 'sent')).toEqual(
      replaced.deliveries.flatMap((d) => d.files.map((f) => f.key)),
    )
  })

  test('of another that writes meanwhile is not closed', async () => {
    await using rig = await recording('hackle-events')
    const { workspace, others } = rig
    const file = await input(workspace, 'a.ndjson', hackle([1]))
    others.afterWrite = () => workspace.put('sent/dt=2023-01-01/other.parquet', 'x')
    await expect(rig.deliver({ files: [file], feed: 'sent' })).rejects.toMatchObject({
      code: 'partition_changed',
    })
    expect(await keysIn(workspace, 'sent')).not.toContain('sent/dt=2023-01-01/_SUCCESS')
  })
})

describe('files', () => {
  /** About 5 MB that do not compress, in an order of their own. */
  const SELECT = `SELECT md5(i::VARCHAR) || '-' || md5((i * 7)::VARCHAR) AS text, TIMESTAMPTZ '2023-01-01 00:00:00Z' + INTERVAL (i) SECOND AS at, i AS n FROM range(80000) t(i)`
  const CONTRACT = contractOf([
    { name: 'text', logicalType: 'string', required: true },
    { name: 'at', logicalType: 'timestamp', required: true, partitioned: true },
    { name: 'n', logicalType: 'integer', required: true },
  ])

  test.each([
    ['parquet', ''],
    ['jsonl', ''],
    ['csv', "|| chr(10) || '\"' || chr(13)"],
  ] as const)('come near the size that is asked for in %s', async (format, more) => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: { sent: { contract: 'contracts/c.odcs.yaml', layout: 'dt={yyyy}-{MM}/{file}' } },
      contracts: { 'c.odcs.yaml': CONTRACT },
    })
    const source = join(workspace.dir, 'rows.parquet')
    await using duckdb = await openDuckdb({
      memory_limit: '512MB',
      spill_dir: join(workspace.dir, 's'),
    })
    await duckdb.run(
      `COPY (SELECT * REPLACE (text ${more} AS text) FROM (${SELECT})) TO ${literal(source)} (FORMAT parquet)`,
    )
    const report = await deliver(workspace, { files: [source], feed: 'sent', format, file_mb: 0.6 })
    const [delivery] = report.deliveries
    const files = delivery?.files ?? []
    expect(files.length).toBeGreaterThan(3)
    for (const { bytes } of files.slice(0, -1)) {
      expect(bytes).toBeGreaterThan(400_000)
      expect(bytes).toBeLessThan(900_000)
    }
    expect(files.reduce((sum, f) => sum + f.rows, 0)).toBe(80_000)
    // Rows keep their order through the files, and none is cut in two.
    await workspace.load('sent')
    const [row] = await workspace.query(
      `SELECT count(*)::INTEGER AS rows, count(DISTINCT n)::INTEGER AS numbers, bool_and(n = place) AS ordered, count(DISTINCT _object)::INTEGER AS files, bool_and(text = md5(n::VARCHAR) || '-' || md5((n * 7)::VARCHAR) ${more}) AS same
       FROM (SELECT *, row_number() OVER (ORDER BY _object, _row) - 1 AS place FROM sent)`,
    )
    expect(row).toEqual({
      ...{ rows: 80_000, numbers: 80_000, ordered: true, same: true },
      files: files.length,
    })
  })

  test('go where a zone and further variables say, each folder with a marker of its own', async () => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: {
        sent: {
          contract: 'contracts/c.odcs.yaml',
          layout: 'region={region}/dt={yyyy}-{MM}-{dd}/H={HH}/{file}.csv',
          partition_zone: 'Asia/Seoul',
          completion: { type: 'marker' },
        },
      },
      contracts: {
        'c.odcs.yaml': contractOf([
          { name: 'at', logicalType: 'timestamp', required: true, partitioned: true },
        ]),
      },
    })
    const rows = [
      { at: '2023-01-01T14:59:59Z', region: 'eu/1' },
      { at: '2023-01-01T15:00:00Z', region: 'eu/1' },
      { at: '2023-01-01T15:00:00Z', region: null },
    ]
    const file = await input(workspace, 'a.ndjson', jsonl(rows))
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    const keys = (await keysIn(workspace, 'sent')).map((key) => key.replace(/-[0-9a-f]{16}/, ''))
    expect(keys).toEqual([
      'sent/region=__HIVE_DEFAULT_PARTITION__/dt=2023-01-02/H=00/_SUCCESS',
      expect.stringMatching(
        /^sent\/region=__HIVE_DEFAULT_PARTITION__\/dt=2023-01-02\/H=00\/part-0000[01]\.csv$/,
      ),
      'sent/region=eu%2F1/dt=2023-01-01/H=23/_SUCCESS',
      'sent/region=eu%2F1/dt=2023-01-01/H=23/part-00000.csv',
      'sent/region=eu%2F1/dt=2023-01-02/H=00/_SUCCESS',
      expect.stringMatching(/^sent\/region=eu%2F1\/dt=2023-01-02\/H=00\/part-0000[01]\.csv$/),
    ])
    expect(report.deliveries.map((d) => [d.partition, d.rows])).toEqual([
      ['2023-01-01T23', 1],
      ['2023-01-02T00', 2],
    ])
    await workspace.load('sent')
    expect(
      await workspace.query('SELECT "at", region FROM sent ORDER BY "at", region NULLS FIRST'),
    ).toEqual([
      { at: '2023-01-01T14:59:59.000Z', region: 'eu/1' },
      { at: '2023-01-01T15:00:00.000Z', region: null },
      { at: '2023-01-01T15:00:00.000Z', region: 'eu/1' },
    ])
    // Replaced whole: what lay under the other region goes too.
    const less = await input(workspace, 'b.ndjson', jsonl(rows.slice(1, 2)))
    await deliver(workspace, { files: [less], feed: 'sent', replace: true })
    expect((await keysIn(workspace, 'sent')).filter((key) => key.includes('H=00'))).toEqual([
      'sent/region=eu%2F1/dt=2023-01-02/H=00/_SUCCESS',
      expect.stringContaining('sent/region=eu%2F1/dt=2023-01-02/H=00/part-00000'),
    ])
  })

  test('are written in the dialect, codec and times that the receiver reads', async () => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: {
        sent: {
          contract: 'contracts/c.odcs.yaml',
          layout: '{yyyy}/{file}',
          format: {
            ...{ type: 'csv', delimiter: ';', quote: "'", escape: '\\', null_text: ['NULL', ''] },
            ...{ header: ['at', 'text', 'n'], compression: 'zstd' },
          },
        },
      },
      contracts: {
        'c.odcs.yaml': contractOf([
          {
            ...{ name: 'at', logicalType: 'timestamp', required: true, partitioned: true },
            logicalTypeOptions: { format: 'dd/MM/yyyy HH:mm:ss', defaultTimezone: 'Asia/Seoul' },
          },
          { name: 'text', logicalType: 'string' },
          { name: 'n', logicalType: 'number' },
        ]),
      },
    })
    const texts = ['it\'s; \\ \r\n"ok"', 'NULL', '', null, ' x ', 'ü😀']
    const rows = texts.map((text, n) => ({ at: `01/01/2023 00:00:0${n}`, text, n: n / 4 }))
    const file = await input(workspace, 'a.ndjson', jsonl(rows))
    const report = await deliver(workspace, { files: [file], feed: 'sent', file_mb: 0.00001 })
    const [key] = await keysIn(workspace, 'sent')
    // Midnight in Seoul is still the year before in UTC, by which partitions are cut.
    expect(key).toMatch(/^sent\/2022\/part-00000-[0-9a-f]{16}\.csv\.zst$/)
    expect(report.rows_delivered).toBe(6)
    await workspace.load('sent')
    expect(await workspace.query('SELECT "at", "text", n FROM sent ORDER BY n')).toEqual(
      texts.map((text, n) => ({ at: `2022-12-31T15:00:0${n}.000Z`, text, n: n / 4 })),
    )
  })

  test('of a store that fails half-way are completed by the next run', async () => {
    await using workspace = await openPreset('hackle-events')
    const file = await input(
      workspace,
      'a.ndjson',
      hackle([1]) + hackle([2], { ts: '2023-01-02T00:00:00Z' }),
    )
    let writes = 0
    const failing = await openApp({
      config_file: 'bucketline.yaml',
      cwd: workspace.dir,
      env: { BUCKETLINE_NOW: NOW },
      command: 'test',
      signal,
      openStore: async (settings, env) => {
        const store = await openStore(settings, env)
        const write = store.write.bind(store)
        store.write = async (...args) => {
          writes += 1
          // The marker of the first day and both objects of the second do not come through.
          if (writes > 1) throw new ExchangeError('store_unavailable', 'no answer')
          return write(...args)
        }
        return store
      },
    })
    await expect(deliverWith(failing, { files: [file], feed: 'sent' })).rejects.toMatchObject({
      code: 'store_unavailable',
      message: 'partition 2023-01-01: no answer',
      details: { delivered: [] },
    })
    await failing[Symbol.asyncDispose]()
    expect(await keysIn(workspace, 'sent')).toHaveLength(1)
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    expect(report.deliveries.map((d) => d.state)).toEqual(['delivered', 'delivered'])
    expect(await keysIn(workspace, 'sent')).toHaveLength(4)
  })

  test('are named by a manifest where that is the rule', async () => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: { sent: { preset: 'hackle-events', completion: { type: 'manifest' } } },
    })
    const file = await input(workspace, 'a.ndjson', hackle([1]))
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    const [written] = report.deliveries[0]?.files ?? []
    expect(
      JSON.parse(await readFile(workspace.pathOf('sent/dt=2023-01-01/manifest.json'), 'utf8')),
    ).toEqual({ files: [{ name: written?.key.split('/').at(-1), size: written?.bytes }] })
    expect(await workspace.load('sent')).toMatchObject([{ state: 'published', rows_published: 1 }])
  })

  test('hold the partner’s own names and types', async () => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: {
        sent: { contract: 'contracts/c.odcs.yaml', layout: '{yyyy}/{file}.parquet' },
        handed: { contract: 'contracts/c.odcs.yaml', layout: '{yyyy}/{file}.jsonl' },
      },
      contracts: {
        'c.odcs.yaml': contractOf([
          {
            name: 'at',
            physicalName: 'EventTime',
            logicalType: 'timestamp',
            required: true,
            partitioned: true,
          },
          { name: 'small', physicalType: 'UTINYINT', logicalType: 'integer' },
          { name: 'id', logicalType: 'string', logicalTypeOptions: { format: 'uuid' } },
          { name: 'price', logicalType: 'number', physicalType: 'DECIMAL(9,2)' },
          {
            name: 'place',
            logicalType: 'object',
            properties: [
              { name: 'lat', physicalName: 'Latitude', logicalType: 'number' },
              { name: 'seen', logicalType: 'timestamp' },
            ],
          },
          { name: 'tags', logicalType: 'array', items: { name: 'tag', logicalType: 'string' } },
        ]),
      },
    })
    const file = await input(
      workspace,
      'a.ndjson',
      '{"EventTime":"2023-01-01T00:00:00.000001Z","small":255,"id":"00000000-0000-4000-8000-000000000001","price":1234567.89,"place":{"Latitude":1.5,"seen":"2023-01-01T00:00:00+09:00"},"tags":["a",null]}\n{"EventTime":"2023-02-01T00:00:00Z"}\n',
    )
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    const path = literal(workspace.pathOf(report.deliveries[0]?.files[0]?.key ?? ''))
    await using duckdb = await openDuckdb({
      memory_limit: '512MB',
      spill_dir: join(workspace.dir, 's'),
    })
    const columns = await duckdb.all<{ column_name: string; column_type: string }>(
      `DESCRIBE SELECT * FROM read_parquet(${path})`,
    )
    expect(columns.map((c) => [c.column_name, c.column_type])).toEqual([
      ['EventTime', 'TIMESTAMP WITH TIME ZONE'],
      ['small', 'UTINYINT'],
      ['id', 'VARCHAR'],
      ['price', 'DECIMAL(9,2)'],
      ['place', 'STRUCT(Latitude DOUBLE, seen TIMESTAMP WITH TIME ZONE)'],
      ['tags', 'VARCHAR[]'],
    ])
    const [codec] = await duckdb.all(`SELECT DISTINCT compression FROM parquet_metadata(${path})`)
    expect(codec).toEqual({ compression: 'SNAPPY' })
    await workspace.load('sent')
    const rows = await workspace.rows('sent', '* EXCLUDE (_object, _row)')
    expect(rows).toEqual([
      {
        at: '2023-01-01T00:00:00.000001Z',
        small: 255,
        id: '00000000-0000-4000-8000-000000000001',
        price: '1234567.89',
        place: { lat: 1.5, seen: '2022-12-31T15:00:00.000Z' },
        tags: ['a', null],
      },
      {
        at: '2023-02-01T00:00:00.000Z',
        small: null,
        id: null,
        price: null,
        place: null,
        tags: null,
      },
    ])
    // A dataset has the contract's names; handed on it has the partner's again.
    await deliver(workspace, { from_dataset: 'sent', feed: 'handed' })
    const [key] = await keysIn(workspace, 'handed')
    expect((await readFile(workspace.pathOf(key ?? ''), 'utf8')).split('\n')[0]).toBe(
      '{"EventTime":"2023-01-01T00:00:00.000001Z","small":255,"id":"00000000-0000-4000-8000-000000000001","price":1234567.89,"place":{"Latitude":1.5,"seen":"2022-12-31T15:00:00Z"},"tags":["a",null]}',
    )
    await workspace.load('handed')
    expect(await workspace.rows('handed', '* EXCLUDE (_object, _row)')).toEqual(rows)
  })
})

describe('records', () => {
  test('come from several files, compressed or not, and from standard input', async () => {
    await using workspace = await openPreset('hackle-events')
    const files = [
      await input(workspace, 'a.ndjson.gz', gzipSync(hackle([1]))),
      await input(workspace, 'b.json.zst', zstdCompressSync(hackle([2]))),
      await input(workspace, 'empty.ndjson', ''),
      '-',
    ]
    async function* stdin() {
      yield Buffer.from(hackle([3]).slice(0, 50))
      yield Buffer.from(hackle([3]).slice(50))
    }
    const report = await deliver(workspace, { files, feed: 'sent', stdin: stdin() })
    expect(report).toMatchObject({ state: 'delivered', rows_read: 3, rows_delivered: 3 })
  })

  test('of a dataset can be those of one partition', async () => {
    await using workspace = await openPreset('hackle-events')
    const file = await input(
      workspace,
      'a.ndjson',
      hackle([1]) + hackle([2], { ts: '2023-01-02T00:00:00Z', more: 1 }),
    )
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    expect(report.notes).toMatchObject([
      {
        code: 'fields_left_out',
        count: 1,
        message: 'fields that the contract does not declare are not delivered: more',
      },
    ])
    await workspace.load('sent')
    expect(
      await deliver(workspace, { from_dataset: 'sent', feed: 'handed', partition: '2023-01-02' }),
    ).toMatchObject({ rows_read: 1, deliveries: [{ partition: '2023-01-02', rows: 1 }] })
  })

  test('of CSV have no types: a note says which fields go as text', async () => {
    await using workspace = await openPreset('metamarkets-rollup')
    const file = await input(
      workspace,
      'a.csv',
      'timestamp,cnt,revenue\n2014-03-05T04:00:00Z,7,1.50\n',
    )
    const report = await deliver(workspace, { files: [file], feed: 'sent' })
    expect(report.notes).toMatchObject([
      { code: 'delivered_as_text', message: expect.stringContaining(': revenue') },
    ])
    const [key] = await keysIn(workspace, 'sent')
    expect(gunzipSync(await readFile(workspace.pathOf(key ?? ''))).toString()).toBe(
      '{"timestamp":"2014-03-05T04:00:00Z","cnt":7,"revenue":"1.50"}\n',
    )
  })

  test.each([
    [{ files: [] }, 'usage', 'There is nothing to deliver.'],
    [{ files: ['absent.ndjson'] }, 'usage', 'There is no file absent.ndjson.'],
    [{ files: ['x'], feed: 'nowhere' }, 'feed_not_found', 'There is no feed nowhere'],
    [{ files: ['x'], to: 'nowhere' }, 'usage', 'There is no store nowhere.'],
    [{ files: ['x'], preset: 'hackle-events' as const }, 'usage', 'exclude each other'],
    [
      { files: ['x'], format: 'csv' as const },
      'usage',
      '--format csv is not what is expected: parquet.',
    ],
    [{ files: ['x'], partition: '2023' }, 'partition_invalid', '"2023" names one year'],
  ])('are asked for in a way that can be understood: %j', async (request, code, message) => {
    await using workspace = await openPreset('hackle-events')
    await expect(deliver(workspace, { feed: 'sent', ...request })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })

  test('without a time need a partition that is named', async () => {
    await using workspace = await openWorkspace({
      now: NOW,
      feeds: {},
      contracts: { 'c.odcs.yaml': contractOf([{ name: 'n', logicalType: 'number' }]) },
    })
    const contract = join(workspace.dir, 'contracts/c.odcs.yaml')
    const file = await input(workspace, 'n.ndjson', '{"n":1}\n{"n":1e300}\n{"n":-0.5}\n')
    const request = { files: [file], contract, to: 'inbox', prefix: 'x' }
    await expect(deliver(workspace, request)).rejects.toMatchObject({ code: 'partition_unknown' })
    expect(await keysIn(workspace, '')).toEqual([])
    // A contract alone: JSON lines in a folder a day, closed by a marker unless that is not wanted.
    const placed = { ...request, partition: '2023-01-01' }
    await deliver(workspace, placed)
    const keys = await keysIn(workspace, 'x')
    expect(keys).toEqual([
      'x/dt=2023-01-01/_SUCCESS',
      expect.stringMatching(/^x\/dt=2023-01-01\/part-00000-[0-9a-f]{16}\.jsonl\.gz$/),
    ])
    expect(gunzipSync(await readFile(workspace.pathOf(keys[1] ?? ''))).toString()).toBe(
      '{"n":1}\n{"n":1e+300}\n{"n":-0.5}\n',
    )
    await deliver(workspace, { ...placed, prefix: 'y/', marker: false })
    expect(await keysIn(workspace, 'y')).toHaveLength(1)
  })

  test('that a contract wants flat hold no objects', async () => {
    await using workspace = await openPreset('metamarkets-rollup')
    const path = join(workspace.dir, 'n.parquet')
    await using duckdb = await openDuckdb({
      memory_limit: '512MB',
      spill_dir: join(workspace.dir, 's'),
    })
    await duckdb.run(
      `COPY (SELECT TIMESTAMPTZ '2014-03-05 04:00:00Z' AS "timestamp", 1 AS cnt, {'a': 1} AS deep) TO ${literal(path)} (FORMAT parquet)`,
    )
    await expect(deliver(workspace, { files: [path], feed: 'sent' })).rejects.toMatchObject({
      code: 'not_writable',
      message: expect.stringContaining(': deep.'),
    })
    expect(await keysIn(workspace, '')).toEqual([])
  })
})
