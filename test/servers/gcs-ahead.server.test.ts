import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Send } from '../../src/exchange/send/send.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { seeded } from '../support/seeded.ts'
import {
  openSendBench,
  recordLine,
  type SendBench,
  sampleStream,
  sendRecord,
} from '../support/send-bench.ts'
import { openGcsBucket } from './gcs-bucket.ts'
import { type HttpProxy, openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'

/** A large part goes to GCS while its records come in, as chunks of a resumable upload. */

const streams = [sampleStream('large')]
/** Digits at random, 45 MB of them, which gzip makes half as large. */
const lines = (() => {
  const random = seeded(11)
  const word = () => String(Math.floor(random() * 1e9)).padStart(9, '0')
  return Array.from({ length: 150 }, (_, id) =>
    recordLine('large', { id, v: Array.from({ length: 33_000 }, word).join('') }),
  )
})()

let server: RunningServer
beforeAll(async () => {
  server = await startServer('fake-gcs-server')
}, 600_000)
afterAll(() => server.stop())

let proxy: HttpProxy
let store: ObjectStore
let bench: SendBench
let buckets = 0
beforeEach(async () => {
  proxy = await openHttpProxy(server.settings.url)
  ;({ store } = await openGcsBucket(proxy.url, `ahead-${++buckets}`))
  bench = await openSendBench(store)
})
afterEach(async () => {
  await bench[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await proxy.close()
})

const objects = async () =>
  (await bench.keys()).filter((key) => !key.startsWith('lake/_bucketline/'))

/** Hands over all records, and waits until a chunk of the part has been sent. */
async function feed(send: Send): Promise<void> {
  for (const line of lines) {
    sendRecord(send, line)
    await send.pressure()
  }
  const isChunk = ({ method, path, body }: HttpProxy['requests'][number]) =>
    method !== 'GET' && path.includes('upload_id=') && body.byteLength > 1 << 20
  for (let waited = 0; !proxy.requests.some(isChunk); waited += 20) {
    if (waited > 60_000) throw new Error('nothing was sent while records came in')
    await delay(20)
  }
}

it('is seen when it is whole', async () => {
  const send = await bench.begin({ streams })
  await feed(send)
  expect(await objects()).toEqual([])
  send.complete(0)
  await send.finish()
  const [key = '', ...others] = await objects()
  expect(others).toEqual([])
  const bytes = Buffer.from(await new Response(await store.read(key)).arrayBuffer())
  const rows = gunzipSync(bytes).toString().trimEnd().split('\n')
  expect(rows.map((row) => JSON.parse(row)._airbyte_data.id)).toEqual(lines.map((_, id) => id))
})

it('is never seen where the sync fails before its end, and its upload is cancelled', async () => {
  const send = await bench.begin({ streams })
  await feed(send)
  await send.abort()
  expect(await objects()).toEqual([])
  expect(
    proxy.requests.some(({ method, path }) => method === 'DELETE' && path.includes('upload_id=')),
  ).toBe(true)
})
