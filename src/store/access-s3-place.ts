import { ListObjectsV2Command } from '@aws-sdk/client-s3'
import type { AccessFinding } from '../core/access.ts'
import { bucketNameFault } from './access-denial.ts'
import type { StoreEnvironment } from './open-store.ts'
import { type S3Deadlines, type S3Settings, s3Client } from './s3-client.ts'

/** URL that requests for the bucket go to, as the vendor's client makes it of the settings; sends nothing. */
export async function endpointOf(
  settings: S3Settings,
  env: StoreEnvironment,
  deadlines: S3Deadlines,
): Promise<URL> {
  // The client would look for credentials before the request is stopped: it is given some.
  const auth = { type: 'access_key' as const, access_key_id: 'none', secret_access_key: 'none' }
  const client = s3Client({ ...settings, auth }, env, deadlines)
  let found: { protocol: string; hostname: string; port?: number } | undefined
  const command = new ListObjectsV2Command({ Bucket: settings.bucket })
  command.middlewareStack.add(
    () => async (args) => {
      found = args.request as typeof found
      return { response: undefined, output: { $metadata: {} } }
    },
    { step: 'build', name: 'stopBeforeSending' },
  )
  await client.send(command)
  client.destroy()
  if (found === undefined) throw new Error('a request has no URL')
  const { protocol, hostname, port } = found
  return new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`)
}

/** Whether the bucket’s name is a DNS name, as S3 asks for. */
export function nameFinding({ bucket, endpoint }: S3Settings, url: URL): AccessFinding {
  // An access point's ARN or alias follows rules of its own.
  if (bucket.startsWith('arn:')) return { result: 'ok', detail: bucket }
  const fault = bucketNameFault(bucket)
  if (fault !== undefined) {
    return {
      result: 'failed',
      detail: `${bucket} is no DNS name: such a name ${fault}`,
      change: `Use a bucket with a DNS-compliant name, such as ${suggested(bucket)}.`,
    }
  }
  const dotted = bucket.includes('.') && url.protocol === 'https:' && endpoint === undefined
  if (!dotted) return { result: 'ok', detail: bucket }
  return {
    result: 'ok',
    detail: `${bucket} has dots`,
    change: `No certificate of S3 fits a bucket name with dots under its own host name; it works here as the bucket is named in the path. A name such as ${suggested(bucket)} works everywhere.`,
  }
}

const suggested = (bucket: string): string =>
  bucket
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63)
    .padEnd(3, '0')
