import type { S3Client } from '@aws-sdk/client-s3'
import type { AccessFinding } from '../core/access.ts'
import { ExchangeError } from '../core/errors.ts'
import { type AccessOptions, failure, probeKey } from './access.ts'
import { grant, readDenial } from './access-denial.ts'
import type { S3Settings } from './s3-client.ts'
import { type S3Call, s3Error } from './s3-errors.ts'
import type { ObjectInfo } from './store.ts'

/** Without these no question about objects has an answer. */
export const GROUND = ['authentication', 'region', 'bucket'] as const

/** What the steps of one check share, filled as they go. */
export interface S3Asking {
  settings: S3Settings
  client: S3Client
  readonly options: AccessOptions
  /** Parameters of every request. */
  readonly common: { readonly Bucket: string; RequestPayer?: 'requester' }
  /** Who asks, for people: an access key id shortened, a role. */
  who: string
  /** The listing was let through. */
  listed: boolean
  /** The object that is read. */
  object: ObjectInfo | undefined
  /** The key that `--write` writes. */
  readonly probe_key: string
  send<T>(call: Omit<S3Call, 'bucket' | 'region'>, request: () => Promise<T>): Promise<T>
  /** `arn:aws:s3:::bucket`, or of keys under the prefix. */
  arn(of: 'bucket' | 'keys'): string
  place(key?: string): string
  /** A denial as a finding; what is no denial as its own message and hint. */
  refused(error: unknown, action: string, of: 'bucket' | 'keys'): AccessFinding
}

/** A check of one bucket as it begins. */
export function askingOf(settings: S3Settings, client: S3Client, options: AccessOptions): S3Asking {
  const { bucket } = settings
  const place = (key = '') => `s3://${bucket}/${key}`
  const arn = (of: 'bucket' | 'keys') =>
    of === 'bucket' ? `arn:aws:s3:::${bucket}` : `arn:aws:s3:::${bucket}/${options.prefix}*`
  const asking: S3Asking = {
    settings,
    client,
    options,
    place,
    arn,
    who: 'these credentials',
    listed: false,
    object: undefined,
    probe_key: probeKey(options.prefix),
    common: {
      Bucket: bucket,
      ...(settings.requester_pays ? { RequestPayer: 'requester' as const } : {}),
    },
    async send(call, request) {
      try {
        return await request()
      } catch (error) {
        throw s3Error(error, { ...call, bucket, region: asking.settings.region })
      }
    },
    refused(error, action, of) {
      if (codeOf(error) !== 'access_denied') return failure(error)
      const denial = readDenial(saidBy(error))
      const resource = denial?.resource ?? arn(of)
      return {
        result: 'failed',
        detail: `${action} is denied`,
        permission: action,
        resource,
        change: grant(denial, { action, resource: arn(of), who: asking.who }),
      }
    },
  }
  return asking
}

export const codeOf = (error: unknown): string | undefined =>
  error instanceof ExchangeError ? error.code : undefined

/** The store's own words behind a coded error. */
export function saidBy(error: unknown): string {
  const cause = error instanceof ExchangeError ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}
