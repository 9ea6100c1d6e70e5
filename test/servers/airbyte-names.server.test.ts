import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { write } from '../support/airbyte-connector.ts'
import {
  type ConfiguredStream,
  catalogOf,
  recordLine,
  type StreamName,
  stateLine,
  stateName,
  statusLine,
} from '../support/airbyte-messages.ts'
import { openReaders, type Readers, type Row } from '../support/airbyte-readers.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3Server } from './s3-bucket.ts'

/** Streams and fields whose names no directory, column or schema was made for. */

const FIELDS = [
  ...['id', 'fieldWithCamelCase', 'field_with_underscore', 'FIELD_WITH_ALL_CAPS'],
  ...['field_with_spécial_character', 'field_name_with_operator+1', 'field_name_with_numbers_123'],
  ...['1field_with_a_leading_number', 'order', 'ProperCase', 'Foo.Bar'],
]
const STREAMS: readonly StreamName[] = [
  ...['streamWithCamelCase', 'stream_with_underscores', 'STREAM_WITH_ALL_CAPS', 'CapitalCase'],
  ...[
    'stream_with_spécial_character',
    'stream_name_with_operator+1',
    'stream_name_with_numbers_123',
  ],
  ...['1stream_with_a_leading_number', `c'est une belle histoire`],
  `./<>?'";[]\\:{}|\`~!@#$%^&*()_+-=`,
  ...['stream_with_edge_case_field_names_and_values', 'groups'],
  ...[
    '..',
    '.',
    'a/../../b',
    '/absolute',
    'trailing/',
    'line\nend',
    'null\0char',
    '雪の結晶',
    '💧',
    '%2e%2e',
  ],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a name that looks like a variable.
  ...['${UUID}', '{part_number}', '__proto__', 'constructor'],
].map((name) => ({ name }))
const IN_NAMESPACES: readonly StreamName[] = [
  { name: 'streamWithSpecialCharactersInNamespace', namespace: 'public_spøcial' },
  { name: 'streamWithOperatorInNamespace', namespace: 'public_operator-1' },
  { name: 'deep', namespace: 'a/b/c' },
  { name: 'dotted', namespace: 'a.b.c' },
  { name: 'up', namespace: '..' },
  { name: 'up twice', namespace: '../..' },
  { name: 'empty', namespace: '' },
  { name: 'snow', namespace: '雪/❄️' },
  // One stream's name is another's namespace.
  { name: 'groups', namespace: 'groups' },
]
const ALL = [...STREAMS, ...IN_NAMESPACES]

const FORMATS = [
  { format_type: 'CSV', flattening: 'No flattening' },
  { format_type: 'CSV', flattening: 'Root level flattening' },
  { format_type: 'JSONL' },
  { format_type: 'JSONL', flattening: 'Root level flattening' },
  { format_type: 'Avro', compression_codec: { codec: 'snappy' } },
  { format_type: 'Parquet', compression_codec: 'SNAPPY' },
].flatMap((format) => (['v1', 'v2'] as const).map((output_schema) => ({ format, output_schema })))

let server: RunningServer
let readers: Readers
let dir = ''
let buckets = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-names-'))
  server = await startServer('minio')
  readers = await openReaders()
})
afterAll(async () => {
  await readers[Symbol.asyncDispose]()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

const bucketOf = () => openBucket(s3Server(server), `names-${++buckets}`)
const label = ({ name, namespace }: StreamName) => JSON.stringify([namespace ?? null, name])

/** Keys of each stream's objects, as its manifests name them. */
async function keysByStream(bucket: Bucket): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const key of await bucket.keys()) {
    if (!key.includes('/manifests/')) continue
    const { stream, objects } = JSON.parse(await bucket.text(key)) as {
      stream: StreamName
      objects: { key: string }[]
    }
    found.set(label(stream), [
      ...(found.get(label(stream)) ?? []),
      ...objects.map((each) => each.key),
    ])
  }
  return found
}

