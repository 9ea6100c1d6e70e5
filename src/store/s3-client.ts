import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import type { z } from 'zod'
import type { S3Auth, S3Store, Secret } from '../core/config.ts'
import { ExchangeError } from '../core/errors.ts'
import { checkEndpoint } from './credentials.ts'
import type { StoreEnvironment } from './open-store.ts'

export type S3Settings = z.output<typeof S3Store>
type Auth = z.output<typeof S3Auth>

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
  attempts: 4,
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
  const credentials = credentialsOf(auth, env, region)
  return new S3Client({
    region,
    forcePathStyle: settings.force_path_style,
    maxAttempts: deadlines.attempts,
    // Servers that are not AWS answer trailing checksums with errors, or with none to validate.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: deadlines.connect_ms,
      socketTimeout: deadlines.idle_ms,
      requestTimeout: deadlines.request_ms,
      throwOnRequestTimeout: true,
      httpsAgent: { maxSockets: 64, proxyEnv: process.env },
      httpAgent: { maxSockets: 64, proxyEnv: process.env },
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined ? {} : { credentials }),
  })
}

/** Undefined leaves the vendor's default chain in place. */
function credentialsOf(
  auth: Auth,
  env: StoreEnvironment,
  region: string,
): S3ClientConfig['credentials'] {
  switch (auth.type) {
    case 'default_chain':
      return undefined
    case 'access_key':
      return keysOf(auth, env)
    case 'assume_role':
      return assumedRole(auth, env, region)
  }
}

function assumedRole(
  auth: Extract<Auth, { type: 'assume_role' }>,
  env: StoreEnvironment,
  region: string,
): NonNullable<S3ClientConfig['credentials']> {
  const external_id =
    auth.external_id === undefined ? undefined : env.resolveSecret(auth.external_id)
  const source = auth.source === undefined ? undefined : keysOf(auth.source, env)
  const options = {
    params: {
      RoleArn: auth.role_arn,
      RoleSessionName: auth.session_name,
      ...(external_id === undefined ? {} : { ExternalId: external_id }),
    },
    clientConfig: {
      region,
      ...(auth.sts_endpoint === undefined ? {} : { endpoint: auth.sts_endpoint }),
    },
    ...(source === undefined ? {} : { masterCredentials: source }),
  }
  return async () => {
    try {
      const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
      return await fromTemporaryCredentials(options)()
    } catch (cause) {
      throw roleRefused(auth.role_arn, external_id !== undefined, cause)
    }
  }
}

function roleRefused(role_arn: string, with_external_id: boolean, cause: unknown): ExchangeError {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
  const passing = /Timeout|ECONN|EAI_AGAIN|ENOTFOUND|Throttl|ServiceUnavailable/.test(
    `${name} ${(cause as { code?: string }).code ?? ''}`,
  )
  return new ExchangeError(
    passing ? 'store_unavailable' : 'credentials_invalid',
    `The role ${role_arn} could not be assumed (${name}: ${message.replace(/\.$/, '')}).`,
    {
      cause,
      details: { role_arn },
      hint: passing
        ? 'Check the network and `auth.sts_endpoint`.'
        : `The role’s trust policy must name these credentials${with_external_id ? ' and this external id' : '; if it asks for an external id, set `auth.external_id`'}.`,
    },
  )
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
