import type { AccessFinding } from '../core/access.ts'
import type { ExchangeError } from '../core/errors.ts'
import { failure, sentence } from './access.ts'
import { readDenial } from './access-denial.ts'
import { type S3Asking, saidBy } from './access-s3-asking.ts'
import type { S3Settings } from './s3-client.ts'
import { s3Error } from './s3-errors.ts'

/** Obtains credentials: who asks, for people, or why there are none. */
export async function identity({ client, settings }: S3Asking): Promise<string | AccessFinding> {
  try {
    const { accessKeyId } = await client.config.credentials()
    const key = `access key ${accessKeyId.slice(0, 4)}…${accessKeyId.length > 8 ? accessKeyId.slice(-4) : ''}`
    if (settings.auth.type === 'assume_role') return `role ${settings.auth.role_arn}`
    return settings.auth.type === 'access_key' ? key : `${key} of the default chain`
  } catch (error) {
    if (settings.auth.type === 'assume_role') return roleDenied(error, settings.auth.role_arn)
    if (error instanceof Error && error.name === 'CredentialsProviderError') {
      const { change } = noCredentials(settings)
      const detail = 'no credentials in the environment, the shared files or the instance role'
      return { result: 'failed', detail, change, asked: 'credentials of the default chain' }
    }
    return failure(
      s3Error(error, { action: 's3:ListBucket', bucket: settings.bucket, region: settings.region }),
    )
  }
}

/** What is said where nobody gave credentials. */
export function noCredentials({ auth }: S3Settings): { detail: string; change: string } {
  if (auth.type === 'assume_role') {
    const change =
      'Check the network and `auth.sts_endpoint`; nothing may hold back what STS answers.'
    return { detail: `STS did not say whether ${auth.role_arn} may be assumed`, change }
  }
  return {
    detail: 'no credentials came from the default chain',
    change:
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run where an instance or container role is given, or set `auth: { type: access_key, … }` on the store.',
  }
}

function roleDenied(error: unknown, role_arn: string): AccessFinding {
  const cause = error instanceof Error ? error.cause : undefined
  const { name, message } = cause instanceof Error ? cause : { name: '', message: '' }
  const asked = `AssumeRole ${role_arn}`
  if (!/AccessDenied/.test(name)) return { ...failure(error), asked }
  const denial = readDenial(message)
  return {
    result: 'failed',
    asked,
    permission: 'sts:AssumeRole',
    resource: role_arn,
    detail: 'sts:AssumeRole is denied',
    change: `Let the trust policy of ${role_arn} name ${denial?.principal ?? 'these credentials'}, with the external id it may ask for, and allow them sts:AssumeRole on it.`,
  }
}

/** What to change about keys that are not accepted, by the service’s own name for the fault. */
export function credentialFault(error: ExchangeError): { change: string } | undefined {
  const name = String(error.details.store_code ?? '')
  const change =
    name === 'SignatureDoesNotMatch'
      ? 'Set `auth.secret_access_key` to the secret that belongs to this access key; a secret is shown once, so a lost one takes a new key.'
      : /^InvalidAccessKeyId|^NotSignedUp|^InvalidClientTokenId/.test(name)
        ? 'Set `auth.access_key_id` to a key that exists and is active; temporary keys (ASIA…) also take `auth.session_token`.'
        : undefined
  return change === undefined ? undefined : { change }
}

/** Every refusal of S3 to a GET names itself in a body; these are the client’s words for one that does not. */
export const isUnspoken = ({ code, details }: ExchangeError): boolean =>
  code === 'object_not_found' ||
  /^(Unknown|UnknownError|NotFound|Forbidden|\d{3})$|not S3/.test(String(details.store_code ?? ''))

/** An answer that is no S3 answer. */
export function unspoken(error: unknown, url: URL): AccessFinding {
  return {
    result: 'failed',
    detail: `${url.host} does not answer as an S3 server does (${sentence(saidBy(error)).slice(0, 100)})`,
    change: 'Check host, port and scheme of `endpoint`.',
  }
}
