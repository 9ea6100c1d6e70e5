import { ExchangeError } from '../core/errors.ts'

/** What was being done, for messages that say which permission is missing. */
export interface S3Call {
  /** IAM action, such as `s3:GetObject`. */
  readonly action: string
  readonly bucket: string
  readonly key?: string
  readonly region: string
  /** A 412 means that the object changed (reads) or exists (conditional writes). */
  readonly precondition?: 'object_changed' | 'object_exists'
}

/** What the service or the network said. */
interface S3Fault {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly errno: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** The bucket's region, where the answer tells it. */
  readonly region: string | undefined
}

interface CredentialFault {
  readonly says: string
  readonly hint?: string
}

const UNKNOWN_KEY: CredentialFault = { says: 'the access key id is unknown or disabled' }
const EXPIRED: CredentialFault = {
  says: 'the session token has expired',
  hint: 'Get new temporary credentials; with `auth: { type: assume_role }` they are renewed by themselves.',
}
const TOKEN: CredentialFault = {
  says: 'the session token is not valid',
  hint: 'Keys and token of temporary credentials belong together: copy all three again, or leave `session_token` out where the keys are lasting ones.',
}
const CLOCK: CredentialFault = {
  says: 'the clock of this machine differs from the store’s by more than 15 minutes',
  hint: 'Set this machine’s clock, or have it kept by NTP.',
}

/** Faults that lie in the credentials themselves, by the names S3 and STS give them. */
export const CREDENTIAL_FAULTS: Readonly<Record<string, CredentialFault>> = {
  InvalidAccessKeyId: UNKNOWN_KEY,
  NotSignedUp: UNKNOWN_KEY,
  InvalidClientTokenId: UNKNOWN_KEY,
  SignatureDoesNotMatch: { says: 'the secret access key does not fit the access key id' },
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  InvalidToken: TOKEN,
  InvalidTokenId: TOKEN,
  RequestTimeTooSkewed: CLOCK,
  RequestExpired: CLOCK,
  CredentialsProviderError: {
    says: 'no credentials were found in the environment, shared files or instance role',
  },
  ExpiredSSOTokenException: { says: 'the single sign-on session has expired' },
}

/** A proxy's or another server's page in place of S3's XML. */
const NOT_S3 = 'an answer that is not S3’s'
const NOT_S3_HINT = 'Check `endpoint`, and whether a proxy stands between.'

const KEY_FAULTS = new Set([
  'KeyTooLongError',
  'InvalidURI',
  'InvalidObjectName',
  'XMinioInvalidObjectName',
  'XMinioInvalidResourceName',
  'DirectoryObjectContainsData',
  'ObjectParentIsFile',
  'UnexpectedContent',
])

const TLS_FAULT =
  /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|HOSTNAME_MISMATCH)/
const BUSY_FAULT =
  /^(SlowDown|Throttl|RequestTimeout|RequestLimit|TooManyRequests|InternalError|ServiceUnavailable|OperationAborted|ConditionalRequestConflict|TimeoutError|NetworkingError)/

/**
 * The one place where what the S3 client throws becomes a coded error. What is neither the service's
 * answer nor a network fault passes unchanged.
 */
export function s3Error(error: unknown, call: S3Call): unknown {
  const fault = s3Fault(error)
  if (fault === undefined) return error
  const { bucket, key } = call
  const place = key === undefined ? `s3://${bucket}` : `s3://${bucket}/${key}`
  const details = { bucket, ...(key === undefined ? {} : { key }), ...shown(fault) }
  const said = `${fault.name}${fault.message === '' ? '' : `: ${fault.message.replace(/\.$/, '')}`}`
  const options = { cause: error, details }
  const { name, status, errno } = fault

  const credential_fault = CREDENTIAL_FAULTS[name]
  if (credential_fault !== undefined) {
    const { says, hint } = credential_fault
    const clocks = credential_fault === CLOCK ? clocksOf(fault) : ''
    const message = `${place} does not accept the credentials: ${says}${clocks} (${name}).`
    return new ExchangeError('credentials_invalid', message, {
      ...options,
      ...(hint === undefined ? {} : { hint }),
    })
  }
  if (isWrongRegion(fault, call)) return wrongRegion(fault, call, options)
  if (name === 'NoSuchBucket' || name === 'InvalidBucketName') {
    return new ExchangeError(
      'bucket_not_found',
      `There is no bucket s3://${bucket} (${name}).`,
      options,
    )
  }
  if (name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchVersion') {
    return new ExchangeError('object_not_found', `There is no object ${place}.`, options)
  }
  if (status === 412 && call.precondition === 'object_exists') {
    return new ExchangeError('object_exists', `There is an object ${place} already.`, options)
  }
  if (status === 412) {
    return new ExchangeError('object_changed', `The object ${place} was replaced.`, options)
  }
  if (KEY_FAULTS.has(name)) {
    const message = `The store cannot hold the key ${JSON.stringify(key ?? '')} (${said}).`
    return new ExchangeError('key_invalid', message, options)
  }
  const kms_action = /\bkms:[A-Z][A-Za-z]+/.exec(fault.message)?.[0]
  if (/^kms/i.test(name) || (status === 403 && kms_action !== undefined)) {
    const message = `The KMS key for ${place} could not be used (${said}).`
    const hint =
      call.action === 's3:PutObject'
        ? `Check \`sse_kms_key_id\` and the bucket’s default encryption; these credentials need ${kms_action ?? 'kms:GenerateDataKey and kms:Decrypt'} on the key.`
        : `The object is encrypted; these credentials need ${kms_action ?? 'kms:Decrypt'} on its key, in their own policy and in the key’s.`
    return new ExchangeError('access_denied', message, { ...options, hint })
  }
  if (status === 403) {
    const message = `${call.action} on ${place} was denied (${said}).`
    const hint =
      name === NOT_S3
        ? NOT_S3_HINT
        : `Grant ${call.action} on it to these credentials; a bucket policy, KMS key policy or Object Lock can deny it too.`
    return new ExchangeError('access_denied', message, { ...options, hint })
  }
  if (errno !== undefined && TLS_FAULT.test(errno)) {
    const message = `No secure connection to s3://${bucket}: ${errno}.`
    const hint =
      'Check the certificate of `endpoint`; NODE_EXTRA_CA_CERTS adds a private authority.'
    return new ExchangeError('store_unavailable', message, { ...options, hint, retryable: false })
  }
  if (isPassing(fault)) {
    const message = `${call.action} on ${place} got no answer (${errno ?? said}).`
    return new ExchangeError('store_unavailable', message, options)
  }
  const message = `${call.action} on ${place} was refused (${said}).`
  return new ExchangeError('store_refused', message, {
    ...options,
    ...(name === NOT_S3 ? { hint: NOT_S3_HINT } : {}),
  })
}

