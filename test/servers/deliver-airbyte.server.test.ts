import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { openApp } from '../../src/app.ts'
import { deliverWith } from '../support/deliver-with.ts'
import { contractOf, type Json } from '../support/workspace.ts'
import { buildProgram } from './build.ts'
import { TOOLS } from './kinds.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, s3Server } from './s3-bucket.ts'

/** A real source, delivered by a contract to a real server and loaded back from it. */

const USERS = 1200

let server: RunningServer
let dir = ''
let faker = ''

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'deliver-airbyte-'))
  faker = await buildProgram('source-faker', TOOLS['source-faker'])
  server = await startServer('minio')
})
afterAll(async () => {
  await server?.stop()
  await rm(dir, { recursive: true, force: true })
})

const TEXT = { logicalType: 'string' } as const
const INTEGER = { logicalType: 'integer' } as const
const time = (name: string, more: object = {}) => ({ name, logicalType: 'timestamp', ...more })

/** Partitions are of the day in which a record was changed: that in which the source runs. */
const CONTRACTS = {
  users: contractOf([
    { name: 'id', ...INTEGER, required: true },
    time('updated_at', { required: true, partitioned: true }),
    time('created_at'),
    ...['name', 'email', 'height', 'occupation'].map((name) => ({ name, ...TEXT })),
    ...['age', 'weight'].map((name) => ({ name, ...INTEGER })),
    {
      name: 'address',
      logicalType: 'object',
      properties: ['street_number', 'city', 'postal_code'].map((name) => ({ name, ...TEXT })),
    },
  ]),
  products: contractOf([
    { name: 'id', ...INTEGER, required: true },
    time('updated_at', { required: true, partitioned: true }),
    time('created_at'),
    ...['make', 'model'].map((name) => ({ name, ...TEXT })),
    { name: 'year', ...INTEGER },
    { name: 'price', logicalType: 'number' },
  ]),
}

const config = { count: USERS, seed: 1, records_per_slice: 100, parallelism: 1 }

/** What the source says when it is run by hand; the same seed gives the same records, but for their times. */
async function messages(): Promise<string> {
  const file = join(dir, 'faker.json')
  await writeFile(file, JSON.stringify(config))
  const run = async (...words: string[]) =>
    (await promisify(execFile)(faker, words, { maxBuffer: 1 << 28 })).stdout
  const discovered = await run('discover', '--config', file)
  const found = discovered.split('\n').find((line) => line.includes('"CATALOG"')) ?? ''
  const streams = JSON.parse(found).catalog.streams.map((stream: object) => ({
    ...{ stream, sync_mode: 'full_refresh', destination_sync_mode: 'overwrite' },
  }))
  await writeFile(join(dir, 'catalog.json'), JSON.stringify({ streams }))
  return run('read', '--config', file, '--catalog', join(dir, 'catalog.json'))
}

const recordsOf = (text: string, stream: string): Json[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{"type":"RECORD"'))
    .map((line) => JSON.parse(line).record)
    .filter((record) => record.stream === stream)
    .map((record) => record.data)

test('streams of a source that is run, and of one that is piped, are loaded as it gave them', async () => {
  const { url, ...auth } = s3Server(server)
  const { store } = await openS3Bucket({ url, ...auth }, 'airbyte')
  await store[Symbol.asyncDispose]()
  const feed = (name: string) => ({
    ...{ store: 'bucket', prefix: `${name}/`, contract: `${name}.odcs.yaml` },
    ...{ layout: 'dt={yyyy}-{MM}-{dd}/{file}.parquet', completion: { type: 'marker' } },
  })
  for (const [name, text] of Object.entries(CONTRACTS))
    await writeFile(join(dir, `${name}.odcs.yaml`), text)
  const bucket = { type: 's3', bucket: 'airbyte', endpoint: url, force_path_style: true }
  await writeFile(
    join(dir, 'bucketline.yaml'),
    stringify({
      stores: { bucket: { ...bucket, auth: { type: 'access_key', ...auth } } },
      feeds: { users: feed('users'), products: feed('products') },
    }),
  )
  await writeFile(join(dir, 'faker.yaml'), stringify({ command: [faker], config }))
  const piped = await messages()
  const signal = new AbortController().signal
  await using app = await openApp({
    ...{ config_file: 'bucketline.yaml', cwd: dir, env: process.env, command: 'test', signal },
  })
  const served = async (stream: string) => {
    const run = { watch: false, signal, observe: () => undefined }
    const flags = { feeds: [stream], all: true, force: false, replay: false }
    for await (const { state, rejected } of app.load(flags, run))
      expect([state, rejected]).toEqual(['published', 0])
    const { rows } = await app.query(
      `SELECT to_json(t)::VARCHAR FROM (SELECT * EXCLUDE (_object, _row, updated_at, created_at) FROM ${stream}) t ORDER BY id`,
    )
    return rows.map(([text]) => JSON.parse(String(text)) as Json)
  }
  /** Only what the contract declares, in its order; times are of the run. */
  const given = (stream: 'users' | 'products', fields: readonly string[]) =>
    recordsOf(piped, stream).map((row) =>
      Object.fromEntries(fields.map((field) => [field, row[field]])),
    )

  const ran = await deliverWith(app, {
    ...{ from_airbyte: 'faker.yaml', stream: 'users', feed: 'users' },
  })
  const left_out = { code: 'fields_left_out', count: USERS }
  expect(ran).toMatchObject({ state: 'delivered', rows_read: USERS, rejected: 0 })
  expect(ran.notes).toMatchObject([left_out])
  const users = await served('users')
  expect(users).toHaveLength(USERS)
  const address = ({ street_number, city, postal_code }: Record<string, unknown>) => ({
    ...{ street_number, city, postal_code },
  })
  expect(users).toEqual(
    given('users', [
      ...['id', 'name', 'email', 'height', 'occupation', 'age', 'weight', 'address'],
    ]).map((row) => ({ ...row, address: address(row.address as Json) })),
  )

  async function* stdin() {
    const bytes = Buffer.from(piped)
    for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
  }
  const through = await deliverWith(app, {
    ...{ from_airbyte: '-', stream: 'products', feed: 'products', stdin: stdin() },
  })
  const products = given('products', ['id', 'make', 'model', 'year', 'price'])
  expect(products.length).toBeGreaterThan(50)
  expect(through).toMatchObject({ state: 'delivered', rows_read: products.length, rejected: 0 })
  // The source says of each stream that it is complete; its other records are not passed over in silence.
  expect(through.notes).toMatchObject([
    { code: 'other_streams', message: expect.stringContaining(`users (${USERS})`) },
  ])
  expect(await served('products')).toEqual(products)
})
