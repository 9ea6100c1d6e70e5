import type { S3ClientConfig } from '@aws-sdk/client-s3'
import type { FromTemporaryCredentialsOptions } from '@aws-sdk/credential-providers'
import { ExchangeError } from '../core/errors.ts'
import { CREDENTIAL_FAULTS, isPassing, s3Fault } from './s3-errors.ts'

interface Role {
  readonly role_arn: string
  readonly session_name: string
  readonly external_id: string | undefined
  /** Keys that assume the role; undefined leaves the vendor's default chain. */
  readonly source: FromTemporaryCredentialsOptions['masterCredentials'] | undefined
  /** Region, endpoint and deadlines of the calls to STS. */
  readonly client: NonNullable<FromTemporaryCredentialsOptions['clientConfig']>
}

/**
 * Credentials of an assumed role; the S3 client asks for new ones minutes before they run out. Asking
 * throws `credentials_invalid`, or `store_unavailable` where STS does not answer.
 */
export function assumedRole(role: Role): NonNullable<S3ClientConfig['credentials']> {
  const { role_arn, session_name, external_id, source, client } = role
  const options = {
    params: {
      RoleArn: role_arn,
      RoleSessionName: session_name,
      ...(external_id === undefined ? {} : { ExternalId: external_id }),
    },
    clientConfig: client,
    ...(source === undefined ? {} : { masterCredentials: source }),
  }
  return async () => {
    try {
      const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
      return await fromTemporaryCredentials(options)()
    } catch (cause) {
      throw roleRefused(role, cause)
    }
  }
}

function roleRefused({ role_arn, external_id, source }: Role, cause: unknown): ExchangeError {
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause))
  const fault = s3Fault(cause)
  const own_keys = source === undefined ? 'The keys of the default chain' : '`auth.source`'
  const options = { cause, details: { role_arn } }
  const said = message === '' || message === name ? name : `${name}: ${message.replace(/\.$/, '')}`
  if (fault !== undefined && isPassing(fault)) {
    return new ExchangeError(
      'store_unavailable',
      `The role ${role_arn} could not be assumed: STS did not answer (${fault.errno ?? said}).`,
      { ...options, hint: 'Check the network and `auth.sts_endpoint`; then run again.' },
    )
  }
  const text = `The role ${role_arn} could not be assumed (${said}).`
  const credential_fault = CREDENTIAL_FAULTS[fault?.name ?? name]
  if (credential_fault !== undefined) {
    return new ExchangeError('credentials_invalid', text, {
      ...options,
      hint: `${own_keys} were not accepted: ${credential_fault.says}.`,
    })
  }
  const trust =
    external_id === undefined
      ? 'The role’s trust policy must name these credentials; if it asks for an external id, set `auth.external_id`.'
      : 'The role’s trust policy must name these credentials and this external id.'
  return new ExchangeError('credentials_invalid', text, { ...options, hint: trust })
}
