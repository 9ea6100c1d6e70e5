import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runConnector } from '../../src/connector/airbyte/airbyte.ts'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { openReaders, type Readers, type Row } from '../support/airbyte-readers.ts'
import { buildProgram } from './build.ts'
import { TOOLS } from './kinds.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3Server } from './s3-bucket.ts'

/** What a real source gives, written in every format and read back by readers that are not ours. */

const MODES = ['overwrite', 'append', 'append_dedup'] as const
type Mode = (typeof MODES)[number]
const COUNTS = [120, 100] as const

interface Format {
  readonly name: string
  readonly format: object
}
const compressions = ['No Compression', 'GZIP', 'ZSTD']
const flattenings = ['No flattening', 'Root level flattening']
const text = (format_type: 'CSV' | 'JSONL'): Format[] =>
  flattenings.flatMap((flattening) =>
    compressions.map((compression_type) => ({
      name: `${format_type}, ${flattening}, ${compression_type}`,
      format: { format_type, flattening, compression: { compression_type } },
    })),
  )
const avro: Format[] = [
  { codec: 'no compression' },
  { codec: 'Deflate', compression_level: 6 },
  { codec: 'bzip2' },
  { codec: 'xz', compression_level: 1 },
  { codec: 'zstandard', compression_level: 3, include_checksum: false },
  { codec: 'zstandard', compression_level: -5, include_checksum: true },
  { codec: 'snappy' },
].map((compression_codec) => ({
  name: `Avro, ${Object.values(compression_codec).join(' ')}`,
  format: { format_type: 'Avro', compression_codec },
}))
const parquet: Format[] = ['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'LZ4', 'ZSTD'].map(
  (compression_codec) => ({
    name: `Parquet, ${compression_codec}`,
    format: { format_type: 'Parquet', compression_codec },
  }),
)
const cases = [...text('CSV'), ...text('JSONL'), ...avro, ...parquet].flatMap((format) =>
  (['v1', 'v2'] as const).map((output_schema) => ({ ...format, output_schema })),
)

interface SourceStream {
  readonly name: string
  readonly json_schema: { readonly properties: Readonly<Record<string, { format?: string }>> }
}

/** What one run of the source said. */
interface Reading {
  readonly lines: readonly string[]
  readonly states: readonly string[]
  readonly rows: Readonly<Record<string, readonly Row[]>>
}

let server: RunningServer
let readers: Readers
let dir = ''
let faker = ''
let streams: readonly SourceStream[] = []
let readings: readonly Reading[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-faker-'))
  faker = await buildProgram('source-faker', TOOLS['source-faker'])
  server = await startServer('minio')
  readers = await openReaders()
  const discovered = await source(['discover', '--config', await fakerConfig(1)])
  const catalog = discovered.map((line) => JSON.parse(line)).find(({ type }) => type === 'CATALOG')
  streams = catalog.catalog.streams
  for (const turn of MODES.keys()) {
    await writeFile(catalogFile(turn), JSON.stringify(catalogOf(turn)))
  }
  readings = [await read(0), await read(1)]
})
afterAll(async () => {
  await readers[Symbol.asyncDispose]()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

async function source(args: readonly string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(faker, args, { maxBuffer: 1 << 28 })
  return stdout.split('\n').filter(Boolean)
}

async function fakerConfig(count: number): Promise<string> {
  const file = join(dir, `faker-${count}.json`)
  const settings = { count, seed: count, records_per_slice: 30, parallelism: 1 }
  await writeFile(file, JSON.stringify({ ...settings, always_updated: true }))
  return file
}

/** Each stream is written in another mode, by turns. */
const modeOf = (turn: number, stream: string): Mode => {
  const at = streams.findIndex(({ name }) => name === stream)
  return MODES[(turn + at) % MODES.length] as Mode
}

const catalogOf = (turn: number) => ({
  streams: streams.map((stream) => ({
    stream,
    sync_mode: 'incremental',
    destination_sync_mode: modeOf(turn, stream.name),
    cursor_field: ['updated_at'],
    primary_key: [['id']],
  })),
})

const catalogFile = (turn: number) => join(dir, `catalog-${turn % MODES.length}.json`)

async function read(at: 0 | 1): Promise<Reading> {
  // The cursor is the second in which the source began.
  if (at > 0) await new Promise((resolve) => setTimeout(resolve, 1_100))
  const config = await fakerConfig(COUNTS[at])
  return readingOf(await source(['read', '--config', config, '--catalog', catalogFile(0)]))
}

function readingOf(lines: readonly string[]): Reading {
  const rows: Record<string, Row[]> = Object.fromEntries(streams.map(({ name }) => [name, []]))
  const states: string[] = []
  for (const line of lines) {
    const { type, record } = JSON.parse(line)
    if (type === 'STATE') states.push(line)
    if (type === 'RECORD') rows[record.stream]?.push(record.data)
  }
  return { lines, states, rows }
}

/** What a stream holds after all these runs. */
function expected(turn: number, stream: string, runs: readonly Reading[]): readonly Row[] {
  const rows = runs.map((run) => run.rows[stream] as readonly Row[])
  const mode = modeOf(turn, stream)
  if (mode === 'append') return rows.flat()
  if (mode === 'overwrite') return rows.at(-1) as readonly Row[]
  return [...new Map(rows.flat().map((row) => [row.id, row])).values()]
}

const isTime = (stream: SourceStream, field: string): boolean =>
  stream.json_schema.properties[field]?.format === 'date-time'

/** Microseconds since 1970 of a time as the source or DuckDB spells it; v1 keeps milliseconds. */
function micros(value: string, unit = 1): number {
  const [, seconds = '', fraction = '', zone = ''] =
    /^(.{19})(\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)?$/.exec(value) ?? []
  const offset = zone.length === 3 ? `${zone}:00` : zone || 'Z'
  const whole = Date.parse(`${seconds.replace(' ', 'T')}${offset}`) * 1_000
  const all = whole + Number(fraction.slice(1).padEnd(6, '0').slice(0, 6))
  return Math.floor(all / unit) * unit
}

/** A row as it was sent, from a row as it was read: without built-ins, nulls and wrappers of unions. */
function sent(row: Row, stream: SourceStream, csv: boolean): Row {
  const data = row._airbyte_data
  const fields: Row = data === undefined ? row : typeof data === 'string' ? JSON.parse(data) : data
  const plain = withoutNulls(fields) as Row
  if (data !== undefined) return plain
  return Object.fromEntries(
    Object.entries(plain)
      .filter(([name, value]) => !name.startsWith('_airbyte_') && !(csv && value === ''))
      .map(([name, value]) => [name, isTime(stream, name) ? timeOf(value, csv) : value]),
  )
}

const timeOf = (value: unknown, csv: boolean): unknown =>
  typeof value === 'string' && !csv && value.includes(' ') ? micros(value) : value

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([, each]) => each !== null)
    .map(([name, each]) => [name, withoutNulls(each)] as const)
  const [only] = entries
  if (entries.length === 1 && only !== undefined && /^member\d$/.test(only[0])) return only[1]
  return Object.fromEntries(entries)
}

