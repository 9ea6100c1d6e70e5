import { storeConformance } from '../conformance/store.ts'
import { openGcsBucket } from './gcs-bucket.ts'
import { startServer } from './launch.ts'

storeConformance('gcs on fake-gcs-server', async () => {
  const server = await startServer('fake-gcs-server')
  const opened = await openGcsBucket(server.settings.url, 'conformance')
  return {
    ...opened,
    async close() {
      await opened.close?.()
      await server.stop()
    },
  }
})
