import { storeConformance } from '../conformance/store.ts'
import { startServer } from './launch.ts'
import { openS3Bucket } from './s3-bucket.ts'

const path_key = 'its keys are paths of a file system'

storeConformance(
  's3 on versitygw',
  async () => {
    const server = await startServer('versitygw')
    const { access_key_id = '', secret_access_key = '', url } = server.settings
    const opened = await openS3Bucket({ url, access_key_id, secret_access_key }, 'conformance')
    return {
      ...opened,
      async close() {
        await opened.close?.()
        await server.stop()
      },
    }
  },
  {
    differs: {
      'a key that is also the folder of others': `${path_key}: ObjectParentIsFile 409`,
      'key with trailing slash': `${path_key}: DirectoryObjectContainsData 400 unless empty`,
      'key with double slash': `${path_key}: stored with one slash`,
      'key with dot segment': `${path_key}: normalised`,
      'key with dotdot segment': `${path_key}: normalised`,
      'key with a segment of 300 bytes': `${path_key}: KeyTooLongError 400`,
      'key with control character': 'listed with U+FFFD in its place',
    },
  },
)
