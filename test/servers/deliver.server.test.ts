import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openApp } from '../../src/app.ts'
import { jsonValue } from '../../src/cli/format-value.ts'
import { PRESETS } from '../../src/core/config.ts'
import { isKeyPrefix, type ObjectStore } from '../../src/store/store.ts'
import { AWKWARD } from '../support/deliver-cases.ts'
import { deliverWith } from '../support/deliver-with.ts'
import { openGcsBucket } from './gcs-bucket.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, s3Server } from './s3-bucket.ts'

/** Deliveries through real servers, loaded back from them: what goes in is what is served. */

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bucketline-deliver-server-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

interface Bucket {
  readonly store: ObjectStore
  /** The store in a configuration. */
  readonly settings: object
}

async function s3Bucket(server: RunningServer): Promise<Bucket> {
  const { url, ...auth } = s3Server(server)
  const { store } = await openS3Bucket({ url, ...auth }, 'delivered')
  return {
    store,
    settings: {
      ...{ type: 's3', bucket: 'delivered', endpoint: url, force_path_style: true },
      auth: { type: 'access_key', ...auth },
    },
  }
}

async function gcsBucket({ settings: { url } }: RunningServer): Promise<Bucket> {
  const { store } = await openGcsBucket(url, 'delivered')
  return { store, settings: { type: 'gcs', bucket: 'delivered', endpoint: url, project: 'test' } }
}

const SERVERS = [
  ['minio', s3Bucket],
  ['versitygw', s3Bucket],
  ['fake-gcs-server', gcsBucket],
] as const

describe.each(SERVERS)('a delivery through %s', (name, newBucket) => {
  let server: RunningServer
  let bucket: Bucket
  beforeAll(async () => {
    server = await startServer(name)
    bucket = await newBucket(server)
  }, 120_000)
  afterAll(async () => {
    await bucket?.store[Symbol.asyncDispose]()
    await server?.stop()
  })

  async function keys(prefix: string): Promise<string[]> {
    const found: string[] = []
    for await (const entry of bucket.store.list(prefix))
      if (!isKeyPrefix(entry)) found.push(entry.key)
    return found
  }

  it.each(PRESETS)(
    'by the preset %s comes back as it was, and is replaced whole',
    async (preset) => {
      const { lines, select, order, expected, duplicates, partitions } = AWKWARD[preset]
      const dir = join(root, `${name}-${preset}`)
      await mkdir(dir)
      await writeFile(
        join(dir, 'bucketline.yaml'),
        JSON.stringify({
          stores: { bucket: bucket.settings },
          feeds: { sent: { store: 'bucket', prefix: `to/${preset}`, preset } },
        }),
      )
      const file = join(dir, 'rows.ndjson')
      await writeFile(file, `${lines.join('\n')}\n`)
      const one = join(dir, 'one.ndjson')
      await writeFile(one, `${lines[0]}\n`)
      const signal = new AbortController().signal
      await using app = await openApp({
        config_file: 'bucketline.yaml',
        cwd: dir,
        env: { BUCKETLINE_NOW: '2023-06-01T00:00:00Z' },
        command: 'test',
        signal,
      })
      const load = async () => {
        const states: unknown[] = []
        const flags = { feeds: ['sent'], all: true, force: false, replay: false }
        const run = { watch: false, signal, observe: () => undefined }
        for await (const { partition, state } of app.load(flags, run))
          states.push([partition, state])
        return states
      }

      // Something else lies there first: it must be gone afterwards.
      const before = await deliverWith(app, { files: [one], feed: 'sent' })
      expect(before.deliveries).toMatchObject([{ state: 'delivered', action: 'new' }])
      const report = await deliverWith(app, { files: [file], feed: 'sent', replace: true })
      expect(report).toMatchObject({ state: 'delivered', duplicates, rejected: 0 })
      expect(report.deliveries.map((d) => d.action)).toContain('replace')
      expect(await keys(`to/${preset}/`)).toEqual(
        report.deliveries.flatMap((d) => [...d.files.map((f) => f.key), ...d.closed_by]).sort(),
      )
      expect(await load()).toEqual(partitions.map((p) => [p, 'published']))
      const { columns, rows } = await app.query(`SELECT ${select} FROM sent ORDER BY ${order}`)
      const served = rows.map((row) =>
        Object.fromEntries(columns.map((c, at) => [c.name, jsonValue(row[at])])),
      )
      expect(served).toEqual(expected)

      const again = await deliverWith(app, { files: [file], feed: 'sent' })
      expect(again.deliveries.map((d) => d.state)).toEqual(partitions.map(() => 'unchanged'))
      expect(await load()).toEqual([])
    },
  )
})
