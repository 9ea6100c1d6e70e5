import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseLayout } from '../../core/layout/layout.ts'
import { parseContract } from '../../core/odcs/odcs.ts'
import { parsePartition } from '../../core/partition.ts'
import { Completion } from '../../core/settings.ts'
import { type Duckdb, literal, openDuckdb } from '../../duckdb/duckdb.ts'
import { openMemory } from '../../store/memory.ts'
import type { ObjectStore } from '../../store/store.ts'
import { readPreset } from './read-preset.ts'
import { type SampleTarget, writeSample } from './write-sample.ts'

let dir: string
let duckdb: Duckdb
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'write-sample-'))
  duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(dir, 'spill'), threads: 1 })
})
afterAll(async () => {
  await duckdb[Symbol.asyncDispose]()
  await rm(dir, { recursive: true })
})

async function bytes(store: ObjectStore, key: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of await store.read(key)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function presetSample(
  name: Parameters<typeof readPreset>[0],
  partition: string,
  rows: number,
) {
  const preset = await readPreset(name)
  const store = openMemory()
  const target: SampleTarget = {
    store,
    prefix: 'in/',
    layout: parseLayout(preset.delivery.layout),
    completion: preset.delivery.completion,
    ...preset.delivery.sample,
  }
  const options = { rows, partition: parsePartition(partition), files: 2, duckdb, dir }
  const { objects } = await writeSample(preset.contract, target, options)
  return { store, target, options, objects, contract: preset.contract }
}

describe('a sample of', () => {
  it('hackle-events is Parquet of the stated types, closed by its marker', async () => {
    const { store, objects } = await presetSample('hackle-events', '2023-01-01', 101)
    expect(objects.map(({ key, rows }) => [key, rows])).toEqual([
      ['in/dt=2023-01-01/part-00000.parquet', 50],
      ['in/dt=2023-01-01/part-00001.parquet', 51],
      ['in/dt=2023-01-01/_SUCCESS', 0],
    ])
    expect(objects[2]?.size).toBe(0)
    const files: string[] = []
    for (const { key } of objects.slice(0, 2)) {
      const file = join(dir, `${files.length}.parquet`)
      await writeFile(file, await bytes(store, key))
      files.push(file)
    }
    const from = `FROM read_parquet([${files.map(literal).join(', ')}])`
    const described = await duckdb.all<{ column_name: string; column_type: string }>(
      `DESCRIBE SELECT * ${from}`,
    )
    expect(
      described.map(({ column_name, column_type }) => `${column_name} ${column_type}`),
    ).toEqual([
      'insert_id VARCHAR',
      'event_key VARCHAR',
      'ts TIMESTAMP WITH TIME ZONE',
      'metric_value DECIMAL(24,6)',
      'identifiers MAP(VARCHAR, VARCHAR)',
      'event_properties MAP(VARCHAR, VARCHAR)',
      'user_properties MAP(VARCHAR, VARCHAR)',
      'platform_properties MAP(VARCHAR, VARCHAR)',
    ])
    const [facts] = await duckdb.all(`SELECT count(*)::INT AS rows,
        count(DISTINCT insert_id::UUID)::INT AS ids,
        count(*) FILTER (ts >= TIMESTAMPTZ '2023-01-01 00:00:00Z' AND ts < TIMESTAMPTZ '2023-01-02 00:00:00Z' AND date_trunc('milliseconds', ts) = ts)::INT AS in_day,
        count(*) FILTER (identifiers['id'] IS NOT NULL AND identifiers['device_id'] IS NOT NULL)::INT AS identified,
        count(*) FILTER (platform_properties['osname'] IS NOT NULL AND platform_properties['appversion'] IS NOT NULL)::INT AS platforms,
        count(metric_value)::INT AS metrics ${from}`)
    expect(facts).toEqual({
      rows: 101,
      ids: 101,
      in_day: 101,
      identified: 101,
      platforms: 101,
      metrics: 101,
    })
  })

  it('metamarkets-rollup is gzip JSON lines, flat, in the hour', async () => {
    const { store, objects } = await presetSample('metamarkets-rollup', '2015-10-17T09', 40)
    expect(objects.map(({ key }) => key)).toEqual([
      'in/y=2015/m=10/d=17/H=09/part-00000.gz',
      'in/y=2015/m=10/d=17/H=09/part-00001.gz',
    ])
    const text = gunzipSync(await bytes(store, objects[0]?.key ?? '')).toString()
    const rows = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows).toHaveLength(20)
    for (const row of rows) {
      expect(row.timestamp).toMatch(/^2015-10-17T09:\d\d:\d\d\.\d{3}Z$/)
      expect(Number.isInteger(row.cnt)).toBe(true)
      expect(Object.values(row).every((value) => typeof value !== 'object')).toBe(true)
    }
    expect(Object.keys(rows[0])).toEqual([
      'timestamp',
      'cnt',
      'revenue',
      'imp_cnt',
      'bid_cnt',
      'bid_sum',
    ])
  })

  it.each(['toplyne-events', 'toplyne-users', 'toplyne-accounts'] as const)(
    '%s is CSV',
    async (name) => {
      const { store, objects, contract } = await presetSample(name, '2023-01-09', 60)
      expect(objects.map(({ key }) => key)).toEqual([
        expect.stringMatching(/^in\/(timestamp|updated_at)=2023-01-09\/part-00000\.csv$/),
        expect.stringMatching(/part-00001\.csv$/),
      ])
      const file = join(dir, 'x.csv')
      await writeFile(file, await bytes(store, objects[0]?.key ?? ''))
      const rows = await duckdb.all<Record<string, string | null>>(
        `FROM read_csv(${literal(file)}, all_varchar = true, header = true)`,
      )
      expect(rows).toHaveLength(30)
      expect(Object.keys(rows[0] ?? {})).toEqual(contract.columns.map((column) => column.name))
      const time = contract.time_column ?? ''
      expect(rows.every((row) => row[time]?.startsWith('2023-01-09T'))).toBe(true)
      if (contract.key[0]) {
        expect(new Set(rows.map((row) => row[contract.key[0] ?? ''])).size).toBe(30)
      }
    },
  )
})