/** What each format makes of a row that was sent. */
function written(
  row: Row,
  stream: SourceStream,
  { format, output_schema }: (typeof cases)[number],
) {
  const { format_type, flattening } = format as { format_type: string; flattening?: string }
  const binary = format_type === 'Avro' || format_type === 'Parquet'
  const texts = format_type === 'CSV' && flattening === 'Root level flattening'
  const entries = Object.entries(row).filter(([, value]) => value !== null)
  return Object.fromEntries(
    entries.map(([name, value]) => {
      if (binary && isTime(stream, name)) {
        return [name, micros(String(value), output_schema === 'v1' ? 1_000 : 1)]
      }
      if (!texts) return [name, value]
      return [name, typeof value === 'object' ? JSON.stringify(value) : String(value)]
    }),
  )
}

const inOrder = (rows: readonly Row[]) =>
  rows.map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).sort(byName)))).sort()
const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)

async function expectBucket(
  bucket: Bucket,
  each: (typeof cases)[number],
  turn: number,
  runs: readonly Reading[],
): Promise<void> {
  expect(await bucket.leftovers()).toEqual([])
  const keys = await bucket.objects()
  for (const stream of streams) {
    const own = keys.filter((key) => key.startsWith(`lake/${stream.name}/`))
    const paths = await bucket.download(own, await mkdtemp(join(dir, 'objects-')))
    const wanted = inOrder(
      expected(turn, stream.name, runs).map((row) => written(row, stream, each)),
    )
    const { format_type } = each.format as { format_type: string }
    expect(wanted.length).toBeGreaterThan(50)
    const back = async (reader: (path: string) => Promise<readonly Row[]>) => {
      const rows = (await Promise.all(paths.map(reader))).flat()
      return inOrder(rows.map((row) => sent(row, stream, format_type === 'CSV')))
    }
    const what = `${stream.name}, ${modeOf(turn, stream.name)}`
    if (format_type !== 'Avro')
      expect(await back(readers.duckdb), `${what}, DuckDB`).toEqual(wanted)
    if (format_type === 'Avro' || format_type === 'Parquet') {
      const rows = async (path: string) => {
        const { codec, rows: found } = await readers.python(path)
        expect(codec.toLowerCase()).toBe(codecOf(each.format))
        return found
      }
      expect(await back(rows), `${what}, Python`).toEqual(wanted)
    }
  }
}

/** As the readers call it. */
function codecOf(format: object): string {
  const { compression_codec } = format as { compression_codec: string | { codec: string } }
  const name = typeof compression_codec === 'string' ? compression_codec : compression_codec.codec
  return name === 'no compression' ? 'null' : name.toLowerCase()
}

/** The protocol asks for the order of each stream's own. */
const byStream = (states: readonly string[]) =>
  Object.groupBy(states, (line) => JSON.parse(line).state.stream.stream_descriptor.name)

const plainStates = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/,"destinationStats":\{"recordCount":\d+\.0\}(?=\}\}$)/, ''))

describe('a real source, read once and written in every format', () => {
  it.concurrent.each(cases.map((each, turn) => ({ ...each, turn })))(
    '$name, $output_schema',
    async ({ turn, ...each }) => {
      const bucket = await openBucket(s3Server(server), `format-${turn}`)
      const { format, output_schema } = each
      const config = join(dir, `config-${turn}.json`)
      await writeFile(config, JSON.stringify(bucket.config({ format, output_schema })))
      const done: Reading[] = []
      for (const reading of readings) {
        const out: string[] = []
        const code = await runConnector('write', {
          config,
          catalog: catalogFile(turn),
          input: pieces(reading.lines),
          write: async (line) => void out.push(line),
          env: {},
          cwd: dir,
          signal: new AbortController().signal,
        })
        expect(code, out.at(-1)).toBe(0)
        const states = out.filter((line) => JSON.parse(line).type === 'STATE')
        expect(byStream(plainStates(states))).toEqual(byStream(reading.states))
        done.push(reading)
      }
      await expectBucket(bucket, each, turn, done)
      bucket.close()
    },
  )
})

async function* pieces(lines: readonly string[]) {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
  for (let at = 0; at < bytes.length; at += 10_000)
    yield new Uint8Array(bytes.subarray(at, at + 10_000))
}
