import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Store } from '../../src/core/config.ts'
import type { ErrorCode, ExchangeError } from '../../src/core/errors.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { bytes, expectCode, listed, readText } from '../conformance/store-bench.ts'
import { type RunningServer, startServer } from './launch.ts'
import type { AccessKey } from './minio-admin.ts'
import { openS3Bucket, openS3Store, s3Server } from './s3-bucket.ts'
import { addReader } from './s3-reader.ts'

/** What each call of a store is refused with. */
async function refusals(store: ObjectStore): Promise<ExchangeError[]> {
  const calls = [
    store.head('a'),
    store.read('a'),
    store.write('a', bytes('x')),
    store.write('a', new Uint8Array(9_000_000)),
    listed(store, ''),
    store.delete(['a']),
  ]
  return Promise.all(
    calls.map((call) =>
      call.then(
        (value) => {
          throw new Error(`not refused: ${JSON.stringify(value)}`)
        },
        (error: ExchangeError) => error,
      ),
    ),
  )
}

describe.each(['versitygw', 'minio'] as const)('what a bucket on %s refuses', (name) => {
  let server: RunningServer
  let owner: ObjectStore
  let reader_key: AccessKey
  const access_key = (changes: object = {}) => {
    const { access_key_id, secret_access_key } = s3Server(server)
    return { type: 'access_key', access_key_id, secret_access_key, ...changes }
  }

  beforeAll(async () => {
    server = await startServer(name)
    owner = (await openS3Bucket(s3Server(server), 'partner')).store
    reader_key = await addReader(server, 'partner')
  })
  afterAll(() => server.stop())

  const cases: [string, () => object, ErrorCode, string, RegExp][] = [
    [
      'a wrong secret',
      () => ({ auth: access_key({ secret_access_key: 'wrongwrong' }) }),
      'credentials_invalid',
      'the secret access key does not fit the access key id',
      /`auth`/,
    ],
    [
      'an unknown access key',
      () => ({ auth: access_key({ access_key_id: 'nobody' }) }),
      'credentials_invalid',
      'the access key id is unknown or disabled',
      /`auth`/,
    ],
    [
      'a session token that is none',
      () => ({ auth: access_key({ session_token: 'bogus' }) }),
      'credentials_invalid',
      'the session token is not valid',
      /belong together/,
    ],
    [
      'another region',
      () => ({ region: 'eu-west-1' }),
      'wrong_region',
      'is not in region eu-west-1 but in us-east-1.',
      /Set `region: us-east-1`/,
    ],
  ]
  it.each(cases)('%s', async (_, changes, code, message, hint) => {
    const store = await openS3Store(server, { bucket: 'partner', ...changes() })
    for (const error of await refusals(store)) {
      expect(error).toMatchObject({ code, retryable: false })
      expect(error.message).toContain(message)
      expect(error.hint).toMatch(hint)
    }
  })

  it('an absent bucket', async () => {
    const store = await openS3Store(server, { bucket: 'absent' })
    await expectCode(store.read('a'), 'bucket_not_found')
    await expectCode(store.write('a', bytes('x')), 'bucket_not_found')
    await expectCode(listed(store, ''), 'bucket_not_found')
    await expectCode(store.delete(['a']), 'bucket_not_found')
  })

  it('a key that it cannot hold', async () => {
    await owner.write('file', bytes('x'))
    const key = name === 'minio' ? 'a//b' : 'file/b'
    await expectCode(owner.write(key, bytes('x')), 'key_invalid')
    await expectCode(owner.write(key, new Uint8Array(9_000_000)), 'key_invalid')
    await owner.delete(['file'])
  })

  it('what a reader may not do', async () => {
    await owner.write('data', bytes('text'))
    const auth = { type: 'access_key', ...reader_key }
    const reader = await openS3Store(server, { bucket: 'partner', auth })
    expect(await readText(reader, 'data')).toBe('text')
    expect(await listed(reader, '')).toEqual(['data'])
    const denied = [
      [() => reader.write('data', bytes('x')), 's3:PutObject'],
      [() => reader.write('data', bytes('x'), { if_absent: true }), 's3:PutObject'],
      [() => reader.write('data', new Uint8Array(9_000_000)), 's3:PutObject'],
      [() => reader.delete(['data']), 's3:DeleteObject'],
    ] as const
    for (const [call, action] of denied) {
      await expect(call()).rejects.toMatchObject({
        code: 'access_denied',
        message: expect.stringContaining(action),
        hint: expect.stringContaining(`Grant ${action}`),
        retryable: false,
      })
    }
    expect(await readText(owner, 'data')).toBe('text')
  })
})

it('a server without STS cannot be asked for a role', async () => {
  const server = await startServer('versitygw')
  try {
    const { url, ...source } = s3Server(server)
    const role_arn = 'arn:aws:iam::123456789012:role/partner'
    const auth = { type: 'assume_role', role_arn, external_id: 'x', sts_endpoint: url, source }
    const store = await openS3Store(server, { bucket: 'partner', auth })
    for (const error of await refusals(store)) {
      expect(error.code).toBe('credentials_invalid')
      expect(error.message).toContain(role_arn)
    }
  } finally {
    await server.stop()
  }
})

it('an absent bucket on GCS is named', async () => {
  const emulator = await startServer('fake-gcs-server')
  try {
    const { url } = emulator.settings
    const store = await openStore(Store.parse({ type: 'gcs', bucket: 'absent', endpoint: url }), {
      base_dir: '/',
      resolveSecret: String,
    })
    await expectCode(listed(store, ''), 'bucket_not_found')
  } finally {
    await emulator.stop()
  }
})