/** Name of the service's error, as far as the error is one. */
export function s3ErrorName(error: unknown): string | undefined {
  return s3Fault(error)?.name
}

export function s3ErrorStatus(error: unknown): number | undefined {
  return s3Fault(error)?.status
}

/** The service's answer or the network's fault in what its client threw; undefined where it is neither. */
export function s3Fault(error: unknown): S3Fault | undefined {
  if (!(error instanceof Error) || error instanceof ExchangeError) return undefined
  const raw = error as Error & {
    $metadata?: { httpStatusCode?: number }
    $response?: { statusCode?: number; headers?: Record<string, string> }
    code?: unknown
    syscall?: unknown
    Code?: unknown
    Region?: unknown
  }
  const status = raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode
  const code = typeof raw.code === 'string' ? raw.code : undefined
  const from_network =
    code !== undefined &&
    (raw.syscall !== undefined || /^E[A-Z]+$|^ERR_(TLS|SSL)_/.test(code) || TLS_FAULT.test(code))
  const known = raw.name === 'TimeoutError' || raw.name in CREDENTIAL_FAULTS
  if (status === undefined && !from_network && !known) return undefined
  const errno = from_network ? code : undefined
  const headers = raw.$response?.headers ?? {}
  if (/XML parse error|Deserialization error/.test(raw.message)) {
    return {
      name: NOT_S3,
      message: `HTTP ${status}`,
      status,
      errno,
      headers: {},
      region: undefined,
    }
  }
  // HEAD has no body to name the fault in; the client then calls it Unknown or by its number.
  const name = typeof raw.Code === 'string' ? raw.Code : raw.name
  return {
    name,
    message: name === raw.message || raw.message === 'UnknownError' ? '' : raw.message,
    status,
    errno,
    headers,
    region:
      headers['x-amz-bucket-region'] ??
      (typeof raw.Region === 'string' ? raw.Region : undefined) ??
      /expecting ['"]([^'"]+)['"]/.exec(raw.message)?.[1],
  }
}

/** What both clocks say, as far as the answer tells the time. */
function clocksOf({ headers }: S3Fault): string {
  const theirs = new Date(headers.date ?? '')
  if (Number.isNaN(theirs.getTime())) return ''
  return `, ${new Date().toISOString()} here and ${theirs.toISOString()} there`
}

/** True where the same call may succeed later. */
export function isPassing({ name, status, errno }: S3Fault): boolean {
  if (errno !== undefined) return !TLS_FAULT.test(errno)
  if (BUSY_FAULT.test(name) || status === 429) return true
  return status !== undefined && status >= 500 && status !== 501
}

/** Some servers name the bucket's region in every answer: only another one than ours says something. */
function isWrongRegion(fault: S3Fault, call: S3Call): boolean {
  const { name, status, message, headers } = fault
  if (name === 'PermanentRedirect' || name === 'IllegalLocationConstraintException') return true
  if (name === 'AuthorizationHeaderMalformed') return /region/i.test(message)
  if (status === 301) return name !== NOT_S3
  const told = headers['x-amz-bucket-region']
  return status === 400 && told !== undefined && told !== call.region
}

function wrongRegion(
  { region: right }: S3Fault,
  { bucket, region }: S3Call,
  options: { cause: unknown },
) {
  const message = `The bucket s3://${bucket} is not in region ${region}${right === undefined ? '' : ` but in ${right}`}.`
  const hint =
    right === undefined
      ? 'Correct `region` of the store.'
      : `Set \`region: ${right}\` on the store.`
  return new ExchangeError('wrong_region', message, { ...options, hint })
}

function shown({ name, status, errno }: S3Fault) {
  return { store_code: errno ?? name, ...(status === undefined ? {} : { status }) }
}
