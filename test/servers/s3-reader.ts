import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { buildServer, type RunningServer } from './launch.ts'
import { type AccessKey, minioAdmin } from './minio-admin.ts'
import { s3RootClient, s3Server } from './s3-bucket.ts'

/** Adds a user who may list one bucket and read its objects, and nothing else: what a partner grants. */
export async function addReader(server: RunningServer, bucket: string): Promise<AccessKey> {
  const user = `reader-${bucket}`
  const reader: AccessKey = { access_key_id: user, secret_access_key: 'readersecret12' }
  const allow = {
    Effect: 'Allow',
    Action: ['s3:GetObject', 's3:ListBucket'],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  }
  const policy = (statement: object) => ({ Version: '2012-10-17', Statement: [statement] })

  if (server.name === 'minio') {
    const admin = minioAdmin(server)
    await admin.addUser(user, reader.secret_access_key)
    await admin.setPolicy(user, policy(allow))
    await admin.attach(user, user)
    return reader
  }
  if (server.name !== 'versitygw') throw new Error(`${server.name} has no users`)
  const root = s3Server(server)
  await promisify(execFile)(
    await buildServer('versitygw'),
    // biome-ignore format: one option a line says less than the whole command
    ['admin', 'create-user', '-a', user, '-s', reader.secret_access_key, '-r', 'user'],
    {
      env: {
        ADMIN_ACCESS_KEY_ID: root.access_key_id,
        ADMIN_SECRET_ACCESS_KEY: root.secret_access_key,
        ADMIN_ENDPOINT_URL: root.url,
      },
    },
  )
  const client = s3RootClient(root)
  const Policy = JSON.stringify(policy({ ...allow, Principal: { AWS: [user] } }))
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
  client.destroy()
  return reader
}
