import { startServer } from './launch.ts'
import { openFaultyProxy } from './faulty-proxy.ts'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { Storage } from '@google-cloud/storage'
import { Store } from '../../src/core/config.ts'
import { openS3 } from '../../src/store/s3.ts'
import { openGcs } from '../../src/store/gcs.ts'
const env = { base_dir: '/', resolveSecret: (secret: unknown) => String(secret) }
const run = async (name, f) => { const t = Date.now(); const timer=setTimeout(()=>console.log(name,'still hangs'),9000); try { await f(); console.log(name, 'ok') } catch (e) { console.log(name, Date.now()-t, e.code, e.message, e.cause?.name, e.cause?.message, e.cause?.code) } clearTimeout(timer) }
const all = async (store, proxy) => {
  await store.write('data', new Uint8Array(10))
  proxy.fault = { type: 'silence', times: 1 }
  await run('head', () => store.head('data'))
  await run('read', () => store.read('data'))
  await run('delete', () => store.delete(['x']))
  await run('list', async () => { for await (const _ of store.list('')); })
  await Promise.race([run('write', () => store.write('x', new Uint8Array(1))), new Promise(r=>setTimeout(r, 12000))])
}
{
const server = await startServer('versitygw')
try {
const { url, access_key_id = '', secret_access_key = '' } = server.settings
const client = new S3Client({ region: 'us-east-1', endpoint: url, forcePathStyle: true, credentials: {accessKeyId: access_key_id, secretAccessKey: secret_access_key} })
await client.send(new CreateBucketCommand({ Bucket: 'faults' }))
const proxy = await openFaultyProxy(url)
const auth = { type: 'access_key', access_key_id, secret_access_key }
const store = await openS3(Store.parse({ type: 's3', bucket: 'faults', endpoint: proxy.url, force_path_style: true, auth }), env, { connect_ms: 1_000, idle_ms: 500, request_ms: 5_000, attempts: 3 })
await all(store, proxy)
} finally { await server.stop() }
}
{
const server = await startServer('fake-gcs-server')
try {
const { url } = server.settings
await new Storage({ apiEndpoint: url, projectId: 'test' }).createBucket('faults')
const proxy = await openFaultyProxy(url)
const store = await openGcs(Store.parse({ type: 'gcs', bucket: 'faults', endpoint: proxy.url }), env, { idle_ms: 500, attempts: 3 })
await all(store, proxy)
} finally { await server.stop() }
}
process.exit()
