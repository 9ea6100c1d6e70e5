import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bucket, openBucket } from '../support/airbyte-bucket.ts'
import { checkConnection, write } from '../support/airbyte-connector.ts'
import { catalogOf, recordLine, stateLine, statusLine } from '../support/airbyte-messages.ts'
import { type RunningServer, startServer } from './launch.ts'
import { type MinioAdmin, minioAdmin } from './minio-admin.ts'
import { s3Server } from './s3-bucket.ts'

/** What `check` says of a destination, and that a sync does what it said. */

const SECRET = 'some-secret-12'
const LEAST = ['ListBucket', 'GetObject', 'PutObject', 'AbortMultipartUpload', 'DeleteObject']

let server: RunningServer
let admin: MinioAdmin
let bucket: Bucket
let dir = ''
let users = 0
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'airbyte-check-'))
  server = await startServer('minio')
  admin = minioAdmin(server)
  bucket = await openBucket(s3Server(server), 'share')
})
afterAll(async () => {
  bucket.close()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

/** Keys of a user that may do just this, below the bucket path. */
async function userWith(actions: readonly string[]) {
  const name = `user-${++users}`
  const key = await admin.addUser(name, SECRET)
  const statement = (Action: readonly string[], Resource: string, Condition?: object) => ({
    ...{ Effect: 'Allow', Action, Resource: [Resource] },
    ...(Condition === undefined ? {} : { Condition }),
  })
  const on_objects = actions.filter((each) => each !== 'ListBucket').map((each) => `s3:${each}`)
  const listing = statement(['s3:ListBucket'], 'arn:aws:s3:::share', {
    StringLike: { 's3:prefix': ['lake/*'] },
  })
  await admin.setPolicy(name, {
    Version: '2012-10-17',
    Statement: [
      ...(actions.includes('ListBucket') ? [listing] : []),
      statement(on_objects, 'arn:aws:s3:::share/lake/*'),
    ],
  })
  await admin.attach(name, name)
  return key
}

const check = (more: object = {}) => checkConnection({ config: bucket.config(more), dir })

/** A sync of every mode, twice: whether it could do all it had to. */
async function syncs(more: object): Promise<boolean> {
  const streams = (['append', 'overwrite', 'append_dedup'] as const).map((mode) => ({
    name: `of_${users}_${mode}`,
    mode,
  }))
  for (const id of [1, 2]) {
    const { code } = await write(
      { config: bucket.config(more), catalog: catalogOf(streams), dir },
      [
        ...streams.flatMap((each) => [
          recordLine(each, { id, at: id, v: '' }),
          stateLine(each, id, 1),
        ]),
        ...streams.map((each) => statusLine(each, 'COMPLETE')),
      ],
    )
    if (code !== 0) return false
  }
  return true
}

describe('a user', () => {
  it('with the least a sync takes', async () => {
    const key = await userWith(LEAST)
    expect(await check(key)).toEqual({ code: 0, status: 'SUCCEEDED' })
    expect(await bucket.keys()).toEqual([])
    expect(await syncs(key)).toBe(true)
    expect(await bucket.leftovers()).toEqual([])
  })

  it.each(LEAST)('without s3:%s', async (missing) => {
    const key = await userWith(LEAST.filter((each) => each !== missing))
    const { code, status, message } = await check(key)
    expect({ code, status }).toEqual({ code: 0, status: 'FAILED' })
    expect(message).toContain(`s3:${missing}`)
    expect(message).not.toContain(SECRET)
  })
})

describe('what is wrong before any permission', () => {
  it.each([
    ['a wrong secret', { secret_access_key: 'wrong-secret-34' }, 'secret_access_key'],
    ['an unknown key', { access_key_id: 'nobody' }, 'access_key_id'],
    ['an absent bucket', { s3_bucket_name: 'absent-bucket' }, 'absent-bucket'],
    ['another region', { s3_bucket_region: 'eu-west-1' }, 'us-east-1'],
    ['no server', { s3_endpoint: 'http://127.0.0.1:1' }, '127.0.0.1:1'],
    ['one key only', { secret_access_key: '' }, 'secret_access_key'],
    [
      'a codec that is not written',
      { format: { format_type: 'Parquet', compression_codec: 'LZO' } },
      'LZO',
    ],
    [
      'no unique names',
      { s3_path_format: 'all/', file_name_pattern: 'data{format_extension}' },
      '{part_number}',
    ],
  ])('%s', async (_, more, words) => {
    const { code, status, message } = await check(more)
    expect({ code, status }).toEqual({ code: 0, status: 'FAILED' })
    expect(message).toContain(words)
    expect(message).not.toContain('rootsecret123')
    expect(message).not.toContain('wrong-secret-34')
  })
})