describe('writeSample', () => {
  const { contract } = parseContract(`apiVersion: v3.2.0
kind: DataContract
id: c
version: 1.0.0
schema:
  - name: d
    properties:
      - { name: ts, logicalType: timestamp, required: true, partitioned: true, logicalTypeOptions: { format: 'dd/MM/yyyy HH:mm:ss', defaultTimezone: Asia/Seoul } }
      - { name: price, logicalType: number, physicalType: 'DECIMAL(38, 10)', required: true }
      - { name: note, logicalType: string, enum: [{ value: 'a, "b"' }] }
      - { name: list, logicalType: array, items: { logicalType: integer }, required: true }
`)
  const target = (store: ObjectStore, more: Partial<SampleTarget> = {}): SampleTarget => ({
    store,
    prefix: '',
    layout: parseLayout('region={region}/{yyyy}-{MM}-{dd}/{file}'),
    completion: Completion.parse({ type: 'immediate' }),
    format: 'jsonl',
    compression: 'none',
    ...more,
  })
  const options = (rows: number) => ({ rows, partition: parsePartition('2024-03-01'), duckdb, dir })

  it('writes the same bytes of the same seed', async () => {
    const [one, two, other] = [openMemory(), openMemory(), openMemory()]
    const [first] = (await writeSample(contract, target(one), options(50))).objects
    await writeSample(contract, target(two), options(50))
    await writeSample(contract, target(other), { ...options(50), seed: 2 })
    const key = 'region=sample/2024-03-01/part-00000.jsonl'
    expect(first?.key).toBe(key)
    expect(await bytes(one, key)).toEqual(await bytes(two, key))
    expect(await bytes(one, key)).not.toEqual(await bytes(other, key))
  })

  it('writes numbers with every digit, times in their own form, and zstd', async () => {
    const store = openMemory()
    const { objects } = await writeSample(
      contract,
      target(store, { compression: 'zstd' }),
      options(20),
    )
    expect(objects[0]?.key).toMatch(/part-00000\.jsonl\.zst$/)
    const text = zstdDecompressSync(await bytes(store, objects[0]?.key ?? '')).toString()
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(
        // The UTC day of 1 March lasts in Seoul from 09:00 to 09:00.
        /^\{"ts":"0[12]\/03\/2024 \d\d:\d\d:\d\d","price":\d+\.\d{10},("note":"a, \\"b\\"",)?"list":\[\d+(,\d+)*\]\}$/,
      )
    }
  })

  it('writes Parquet whose instants are those of the text forms', async () => {
    const store = openMemory()
    const { objects } = await writeSample(
      contract,
      target(store, { format: 'parquet' }),
      options(30),
    )
    const file = join(dir, 'seoul.parquet')
    await writeFile(file, await bytes(store, objects[0]?.key ?? ''))
    const [facts] =
      await duckdb.all(`SELECT min(ts) >= TIMESTAMPTZ '2024-03-01 00:00:00Z' AND max(ts) < TIMESTAMPTZ '2024-03-02 00:00:00Z' AS inside,
      typeof(any_value(price)) AS price, typeof(any_value(list)) AS list FROM read_parquet(${literal(file)})`)
    expect(facts).toEqual({ inside: true, price: 'DECIMAL(38,10)', list: 'BIGINT[]' })
  })

  it('quotes CSV and leaves nulls empty', async () => {
    const store = openMemory()
    const { objects } = await writeSample(contract, target(store, { format: 'csv' }), options(40))
    const lines = (await bytes(store, objects[0]?.key ?? '')).toString().trimEnd().split('\n')
    expect(lines[0]).toBe('ts,price,note,list')
    expect(lines.some((line) => line.includes('"a, ""b"""'))).toBe(true)
    expect(lines.some((line) => /^[^,]*,[^,]*,,/.test(line))).toBe(true)
  })

  it('names its parts in a manifest', async () => {
    const store = openMemory()
    const layout = parseLayout('dt={yyyy}-{MM}-{dd}/{file}.jsonl')
    const completion = Completion.parse({ type: 'manifest', name: 'm.json' })
    await writeSample(contract, target(store, { layout, completion }), { ...options(4), files: 2 })
    expect(JSON.parse((await bytes(store, 'dt=2024-03-01/m.json')).toString())).toEqual({
      files: ['part-00000.jsonl', 'part-00001.jsonl'],
    })
  })

  it('writes no object without rows, only what completes the partition', async () => {
    const store = openMemory()
    const layout = parseLayout('dt={yyyy}-{MM}-{dd}/{file}.jsonl')
    const completion = Completion.parse({ type: 'marker' })
    const { objects } = await writeSample(
      contract,
      target(store, { layout, completion }),
      options(0),
    )
    expect(objects.map(({ key }) => key)).toEqual(['dt=2024-03-01/_SUCCESS'])
  })

  it('replaces nothing where it must not, and leaves no temporary file', async () => {
    const store = openMemory()
    await writeSample(contract, target(store), options(1))
    await expect(
      writeSample(contract, target(store), { ...options(1), if_absent: true }),
    ).rejects.toMatchObject({
      code: 'object_exists',
    })
    const impossible = {
      ...contract,
      columns: contract.columns.map((column) => ({ ...column, unique: column.name === 'note' })),
    }
    await expect(writeSample(impossible, target(store), options(3))).rejects.toMatchObject({
      code: 'sample_impossible',
    })
    expect((await readdir(dir)).filter((name) => name.startsWith('sample-'))).toEqual([])
  })

  it('refuses a marker where a partition has no folder', async () => {
    const completion = Completion.parse({ type: 'marker' })
    const layout = parseLayout('{yyyy}-{MM}-{dd}-{file}')
    await expect(
      writeSample(contract, target(openMemory(), { layout, completion }), options(1)),
    ).rejects.toMatchObject({ code: 'layout_invalid' })
  })
})
