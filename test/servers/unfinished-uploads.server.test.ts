import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { entryKey, type LogEntry } from '../../src/exchange/send/attempt-log.ts'
import { controlKeys } from '../../src/exchange/send/control.ts'
import { writeJson } from '../../src/exchange/send/json-object.ts'
import { recoverAttempts } from '../../src/exchange/send/recover.ts'
import { thisWriter } from '../../src/exchange/send/writer.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { listed, readText } from '../conformance/store-bench.ts'
import { startConnector } from '../support/airbyte-connector.ts'
import { catalogOf, recordLine, statusLine } from '../support/airbyte-messages.ts'
import { openSyncRig, type SyncRig } from '../support/sync-rig.ts'
import { type HttpProxy, openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { type AccessKey, minioAdmin } from './minio-admin.ts'
import { cutOffUpload, openS3Store, s3RootClient, s3Server } from './s3-bucket.ts'

/** Whatever sends, killed in the middle of a multipart upload: the next run finds the upload and aborts it. */

let server: RunningServer
let proxy: HttpProxy
let client: S3Client
let rig: SyncRig
let dir = ''
/** May do everything but list unfinished uploads. */
let narrow: AccessKey
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'unfinished-uploads-'))
  server = await startServer('minio')
  client = s3RootClient(s3Server(server))
  rig = await openSyncRig()
  const admin = minioAdmin(server)
  narrow = await admin.addUser('narrow', 'narrowsecret12')
  const objects = ['GetObject', 'PutObject', 'DeleteObject', 'AbortMultipartUpload']
  await admin.setPolicy('narrow', {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['s3:ListBucket', ...objects.map((name) => `s3:${name}`)],
        Resource: ['arn:aws:s3:::*'],
      },
    ],
  })
  await admin.attach('narrow', 'narrow')
}, 120_000)
afterAll(async () => {
  client?.destroy()
  await rig?.[Symbol.asyncDispose]()
  await server?.stop()
  await rm(dir, { recursive: true, force: true })
})

let bucket = ''
let store: ObjectStore
let buckets = 0
beforeEach(async () => {
  bucket = `bucket-${++buckets}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  store = await openS3Store(server, { bucket })
  proxy = await openHttpProxy(server.settings.url)
})
afterEach(async () => {
  await store[Symbol.asyncDispose]()
  await proxy.close()
})

/** Keys of unfinished uploads. */
async function unfinished(): Promise<string[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  return Uploads.map(({ Key = '' }) => Key).sort()
}

/** More than two parts of 8 MB, in one object. */
const ROWS = 400
const text = () => randomBytes(48 << 10).toString('base64')

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly output: string
}
interface Way {
  /** Runs it once, from the start; `onStart` learns its process. */
  run(onStart?: (pid: number) => void): Promise<Ended>
  /** Numbers of the rows that a reader finds. */
  ids(): Promise<number[]>
}
/** Its store is behind the proxy. */
type OpenWay = (key: AccessKey) => Promise<Way>

const settings = (key: AccessKey) => ({
  ...{ type: 's3', bucket, endpoint: proxy.url, force_path_style: true },
  auth: { type: 'access_key', ...key },
})

const connector: OpenWay = async (key) => {
  const stream = { name: 'large', mode: 'append' } as const
  const records = Array.from({ length: ROWS }, (_, id) =>
    recordLine(stream, { id, at: 1, v: text() }),
  )
  const config = {
    ...key,
    s3_bucket_name: bucket,
    s3_bucket_path: 'lake',
    s3_bucket_region: 'us-east-1',
    s3_endpoint: proxy.url,
    format: { format_type: 'JSONL', compression: { compression_type: 'No Compression' } },
  }
  return {
    async run(onStart) {
      const catalog = catalogOf([stream])
      const { child, ended } = await startConnector('write', { config, catalog, dir })
      onStart?.(child.pid as number)
      child.stdin?.end(`${[...records, statusLine(stream, 'COMPLETE')].join('\n')}\n`)
      const { code, signal, messages } = await ended
      return { code, signal, output: messages.map(({ log }) => log?.message ?? '').join('\n') }
    },
    ids: sentIds,
  }
}

const sync: OpenWay = async (key) => {
  const source = { type: 'files', paths: ['in/*'], stream: 'large' }
  const folder = await rig.folder({
    stores: { bucket: settings(key) },
    syncs: { large: { destination: 'lake', source } },
  })
  await writeFile(folder.path('in/large.jsonl'), rowLines())
  return {
    async run(onStart) {
      const ended = await folder.run(['sync', '--json'], onStart === undefined ? {} : { onStart })
      return { ...ended, output: ended.stdout }
    },
    ids: sentIds,
  }
}

const deliver: OpenWay = async (key) => {
  const folder = await rig.folder({
    stores: { bucket: settings(key) },
    feeds: { rollup: { store: 'bucket', prefix: 'rollup/', preset: 'metamarkets-rollup' } },
  })
  // Rows as wide as these take more than the folder is given.
  const config = folder.path('bucketline.yaml')
  await writeFile(config, (await readFile(config, 'utf8')).replace('256MB', '1GB'))
  await writeFile(folder.path('in/large.ndjson'), rowLines())
  const words = ['deliver', 'in/large.ndjson', '--feed', 'rollup', '--json']
  return {
    async run(onStart) {
      const ended = await folder.run(words, onStart === undefined ? {} : { onStart })
      return { ...ended, output: ended.stdout }
    },
    async ids() {
      const { stdout } = await folder.run(['load', '--json'])
      expect(JSON.parse(stdout).loads).toMatchObject([{ state: 'published', rows_published: ROWS }])
      const query = ['query', 'SELECT id FROM rollup ORDER BY id', '--json']
      const { rows } = JSON.parse((await folder.run(query)).stdout) as { rows: { id: number }[] }
      return rows.map(({ id }) => id)
    },
  }
}

const rowLines = (): string =>
  Array.from({ length: ROWS }, (_, id) =>
    JSON.stringify({ timestamp: '2014-03-05T04:00:00Z', cnt: 1, id, text: text() }),
  )
    .map((line) => `${line}\n`)
    .join('')

/** Of the objects of streams; each row is an object's line. */
async function sentIds(): Promise<number[]> {
  const keys = (await listed(store, 'lake/')).map(String)
  const texts = await Promise.all(
    keys.filter((key) => !key.includes('/_bucketline/')).map((key) => readText(store, key)),
  )
  const lines = texts.flatMap((each) => each.trim().split('\n'))
  return lines.map((line) => JSON.parse(line)._airbyte_data.id as number).sort((a, b) => a - b)
}

async function killInTheMiddle(way: Way): Promise<void> {
  let pid: number | undefined
  proxy.before = ({ path }) => {
    if (path.includes('partNumber=2') && pid !== undefined) process.kill(pid, 'SIGKILL')
  }
  const killed = await way.run((started) => {
    pid = started
  })
  proxy.before = undefined
  expect(killed.signal, killed.output).toBe('SIGKILL')
  expect(await unfinished()).toHaveLength(1)
}

const WAYS: readonly (readonly [string, OpenWay])[] = [
  ['airbyte write', connector],
  ['sync', sync],
  ['deliver', deliver],
]

describe.each(WAYS)('%s, killed in the middle of a multipart upload', (name, open) => {
  it('is run again, and nothing of the upload is left', async () => {
    const { access_key_id, secret_access_key } = s3Server(server)
    const way = await open({ access_key_id, secret_access_key })
    await killInTheMiddle(way)
    const { code, output } = await way.run()
    expect(code, output).toBe(0)
    expect(output).toMatch(/had died: .*1 unfinished upload/)
    expect(await unfinished()).toEqual([])
    expect(await way.ids()).toEqual([...Array(ROWS).keys()])
  })

  it('is run again where uploads may not be listed: it succeeds, and says what to permit', async () => {
    const way = await open(narrow)
    await killInTheMiddle(way)
    const { code, output } = await way.run()
    expect(code, output).toBe(0)
    expect(output).toContain(
      `which cost money: s3:ListBucketMultipartUploads on s3://${bucket} was denied`,
    )
    expect(await unfinished()).toHaveLength(1)
    expect(await way.ids()).toEqual([...Array(ROWS).keys()])
    // Only a sync has said what it was writing; of deliveries every run looks.
    const again = (await way.run()).output
    expect(again.includes('ListBucketMultipartUploads')).toBe(name === 'deliver')
  })
})

