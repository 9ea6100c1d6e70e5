import { HeadObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytes, digest, patternBytes, readAll, readText } from '../conformance/store-bench.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, openS3Store, s3RootClient, s3Server } from './s3-bucket.ts'

const SERVERS = [
  { name: 'minio', kms_key: 'testkey', key_shown: 'arn:aws:kms:testkey' },
  {
    name: 'moto',
    kms_key: 'arn:aws:kms:us-east-1:123456789012:key/k',
    key_shown: 'arn:aws:kms:us-east-1:123456789012:key/k',
  },
] as const

/** versitygw takes both kinds and drops them without a word, so it could only seem to pass. */
describe.each(SERVERS)('encryption at rest on $name', ({ name, kms_key, key_shown }) => {
  let server: RunningServer
  beforeAll(async () => {
    server = await startServer(name)
  })
  afterAll(() => server.stop())

  /** How the server says that the object is encrypted. */
  async function shown(bucket: string, key: string) {
    const client = s3RootClient(s3Server(server))
    const head = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
    client.destroy()
    return [head.ServerSideEncryption, head.SSEKMSKeyId]
  }

  it('what a bucket encrypts by itself (SSE-S3) is read as any other', async () => {
    const { store } = await openS3Bucket(s3Server(server), 'sse-s3', { encryption: 'AES256' })
    const written = await store.write('a', bytes('text'))
    expect(await shown('sse-s3', 'a')).toEqual(['AES256', undefined])
    expect(await store.head('a')).toMatchObject({ size: 4, version: written.version })
    const io = { if_match: written.version, range: { start: 1, end: 2 } }
    expect(await readText(store, 'a', io)).toBe('ex')
  })

  it('`sse_kms_key_id` is used for every write, also in parts', async () => {
    const options = { sse_kms_key_id: kms_key }
    const { store } = await openS3Bucket(s3Server(server), 'sse-kms', options)
    const small = await store.write('small', bytes('text'))
    const data = patternBytes(6_000_000)
    const big = await store.write('big', data, { part_bytes: 5 * 1024 * 1024 })
    expect(await shown('sse-kms', 'small')).toEqual(['aws:kms', key_shown])
    expect(await shown('sse-kms', 'big')).toEqual(['aws:kms', key_shown])
    // Nothing has to be set to read it.
    const reader = await openS3Store(server, { bucket: 'sse-kms' })
    expect(await readText(reader, 'small', { if_match: small.version })).toBe('text')
    expect(digest(await readAll(reader, 'big', { if_match: big.version }))).toBe(digest(data))
    const over_the_part = { range: { start: 5 * 1024 * 1024 - 1, end: 5 * 1024 * 1024 } }
    expect([...(await readAll(reader, 'big', over_the_part))]).toEqual([
      ...data.subarray(5 * 1024 * 1024 - 1, 5 * 1024 * 1024 + 1),
    ])
  })

  // moto takes any key.
  it.skipIf(name === 'moto')('a KMS key that is none is named', async () => {
    const store = await openS3Store(server, { bucket: 'sse-kms', sse_kms_key_id: 'nokey' })
    for (const write of [
      () => store.write('b', bytes('text')),
      () => store.write('b', new Uint8Array(9_000_000)),
    ]) {
      await expect(write()).rejects.toMatchObject({
        code: 'access_denied',
        message: expect.stringContaining('The KMS key for s3://sse-kms/b could not be used'),
        hint: expect.stringContaining('`sse_kms_key_id`'),
        retryable: false,
      })
    }
    expect(await store.head('b')).toBeUndefined()
  })
})
