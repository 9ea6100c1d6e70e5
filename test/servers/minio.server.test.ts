import { afterAll, beforeAll } from 'vitest'
import { storeConformance } from '../conformance/store.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, s3Server } from './s3-bucket.ts'

const path_key = 'its keys are paths: XMinioInvalid…Name 400'

/** What MinIO does otherwise than AWS, in whatever kind of bucket. */
const differs = {
  'a key that is also the folder of others':
    'both are kept and listed, but with a delimiter the object hides the group of the same name',
  'key with double slash': path_key,
  'key with dot segment': path_key,
  'key with dotdot segment': path_key,
  'key with a segment of 300 bytes': path_key,
}

let server: RunningServer
beforeAll(async () => {
  server = await startServer('minio')
})
afterAll(() => server.stop())

storeConformance('s3 on MinIO', () => openS3Bucket(s3Server(server), 'plain'), { differs })
storeConformance(
  's3 on MinIO, a versioned bucket written with SSE-KMS',
  () =>
    openS3Bucket(s3Server(server), 'versioned', { versioning: true, sse_kms_key_id: 'testkey' }),
  {
    differs: {
      ...differs,
      'no group for keys that were deleted': 'a group of nothing but delete markers is listed',
    },
  },
)