describe('uploads under way', () => {
  const control = controlKeys('lake')
  const LARGE = 20 << 20
  const begin = (attempt_id: string, pid: number): LogEntry => ({
    type: 'begin',
    attempt_id,
    writer: { ...thisWriter(), pid },
    streams: [{ name: 'large' }],
    decided_by: 'log',
  })
  const intent = (...objects: readonly (readonly [key: string, bytes: number])[]): LogEntry => ({
    type: 'intent',
    objects: objects.map(([key, bytes]) => ({ key, bytes, stream: 0, records: 1 })),
  })
  async function log(attempt_id: string, ...entries: readonly LogEntry[]): Promise<void> {
    for (const [n, entry] of entries.entries())
      await writeJson(store, entryKey(control.attempt(attempt_id), n), entry)
  }
  const recover = () =>
    recoverAttempts({
      store,
      control,
      by: { writer: thisWriter(), attempt_id: 'mine' },
      now: new Date(),
    })
  /** No process has this id: it lies beyond what systems give. */
  const dead = 2 ** 22 + 7

  it('of anybody but the attempt that died are left alone', async () => {
    // Where names have no time in them, a living attempt may have taken the same one.
    await log('dead', begin('dead', dead), intent(['lake/1', LARGE], ['lake/2', LARGE]))
    await log('living', begin('living', process.pid), intent(['lake/2', LARGE], ['lake/3', LARGE]))
    for (const key of ['lake/1', 'lake/1', 'lake/1.more', 'lake/2', 'lake/3', 'elsewhere'])
      await cutOffUpload(client, bucket, key)
    expect(await recover()).toMatchObject([{ attempt_id: 'dead', uploads: { aborted: 2 } }])
    expect(await unfinished()).toEqual(['elsewhere', 'lake/1.more', 'lake/2', 'lake/3'])
  })

  it('are not looked for where all of it had been sent in one request each, or was committed', async () => {
    await log('dead', begin('dead', dead), intent(['lake/small', 5 << 20], ['lake/whole', LARGE]), {
      type: 'commit',
      n: 0,
      keys: ['lake/whole'],
    })
    await store[Symbol.asyncDispose]()
    const { access_key_id, secret_access_key } = narrow
    const auth = { type: 'access_key', access_key_id, secret_access_key }
    store = await openS3Store(server, { bucket, auth })
    expect(await recover()).toMatchObject([{ attempt_id: 'dead', uploads: { aborted: 0 } }])
  })
})
