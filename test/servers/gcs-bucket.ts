import { Storage } from '@google-cloud/storage'
import { Store } from '../../src/core/config.ts'
import { openStore } from '../../src/store/open-store.ts'
import type { OpenedStore } from '../conformance/store.ts'

/** Makes a bucket on a GCS emulator, which takes no credentials, and opens it as a store. */
export async function openGcsBucket(url: string, bucket: string): Promise<OpenedStore> {
  await new Storage({ apiEndpoint: url, projectId: 'test' }).createBucket(bucket)
  const settings = Store.parse({ type: 'gcs', bucket, endpoint: url, project: 'test' })
  const store = await openStore(settings, {
    base_dir: '/',
    resolveSecret: () => {
      throw new Error('no secret is needed')
    },
  })
  return { store }
}
