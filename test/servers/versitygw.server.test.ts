import { afterAll, beforeAll } from 'vitest'
import { storeConformance } from '../conformance/store.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, s3Server } from './s3-bucket.ts'

const path_key = 'its keys are paths of a file system'

/** What versitygw does otherwise than AWS, in whatever kind of bucket. */
const differs = {
  'a key that is also the folder of others': `${path_key}: ObjectParentIsFile 409`,
  'key with trailing slash': `${path_key}: DirectoryObjectContainsData 400 unless empty`,
  'key with double slash': `${path_key}: stored with one slash`,
  'key with dot segment': `${path_key}: normalised`,
  'key with dotdot segment': `${path_key}: normalised`,
  'key with a segment of 300 bytes': `${path_key}: KeyTooLongError 400`,
  'key with control character': 'listed with U+FFFD in its place',
}

/** What it does otherwise in a versioned bucket only. */
const versioned_differs = {
  ...differs,
  'no group for keys that were deleted': 'a group of nothing but delete markers is listed',
  'if_absent write after a delete':
    'If-None-Match takes a delete marker for an object: PreconditionFailed 412',
}

let server: RunningServer
beforeAll(async () => {
  server = await startServer('versitygw')
})
afterAll(() => server.stop())

storeConformance('s3 on versitygw', () => openS3Bucket(s3Server(server), 'plain'), { differs })
storeConformance(
  's3 on versitygw, a versioned bucket',
  () => openS3Bucket(s3Server(server), 'versioned', { versioning: true }),
  { differs: versioned_differs },
)
