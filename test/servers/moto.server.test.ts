import { afterAll, beforeAll } from 'vitest'
import { storeConformance } from '../conformance/store.ts'
import { type RunningServer, startServer } from './launch.ts'
import { openS3Bucket, s3Server } from './s3-bucket.ts'

let server: RunningServer
beforeAll(async () => {
  server = await startServer('moto')
})
afterAll(() => server.stop())

storeConformance('s3 on moto', () => openS3Bucket(s3Server(server), 'plain'), {
  differs: {
    'key with newline': 'answered by an HTML page, 404',
    'a race of multipart if_absent writes': 'looks first and stores later: two can win',
  },
})
