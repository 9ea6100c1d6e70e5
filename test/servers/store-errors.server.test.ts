import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CreateBucketCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Store } from '../../src/core/config.ts'
import type { ErrorCode } from '../../src/core/errors.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { ObjectStore } from '../../src/store/store.ts'
import { bytes, expectCode, listed, readText } from '../conformance/store-bench.ts'
import { buildServer, type RunningServer, startServer } from './launch.ts'

const env = { base_dir: '/', resolveSecret: (secret: unknown) => String(secret) }
const READER = { access_key_id: 'reader', secret_access_key: 'readersecret12' }

let server: RunningServer
let root: { access_key_id: string; secret_access_key: string }

beforeAll(async () => {
  server = await startServer('versitygw')
  const { url, access_key_id = '', secret_access_key = '' } = server.settings
  root = { access_key_id, secret_access_key }
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key }
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials,
  })
  await client.send(new CreateBucketCommand({ Bucket: 'partner' }))
  await promisify(execFile)(
    await buildServer('versitygw'),
    // biome-ignore format: one option a line says less than the whole command
    ['admin', 'create-user', '-a', READER.access_key_id, '-s', READER.secret_access_key, '-r', 'user'],
    {
      env: {
        ADMIN_ACCESS_KEY_ID: access_key_id,
        ADMIN_SECRET_ACCESS_KEY: secret_access_key,
        ADMIN_ENDPOINT_URL: url,
      },
    },
  )
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: [READER.access_key_id] },
        Action: ['s3:GetObject', 's3:ListBucket'],
        Resource: ['arn:aws:s3:::partner', 'arn:aws:s3:::partner/*'],
      },
    ],
  }
  await client.send(
    new PutBucketPolicyCommand({ Bucket: 'partner', Policy: JSON.stringify(policy) }),
  )
  client.destroy()
})
afterAll(() => server.stop())

function open(changes: Record<string, unknown>): Promise<ObjectStore> {
  const settings = {
    type: 's3',
    bucket: 'partner',
    endpoint: server.settings.url,
    force_path_style: true,
    auth: { type: 'access_key', ...root },
    ...changes,
  }
  return openStore(Store.parse(settings), env)
}

describe('what a bucket refuses is named', () => {
  const cases: [string, () => Promise<ObjectStore>, ErrorCode][] = [
    [
      'a wrong secret',
      () => open({ auth: { type: 'access_key', ...root, secret_access_key: 'wrongwrong' } }),
      'credentials_invalid',
    ],
    [
      'an unknown access key',
      () => open({ auth: { type: 'access_key', ...root, access_key_id: 'nobody' } }),
      'credentials_invalid',
    ],
    [
      'a session token that is none',
      () => open({ auth: { type: 'access_key', ...root, session_token: 'bogus' } }),
      'credentials_invalid',
    ],
    ['another region', () => open({ region: 'eu-west-1' }), 'wrong_region'],
    [
      'a role that cannot be assumed',
      () =>
        open({
          auth: {
            type: 'assume_role',
            role_arn: 'arn:aws:iam::123456789012:role/partner',
            external_id: 'x',
            sts_endpoint: server.settings.url,
            source: root,
          },
        }),
      'credentials_invalid',
    ],
  ]
  it.each(cases)('%s', async (_, openCase, code) => {
    const store = await openCase()
    await expectCode(store.head('a'), code)
    await expectCode(store.read('a'), code)
    await expectCode(store.write('a', bytes('x')), code)
    await expectCode(store.write('a', new Uint8Array(9_000_000)), code)
    await expectCode(listed(store, ''), code)
    await expectCode(store.delete(['a']), code)
  })

  it('an absent bucket', async () => {
    const store = await open({ bucket: 'absent' })
    await expectCode(store.read('a'), 'bucket_not_found')
    await expectCode(store.write('a', bytes('x')), 'bucket_not_found')
    await expectCode(listed(store, ''), 'bucket_not_found')
    await expectCode(store.delete(['a']), 'bucket_not_found')
  })

  it('what a reader may not do', async () => {
    const owner = await open({})
    await owner.write('data', bytes('text'))
    const reader = await open({ auth: { type: 'access_key', ...READER } })
    expect(await readText(reader, 'data')).toBe('text')
    expect(await listed(reader, '')).toEqual(['data'])
    await expectCode(reader.write('data', bytes('x')), 'access_denied')
    await expectCode(reader.write('data', new Uint8Array(9_000_000)), 'access_denied')
    await expectCode(reader.delete(['data']), 'access_denied')
    await expect(reader.write('data', bytes('x'))).rejects.toThrow('s3:PutObject')
    expect(await readText(owner, 'data')).toBe('text')
  })
})

it('an absent bucket on GCS is named', async () => {
  const emulator = await startServer('fake-gcs-server')
  try {
    const { url } = emulator.settings
    const store = await openStore(
      Store.parse({ type: 'gcs', bucket: 'absent', endpoint: url }),
      env,
    )
    await expectCode(listed(store, ''), 'bucket_not_found')
  } finally {
    await emulator.stop()
  }
})
