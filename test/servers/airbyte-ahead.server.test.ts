import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { type Running, startConnector, write } from '../support/airbyte-connector.ts'
import { catalogOf, recordLine, stateLine, statusLine } from '../support/airbyte-messages.ts'
import { openReaders, type Readers } from '../support/airbyte-readers.ts'
import { seeded } from '../support/seeded.ts'
import { type HttpProxy, openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { s3RootClient, s3Server } from './s3-bucket.ts'

/** A large part is sent while its records still come in. Whatever happens then, a reader sees all of it or nothing. */

const stream = { name: 'large', mode: 'append' } as const
const RECORDS = 150
/** Digits at random, which no format makes smaller than four ninths: 45 MB of them. */
const lines = (() => {
  const random = seeded(7)
  const word = () => String(Math.floor(random() * 1e9)).padStart(9, '0')
  return Array.from({ length: RECORDS }, (_, id) =>
    recordLine(stream, { id, at: id, v: Array.from({ length: 33_000 }, word).join('') }),
  )
})()
const ids = lines.map((_, id) => id)
const complete = statusLine(stream, 'COMPLETE')

let server: RunningServer
let readers: Readers
let dir = ''
let trials = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-ahead-'))
  server = await startServer('minio')
  readers = await openReaders()
}, 600_000)
afterAll(async () => {
  await readers[Symbol.asyncDispose]()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

let proxy: HttpProxy
let bucket: Bucket
beforeEach(async () => {
  proxy = await openHttpProxy(server.settings.url)
  bucket = await openBucket(s3Server(server), `ahead-${++trials}`, proxy.url)
})
afterEach(async () => {
  bucket.close()
  await proxy.close()
})

const call = (more: object = {}) => ({
  config: bucket.config(more),
  catalog: catalogOf([stream]),
  dir,
})
const isPart = ({ method, path }: { method: string; path: string }) =>
  method === 'PUT' && path.includes('partNumber=')

/**
 * Gives the connector lines, the last third bit by bit until it has sent a part of an upload, its input still open:
 * a row group of Parquet shows with the next records that come.
 */
async function feed({ child }: Running, some: readonly string[]): Promise<void> {
  const give = (from: number, to: number) =>
    from < to && child.stdin?.write(`${some.slice(from, to).join('\n')}\n`)
  const isSent = () => proxy.requests.some(isPart)
  let given = Math.floor((some.length * 2) / 3)
  give(0, given)
  for (let waited = 0; !isSent(); waited += 20) {
    if (waited > 60_000) throw new Error('nothing was sent while records came in')
    if (waited % 1_000 === 980) {
      give(given, given + 10)
      given += 10
    }
    await delay(20)
  }
  give(given, some.length)
}

async function idsIn(key: string): Promise<number[]> {
  const [path = ''] = await bucket.download([key], await mkdtemp(join(dir, 'read-')))
  const python = /\.(avro|parquet)$/.test(path)
  const rows = python ? (await readers.python(path)).rows : await readers.duckdb(path)
  return rows.map((row) => {
    const data = row._airbyte_data ?? row
    const { id } = (typeof data === 'string' ? JSON.parse(data) : data) as { id: number }
    return Number(id)
  })
}

/** The ids of all records that a reader of the bucket finds, in the order of the objects. */
async function visible(): Promise<number[]> {
  const found: number[] = []
  for (const key of await bucket.objects()) found.push(...(await idsIn(key)))
  return found
}

describe('a part that is sent while it is written', () => {
  const gzip = { compression: { compression_type: 'GZIP' } }
  it.each([
    ['gzip JSON lines', { format_type: 'JSONL', ...gzip }],
    ['JSON lines', { format_type: 'JSONL', compression: { compression_type: 'No Compression' } }],
    ['gzip CSV', { format_type: 'CSV', ...gzip }],
    ['Avro', { format_type: 'Avro', compression_codec: { codec: 'snappy' } }],
    ['Parquet', { format_type: 'Parquet', compression_codec: 'SNAPPY', block_size_mb: 8 }],
  ])('is whole at its end: %s', async (_, format) => {
    const running = await startConnector('write', call({ format }))
    await feed(running, lines)
    expect(await bucket.objects()).toEqual([])
    running.child.stdin?.end(`${stateLine(stream, 1, RECORDS)}\n${complete}\n`)
    const ended = await running.ended
    expect(ended.code, JSON.stringify(ended.errors)).toBe(0)
    expect(await bucket.objects()).toHaveLength(1)
    expect(await visible()).toEqual(ids)
    expect(await bucket.leftovers()).toEqual([])
  })

  it('loses what no state covers, with what was sent of it, when its source breaks off', async () => {
    const running = await startConnector('write', call())
    const covered = 20
    await feed(running, [
      ...lines.slice(0, covered),
      stateLine(stream, 1, covered),
      ...lines.slice(covered),
    ])
    running.child.stdin?.end(`${statusLine(stream, 'INCOMPLETE')}\n`)
    const ended = await running.ended
    expect(ended.states).toHaveLength(1)
    expect(await visible()).toEqual(ids.slice(0, covered))
    expect(await bucket.leftovers()).toEqual([])
  })

  it('leaves nothing where its source breaks off before any state', async () => {
    const running = await startConnector('write', call())
    await feed(running, lines)
    running.child.stdin?.end(`${statusLine(stream, 'INCOMPLETE')}\n`)
    expect((await running.ended).states).toEqual([])
    expect(await bucket.objects()).toEqual([])
    expect(await bucket.leftovers()).toEqual([])
  })

  it('leaves nothing where the sync ends with an error', async () => {
    const running = await startConnector('write', call())
    await feed(running, lines)
    running.child.stdin?.end('{"type":"RECORD","record":{"stream":"large","data":7}}\n')
    const ended = await running.ended
    expect(ended.code).toBe(1)
    expect(await bucket.objects()).toEqual([])
    expect(await bucket.leftovers()).toEqual([])
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'is nothing after %s, and the next sync removes what was sent',
    async (signal) => {
      const running = await startConnector('write', call())
      await feed(running, lines)
      running.child.kill(signal)
      await running.ended
      expect(await bucket.objects()).toEqual([])
      const all = [...lines, stateLine(stream, 1, RECORDS), complete]
      expect((await write(call(), all)).code).toBe(0)
      expect(await visible()).toEqual(ids)
      expect(await bucket.leftovers()).toEqual([])
    },
  )

  it.each(['intended', 'intended:2', 'uploaded', 'committed', 'emitted'])(
    'killed at %s, is nothing or is named with all its records',
    async (place) => {
      const all = [...lines, stateLine(stream, 1, RECORDS), complete]
      const killed = await write({ ...call(), env: { BUCKETLINE_CRASH_AT: place } }, all)
      expect(killed.signal).toBe('SIGKILL')
      const again = killed.states.length === 0 ? all : [complete]
      expect((await write(call(), again)).code).toBe(0)
      // A commit that was made, but whose state did not come back, is sent a second time.
      const times = place === 'committed' ? 2 : 1
      expect(await visible()).toEqual(Array.from({ length: times }, () => ids).flat())
      expect(await bucket.leftovers()).toEqual([])
      const manifests = (await bucket.keys()).filter((key) => key.includes('/manifests/'))
      const told = await Promise.all(manifests.map(bucket.text))
      const objects = told.flatMap((text) => JSON.parse(text).objects as { records: number }[])
      expect(objects.map(({ records }) => records)).toEqual(Array(times).fill(RECORDS))
    },
  )

  it('takes another key where another writer has taken its own meanwhile', async () => {
    const client = s3RootClient(s3Server(server))
    let taken = ''
    proxy.before = async ({ method, path }) => {
      if (method !== 'POST' || !path.includes('uploadId=') || taken !== '') return
      taken = decodeURIComponent(new URL(path, proxy.url).pathname).split('/').slice(2).join('/')
      const Body = '{"_airbyte_data":{"id":-1}}\n'
      await client.send(new PutObjectCommand({ Bucket: bucket.name, Key: taken, Body }))
    }
    const running = await startConnector('write', call())
    await feed(running, lines)
    running.child.stdin?.end(`${stateLine(stream, 1, RECORDS)}\n${complete}\n`)
    expect((await running.ended).code).toBe(0)
    expect(taken).not.toBe('')
    expect(await idsIn(taken)).toEqual([-1])
    expect((await visible()).sort((a, b) => a - b)).toEqual([-1, ...ids])
    expect(await bucket.leftovers()).toEqual([taken])
    client.destroy()
  })

  it('ends the sync where the store refuses it', async () => {
    proxy.alter = (answer, request) =>
      isPart(request)
        ? {
            status: 403,
            headers: {},
            body: Buffer.from('<Error><Code>AccessDenied</Code><Message>no</Message></Error>'),
          }
        : answer
    const running = await startConnector('write', call())
    await feed(running, lines)
    running.child.stdin?.end(`${stateLine(stream, 1, RECORDS)}\n${complete}\n`)
    const ended = await running.ended
    expect(ended.code).toBe(1)
    expect(ended.errors[0]?.message).toContain('AccessDenied')
    expect(ended.states).toEqual([])
    expect(await bucket.objects()).toEqual([])
    expect(await bucket.leftovers()).toEqual([])
  })
})
