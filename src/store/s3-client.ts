import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { z } from 'zod'
import type { S3Store, Secret } from '../core/config.ts'
import { checkEndpoint } from './credentials.ts'
import type { StoreEnvironment } from './open-store.ts'
import { s3Retries } from './s3-retries.ts'
import { assumedRole } from './s3-role.ts'

export type S3Settings = z.output<typeof S3Store>

/** How long to wait, in milliseconds, and how often to try. */
export interface S3Deadlines {
  readonly connect_ms: number
  /** Without a byte in either direction. */
  readonly idle_ms: number
  /** From sending a request, its body included, to the first byte of the answer. */
  readonly request_ms: number
  readonly attempts: number
}

export const S3_DEADLINES: S3Deadlines = {
  connect_ms: 10_000,
  idle_ms: 60_000,
  request_ms: 300_000,
  attempts: 6,
}

/** The vendor's client for these settings. Throws `insecure_endpoint` and `secret_missing`; calls nobody. */
export function s3Client(
  settings: S3Settings,
  env: StoreEnvironment,
  deadlines: S3Deadlines,
): S3Client {
  const { endpoint, region, auth, allow_insecure } = settings
  if (endpoint !== undefined) checkEndpoint(endpoint, '`endpoint`', allow_insecure)
  if (auth.type === 'assume_role' && auth.sts_endpoint !== undefined) {
    checkEndpoint(auth.sts_endpoint, '`auth.sts_endpoint`', allow_insecure)
  }
  const sending = sendingOf(region, deadlines)
  const credentials = credentialsOf(auth, env, sending)
  return new S3Client({
    ...sending,
    forcePathStyle: settings.force_path_style,
    // Servers that are not AWS answer trailing checksums with errors, or with none to validate.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  })
}

type Sending = ReturnType<typeof sendingOf>

/** What the bucket's client shares with the one that asks for a role's credentials. */
function sendingOf(region: string, deadlines: S3Deadlines) {
  return {
    region,
    maxAttempts: deadlines.attempts,
    retryStrategy: s3Retries(deadlines.attempts),
    requestHandler: {
      connectionTimeout: deadlines.connect_ms,
      socketTimeout: deadlines.idle_ms,
      requestTimeout: deadlines.request_ms,
      // Without this the client only warns.
      throwOnRequestTimeout: true,
      httpsAgent: { maxSockets: 64, proxyEnv: process.env },
      httpAgent: { maxSockets: 64, proxyEnv: process.env },
    },
  }
}

/** Undefined leaves the vendor's default chain in place. */
function credentialsOf(
  auth: S3Settings['auth'],
  env: StoreEnvironment,
  sending: Sending,
): S3ClientConfig['credentials'] {
  switch (auth.type) {
    case 'default_chain':
      return undefined
    case 'access_key':
      return keysOf(auth, env)
    case 'assume_role':
      return assumedRole({
        role_arn: auth.role_arn,
        session_name: auth.session_name,
        external_id:
          auth.external_id === undefined ? undefined : env.resolveSecret(auth.external_id),
        source: auth.source === undefined ? undefined : keysOf(auth.source, env),
        client: {
          ...sending,
          ...(auth.sts_endpoint === undefined ? {} : { endpoint: auth.sts_endpoint }),
        },
      })
  }
}

interface KeySettings {
  readonly access_key_id: Secret
  readonly secret_access_key: Secret
  readonly session_token?: Secret | undefined
}

function keysOf(keys: KeySettings, env: StoreEnvironment) {
  return {
    accessKeyId: env.resolveSecret(keys.access_key_id),
    secretAccessKey: env.resolveSecret(keys.secret_access_key),
    ...(keys.session_token === undefined
      ? {}
      : { sessionToken: env.resolveSecret(keys.session_token) }),
  }
}