/** The directory a stream's objects belong into, by the rules for names: written down here once more. */
function directoryOf({ name, namespace }: StreamName): string {
  const clean = (text: string) =>
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .replace(/[^A-Za-z0-9/!_.*')(&$@=;:+,?-]/gu, '_')
  const levels = `lake/${clean(namespace ?? '')}/${clean(name)}`.split('/').filter(Boolean)
  return `${levels.map((level) => (/^\.+$/.test(level) ? '_'.repeat(level.length) : level)).join('/')}/`
}

async function read(path: string, format_type: string): Promise<readonly Row[]> {
  const rows =
    format_type === 'Avro' ? (await readers.python(path)).rows : await readers.duckdb(path)
  return rows.map((row) => {
    const data = row._airbyte_data ?? row
    return typeof data === 'string' ? (JSON.parse(data) as Row) : (data as Row)
  })
}

/** Texts of a row; names differ by format, so each text says which field it is of. */
const texts = (row: Row) =>
  Object.entries(row)
    .filter(([name, value]) => !name.startsWith('_airbyte_') && value !== null && value !== '')
    .map(([, value]) => value)
    .sort()

async function sync(
  bucket: Bucket,
  streams: readonly ConfiguredStream[],
  lines: readonly string[],
  more: object = {},
) {
  const call = { config: bucket.config(more), catalog: catalogOf(streams), dir }
  return write(call, [...lines, ...streams.map((stream) => statusLine(stream, 'COMPLETE'))])
}

describe.each(FORMATS)('$format, $output_schema', ({ format, output_schema }) => {
  it('takes every name, each in a directory of its own', async () => {
    const json_schema = {
      type: 'object',
      properties: Object.fromEntries(FIELDS.map((field) => [field, { type: 'string' }])),
    }
    const values = FIELDS.map((field) => `${field}:\nbar`)
    const data = Object.fromEntries(FIELDS.map((field, at) => [field, values[at]]))
    const streams = ALL.map((stream) => ({ ...stream, json_schema }))
    const bucket = await bucketOf()
    const { code, errors, states } = await sync(
      bucket,
      streams,
      streams.flatMap((stream) => [recordLine(stream, data), stateLine(stream, 1, 1)]),
      { format, output_schema },
    )
    expect(errors).toEqual([])
    expect(code).toBe(0)
    expect(new Set(states.map((line) => label(stateName(line)))).size).toBe(ALL.length)
    expect(await bucket.leftovers()).toEqual([])
    const keys = await keysByStream(bucket)
    for (const stream of ALL) {
      const own = keys.get(label(stream)) ?? []
      expect(own, label(stream)).toHaveLength(1)
      const [key = ''] = own
      expect(key.slice(0, key.lastIndexOf('/') + 1)).toBe(directoryOf(stream))
      expect(key.split('/').some((level) => level === '' || /^\.+$/.test(level))).toBe(false)
      const [path = ''] = await bucket.download(own, await mkdtemp(join(dir, 'objects-')))
      const rows = await read(path, format.format_type)
      expect(rows.map(texts), label(stream)).toEqual([[...values].sort()])
    }
    bucket.close()
  })

  it('takes streams without records, without columns and without properties', async () => {
    const record = { name: 'no properties', json_schema: { type: 'object' } }
    const columns = { name: 'no columns', json_schema: { type: 'object', properties: {} } }
    const anything = { name: 'no schema', json_schema: {} }
    const quiet = { name: 'no records' }
    const streams = [record, columns, anything, quiet]
    const bucket = await bucketOf()
    const lines = [
      recordLine(record, { id: 1 }),
      recordLine(record, {}),
      stateLine(record, 1, 2),
      recordLine(columns, {}),
      stateLine(columns, 1, 1),
      recordLine(anything, {}),
      stateLine(quiet, 1, 0),
    ]
    const { code, errors, states } = await sync(bucket, streams, lines, { format, output_schema })
    expect(errors).toEqual([])
    expect(code).toBe(0)
    expect([...states].sort()).toEqual([lines[2], lines[4], lines[6]].sort())
    const keys = await keysByStream(bucket)
    expect(streams.map((stream) => keys.get(label(stream))?.length ?? 0)).toEqual([1, 1, 1, 0])
    for (const [stream, count] of [
      [record, 2],
      [columns, 1],
      [anything, 1],
    ] as const) {
      const own = keys.get(label(stream)) ?? []
      const [path = ''] = await bucket.download(own, await mkdtemp(join(dir, 'objects-')))
      expect(await read(path, format.format_type), stream.name).toHaveLength(count)
    }
    expect(await bucket.leftovers()).toEqual([])
    bucket.close()
  })
})

it('refuses a stream that would be written where the manifests are', async () => {
  const bucket = await bucketOf()
  const stream = { name: '_bucketline' }
  const { code, errors } = await sync(bucket, [stream], [recordLine(stream, { id: 1 })])
  expect(code).toBe(1)
  expect(errors[0]).toMatchObject({ failure_type: 'config_error' })
  expect(errors[0]?.message).toContain('lake/_bucketline/')
  expect(await bucket.keys()).toEqual([])
  bucket.close()
})

describe('streams that share a directory', () => {
  const both = [
    { name: 'a b', mode: 'overwrite' },
    { name: 'a_b', mode: 'overwrite' },
  ] as const
  it.each([
    ['as their names become the same', {}],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the path.
    ['as the path does not name them', { s3_path_format: '${EPOCH}_' }],
  ])('are replaced without loss to each other, %s', async (_, more) => {
    const bucket = await bucketOf()
    for (const id of [1, 2, 3]) {
      const lines = both.map((stream) => recordLine(stream, { id, at: 1, v: stream.name }))
      expect((await sync(bucket, both, lines, more)).code).toBe(0)
      const rows = await Promise.all((await bucket.objects()).map(bucket.text))
      expect(
        rows
          .map((text) => JSON.parse(text)._airbyte_data)
          .map((row) => [row.id, row.v])
          .sort(),
      ).toEqual([
        [id, 'a b'],
        [id, 'a_b'],
      ])
      expect(await bucket.leftovers()).toEqual([])
    }
    bucket.close()
  })
})
