import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ExchangeError } from '../../src/core/errors.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { bytes, listed, readText } from '../conformance/store-bench.ts'
import { type Answer, type HttpProxy, openHttpProxy } from './http-proxy.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, openS3Store, s3Server } from './s3-bucket.ts'

const SERVERS = ['minio', 'versitygw'] as const
const HOUR_MS = 3_600_000

describe.each(SERVERS)('time and tokens on %s', (name) => {
  let server: RunningServer
  let proxy: HttpProxy
  const open = (changes: object = {}) =>
    openS3Store(server, { bucket: 'partner', endpoint: proxy.url, ...changes })

  beforeAll(async () => {
    server = await startServer(name)
    const { store } = await openS3Bucket(s3Server(server), 'partner')
    await store.write('data', bytes('text'))
  })
  beforeEach(async () => {
    proxy = await openHttpProxy(server.settings.url)
  })
  afterEach(async () => {
    vi.useRealTimers()
    await proxy.close()
  })
  afterAll(() => server.stop())

  const calls: [string, (store: ObjectStore) => Promise<unknown>][] = [
    ['head', (store) => store.head('data')],
    ['read', (store) => store.read('data')],
    ['list', (store) => listed(store, '')],
    ['write', (store) => store.write('w', bytes('x'))],
    ['write in parts', (store) => store.write('w', new Uint8Array(9_000_000))],
    ['delete', (store) => store.delete(['w'])],
  ]

  // The server's clock is right; it is this client's that is turned.
  describe.each([
    ['behind', -HOUR_MS],
    ['ahead', HOUR_MS],
  ])('a clock an hour %s', (_, offset) => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + offset })
    })

    it.each(calls)('is set right by the first refusal: %s', async (_, call) => {
      await call(await open())
    })

    it('is set right for all calls after it', async () => {
      const store = await open()
      expect(await readText(store, 'data')).toBe('text')
      await store.write('w', bytes('x'))
      await store.write('w', new Uint8Array(9_000_000))
      expect(await store.head('data')).toMatchObject({ size: 4 })
      // A refused request, the same again, and the one of `head`.
      expect(proxy.requests.filter(({ path }) => path.includes('/data'))).toHaveLength(3)
    })

    it.each(calls)('is named where the answers do not tell the time: %s', async (_, call) => {
      const own = new Date()
      proxy.alter = ({ status, headers, body }) => ({
        status,
        headers: { ...headers, date: own.toUTCString() },
        body: status < 400 ? body : withServerTime(body, own),
      })
      await expect(call(await open())).rejects.toMatchObject({
        code: 'credentials_invalid',
        message: expect.stringMatching(/the clock of this machine .* 15 minutes/),
        hint: expect.stringMatching(/clock.*NTP/),
        retryable: false,
      })
    })
  })

  it('a clock ten minutes off is no fault', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - HOUR_MS / 6 })
    expect(await readText(await open(), 'data')).toBe('text')
    expect(proxy.requests).toHaveLength(1)
  })

  /**
   * No server here can be asked for a session that ends within minutes, so the refusal is AWS's documented
   * answer put in the place of the server's own: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
   */
  it.each(calls)('a session token that has expired: %s', async (_, call) => {
    proxy.alter = (answer) => expired(answer)
    const error = await call(await open()).then(
      () => undefined,
      (reason: ExchangeError) => reason,
    )
    expect(error).toMatchObject({
      code: 'credentials_invalid',
      message: expect.stringContaining('the session token has expired (ExpiredToken)'),
      hint: expect.stringContaining('Get new temporary credentials'),
      retryable: false,
    })
  })
})

function withServerTime(body: Buffer, time: Date): Buffer {
  const element = `<ServerTime>${time.toISOString()}</ServerTime>`
  return Buffer.from(body.toString().replace(/<ServerTime>.*<\/ServerTime>/, element))
}

function expired(answer: Answer): Answer {
  return {
    status: 400,
    headers: { date: answer.headers.date, 'content-type': 'application/xml' },
    body: Buffer.from(
      '<?xml version="1.0" encoding="UTF-8"?><Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message><RequestId>1</RequestId></Error>',
    ),
  }
}
