import { afterAll, beforeAll, expect, it } from 'vitest'
import { bytes, expectCode, listed, readText } from '../conformance/store-bench.ts'
import { type RunningServer, startServer } from './launch.ts'
import { minioAdmin } from './minio-admin.ts'
import { openS3Store } from './s3-bucket.ts'

let server: RunningServer

beforeAll(async () => {
  server = await startServer('minio')
})
afterAll(() => server.stop())

const allow = (...actions: string[]) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: actions,
      Resource: ['arn:aws:s3:::shared', 'arn:aws:s3:::shared/*'],
    },
  ],
})

it('users have what their policies give, from the moment they are attached', async () => {
  const admin = minioAdmin(server)
  await admin.makeBucket('shared', { versioning: true })
  const key = await admin.addUser('partner', 'partnersecret')
  const open = (auth: object) =>
    openS3Store(server, { bucket: 'shared', auth: { type: 'access_key', ...auth } })
  const store = await open(key)
  await expectCode(listed(store, ''), 'access_denied')

  await admin.setPolicy('all', allow('s3:*'))
  await admin.attach('all', 'partner')
  await store.write('a', bytes('text'))
  const service = await admin.addServiceAccount(
    'partner',
    { access_key_id: 'service1', secret_access_key: 'servicesecret' },
    allow('s3:GetObject'),
  )
  const narrow = await open(service)
  expect(await readText(narrow, 'a')).toBe('text')
  await expectCode(listed(narrow, ''), 'access_denied')

  await admin.setPolicy('all', allow('s3:ListBucket'))
  await expectCode(store.write('b', bytes('text')), 'access_denied')
  expect(await listed(store, '')).toEqual(['a'])
  await admin.detach('all', 'partner')
  await expectCode(listed(store, ''), 'access_denied')
  await admin.disableUser('partner')
  await expectCode(listed(store, ''), 'credentials_invalid')
})
