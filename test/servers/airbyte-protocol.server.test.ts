import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { type Call, startConnector, write } from '../support/airbyte-connector.ts'
import {
  catalogOf,
  globalStateLine,
  recordLine,
  stateLine,
  stateName,
  statusLine,
} from '../support/airbyte-messages.ts'
import { openReaders, type Readers, type Row } from '../support/airbyte-readers.ts'
import { buildProgram } from './build.ts'
import { TOOLS } from './kinds.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3Server } from './s3-bucket.ts'

/** Real pipes between a source and the connector; the order of states; two connectors at once. */

let server: RunningServer
let readers: Readers
let dir = ''
let faker = ''
let buckets = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-protocol-'))
  faker = await buildProgram('source-faker', TOOLS['source-faker'])
  server = await startServer('minio')
  readers = await openReaders()
})
afterAll(async () => {
  await readers[Symbol.asyncDispose]()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

const bucketOf = () => openBucket(s3Server(server), `protocol-${++buckets}`)

/** The data of a stream's rows in JSON lines objects that are not compressed. */
async function rowsOf(bucket: Bucket, stream: string): Promise<Row[]> {
  const keys = (await bucket.objects()).filter((key) => key.startsWith(`lake/${stream}/`))
  const texts = await Promise.all(keys.map(bucket.text))
  return texts
    .flatMap((text) => text.split('\n').filter(Boolean))
    .map((line) => (JSON.parse(line) as { _airbyte_data: Row })._airbyte_data)
}
const idsOf = async (bucket: Bucket, stream: string) =>
  (await rowsOf(bucket, stream)).map(({ id }) => id as number).sort((a, b) => a - b)
const upto = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

const FAKER_STREAMS = ['products', 'users', 'purchases'].map((name) => ({ name }))

/** `source-faker read`, its output the connector's standard input. */
async function piped(call: Omit<Call, 'input' | 'dir' | 'catalog'>, count: number) {
  const config = join(dir, `faker-${count}.json`)
  const settings = { count, seed: 1, records_per_slice: 50, parallelism: 1 }
  await writeFile(config, JSON.stringify({ ...settings, always_updated: false }))
  const catalog = catalogOf(FAKER_STREAMS)
  const catalog_file = join(dir, 'faker-catalog.json')
  await writeFile(catalog_file, JSON.stringify(catalog))
  const source = spawn(faker, ['read', '--config', config, '--catalog', catalog_file], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const running = await startConnector('write', { ...call, catalog, dir, input: source.stdout })
  // The connector has it now; here nobody reads it.
  source.stdout.destroy()
  return { source, ...running }
}

const loopOffset = (states: readonly string[], stream: string): number => {
  const last = states.findLast((line) => stateName(line).name === stream)
  if (last === undefined) return 0
  return JSON.parse(last).state.stream.stream_state.loop_offset ?? 100
}

/** Records of a stream before its last state; the state itself says less than had come. */
const recordsBefore = (states: readonly string[], stream: string): number =>
  states
    .filter((line) => stateName(line).name === stream)
    .reduce((sum, line) => sum + JSON.parse(line).state.sourceStats.recordCount, 0)

describe('source-faker in a pipe', () => {
  it.each([
    { format_type: 'CSV', flattening: 'Root level flattening' },
    { format_type: 'JSONL' },
    { format_type: 'Avro', compression_codec: { codec: 'snappy' } },
    { format_type: 'Parquet', compression_codec: 'SNAPPY' },
  ])('is written as $format_type', async (format) => {
    const bucket = await bucketOf()
    const { ended } = await piped({ config: bucket.config({ format }) }, 200)
    const { code, states, errors } = await ended
    expect(errors).toEqual([])
    expect(code).toBe(0)
    expect([loopOffset(states, 'users'), loopOffset(states, 'purchases')]).toEqual([200, 200])
    for (const [stream, count] of [
      ['products', 100],
      ['users', 200],
      ['purchases', 200],
    ] as const) {
      const keys = (await bucket.objects()).filter((key) => key.startsWith(`lake/${stream}/`))
      const paths = await bucket.download(keys, await mkdtemp(join(dir, 'objects-')))
      const read = async (path: string) =>
        format.format_type === 'Avro' ? (await readers.python(path)).rows : readers.duckdb(path)
      const rows = (await Promise.all(paths.map(read))).flat()
      const ids = rows.map((row) => Number((row._airbyte_data as Row | undefined)?.id ?? row.id))
      expect(
        ids.sort((a, b) => a - b),
        stream,
      ).toEqual(upto(count))
    }
    expect(await bucket.leftovers()).toEqual([])
    bucket.close()
  })

  it.each([1, 4, 9])(
    'killed after %i states of a stream leaves what states cover',
    async (wanted) => {
      const bucket = await bucketOf()
      const config = bucket.config({ max_part_age_seconds: 0.01 })
      const { source, child, ended } = await piped({ config }, 20_000)
      let seen = 0
      child.stdout?.on('data', (chunk: Buffer) => {
        seen += chunk.toString().split('"loop_offset"').length - 1
        if (seen >= wanted) source.kill('SIGKILL')
      })
      const { code, states, errors } = await ended
      expect(source.signalCode).toBe('SIGKILL')
      expect(code).toBe(1)
      expect(errors).toHaveLength(1)
      expect(errors[0]?.failure_type).toBe('transient_error')
      expect(errors[0]?.message).toContain('users')
      for (const { name } of FAKER_STREAMS) {
        expect(await idsOf(bucket, name), name).toEqual(upto(recordsBefore(states, name)))
      }
      expect(recordsBefore(states, 'users')).toBeGreaterThan(0)
      expect(recordsBefore(states, 'users')).toBeLessThan(20_000)
      expect(await bucket.leftovers()).toEqual([])
      bucket.close()
    },
  )

  it('that dies in the middle of a line leaves what states cover, and says so', async () => {
    const bucket = await bucketOf()
    const users = { name: 'users' }
    const { child, ended } = await startConnector('write', {
      config: bucket.config(),
      catalog: catalogOf([users]),
      dir,
    })
    const lines = [
      statusLine(users, 'STARTED'),
      recordLine(users, { id: 1, at: 1 }),
      stateLine(users, 1, 1),
      recordLine(users, { id: 2, at: 1 }),
    ]
    child.stdin?.end(`${lines.join('\n')}\n${recordLine(users, { id: 3, at: 1 }).slice(0, -30)}`)
    const { code, states, errors } = await ended
    expect(code).toBe(1)
    expect(states).toEqual([lines[2]])
    expect(errors[0]).toMatchObject({ failure_type: 'transient_error' })
    expect(errors[0]?.message).toContain('users')
    expect(await idsOf(bucket, 'users')).toEqual([1])
    bucket.close()
  })
})

describe('50 streams whose records and states come in turns', () => {
  const streams = Array.from({ length: 50 }, (_, at) => ({
    name: `s${at}`,
    ...(at % 3 === 0 ? { namespace: 'public' } : {}),
  }))
  const rounds = 30
  const done = streams.map((stream) => statusLine(stream, 'COMPLETE'))
  const settings = { max_part_age_seconds: 0.02 }

  it('gives back the states of each in order', async () => {
    const lines: string[] = []
    const states: string[] = []
    for (let round = 1; round <= rounds; round++) {
      for (const [at, stream] of streams.entries()) {
        lines.push(recordLine(stream, { id: round, at: round, v: 'x'.repeat(50) }))
        if ((round + at) % 3 !== 0) continue
        states.push(stateLine(stream, round, 3))
        lines.push(states.at(-1) as string)
      }
    }
    const bucket = await bucketOf()
    const call = { config: bucket.config(settings), catalog: catalogOf(streams), dir }
    const end = await write(call, [...lines, ...done])
    expect(end.code, JSON.stringify(end.errors)).toBe(0)
    const byStream = (given: readonly string[]) =>
      Object.groupBy(given, (line) => JSON.stringify(stateName(line)))
    expect(byStream(end.states)).toEqual(byStream(states))
    for (const { name, namespace } of streams) {
      const directory = namespace === undefined ? name : `${namespace}/${name}`
      expect(await idsOf(bucket, directory)).toEqual(upto(rounds))
    }
    expect(await bucket.leftovers()).toEqual([])
    bucket.close()
  })

  it('gives back states of all of them in order', async () => {
    const lines: string[] = []
    const states: string[] = []
    for (let round = 1; round <= rounds; round++) {
      for (const stream of streams) lines.push(recordLine(stream, { id: round, at: round }))
      states.push(globalStateLine(round, streams))
      lines.push(states.at(-1) as string)
    }
    const bucket = await bucketOf()
    const call = { config: bucket.config(settings), catalog: catalogOf(streams), dir }
    const end = await write(call, [...lines, ...done])
    expect(end.code, JSON.stringify(end.errors)).toBe(0)
    expect(end.states).toEqual(states)
    bucket.close()
  })
})

describe('two connectors on one path', () => {
  it('write beside each other where the path has no time in it', async () => {
    const bucket = await bucketOf()
    const stream = { name: 'users' }
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the path.
    const more = { s3_path_format: '${STREAM_NAME}/', max_part_age_seconds: 0.001 }
    const call = { config: bucket.config(more), catalog: catalogOf([stream]), dir }
    const rows = 60
    const lines = (first: number) => [
      ...Array.from({ length: rows }, (_, at) => [
        recordLine(stream, { id: first + at, at: 1 }),
        stateLine(stream, at, 1),
      ]).flat(),
      statusLine(stream, 'COMPLETE'),
    ]
    const ends = await Promise.all([write(call, lines(1)), write(call, lines(rows + 1))])
    expect(ends.map(({ code }) => code)).toEqual([0, 0])
    expect(await idsOf(bucket, 'users')).toEqual(upto(2 * rows))
    const objects = await bucket.objects()
    expect(objects.length).toBeGreaterThan(10)
    expect(objects.every((key) => /^lake\/users\/\d+\.jsonl$/.test(key))).toBe(true)
    expect(await bucket.leftovers()).toEqual([])
    bucket.close()
  })
})

it('closes an object at the rows it may have, whatever else there is to say', async () => {
  const bucket = await bucketOf()
  const stream = { name: 'users' }
  const lines = upto(1_050).flatMap((id) => [
    recordLine(stream, { id, at: 1 }),
    ...(id % 7 === 0 ? [stateLine(stream, id, 7)] : []),
  ])
  const call = { config: bucket.config({ max_part_rows: 100 }), catalog: catalogOf([stream]), dir }
  const end = await write(call, [...lines, statusLine(stream, 'COMPLETE')])
  expect(end.code).toBe(0)
  expect(end.states).toEqual(lines.filter((line) => line.includes('"STATE"')))
  const texts = await Promise.all((await bucket.objects()).map(bucket.text))
  const rows = texts.map((text) => text.trimEnd().split('\n').length)
  expect(rows.sort((a, b) => b - a)).toEqual([...Array<number>(10).fill(100), 50])
  expect(await idsOf(bucket, 'users')).toEqual(upto(1_050))
  bucket.close()
})
