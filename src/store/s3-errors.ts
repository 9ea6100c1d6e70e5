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

interface S3Fault {
  readonly name: string
  readonly message: string
  readonly status: number | undefined
  readonly errno: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

const CREDENTIAL_FAULTS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the access key id is unknown or disabled',
  NotSignedUp: 'the access key id is unknown',
  SignatureDoesNotMatch: 'the secret access key does not fit the access key id',
  ExpiredToken: 'the session token has expired',
  ExpiredTokenException: 'the session token has expired',
  TokenRefreshRequired: 'the session token has expired',
  InvalidToken: 'the session token is not valid',
  InvalidTokenId: 'the session token is not valid',
  InvalidClientTokenId: 'the access key id is unknown or disabled',
  RequestTimeTooSkewed:
    'the clock of this machine differs from the store’s by more than 15 minutes',
  RequestExpired: 'the clock of this machine differs from the store’s by more than 15 minutes',
  CredentialsProviderError:
    'no credentials were found in the environment, shared files or instance role',
  ExpiredSSOTokenException: 'the single sign-on session has expired',
}

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
  const fault = faultOf(error)
  if (fault === undefined) return error
  const { bucket, key } = call
  const place = key === undefined ? `s3://${bucket}` : `s3://${bucket}/${key}`
  const details = { bucket, ...(key === undefined ? {} : { key }), ...shown(fault) }
  const said = `${fault.name}${fault.message === '' ? '' : `: ${fault.message.replace(/\.$/, '')}`}`
  const options = { cause: error, details }
  const { name, status, errno } = fault

  const credential_fault = CREDENTIAL_FAULTS[name]
  if (credential_fault !== undefined) {
    const message = `${place} does not accept the credentials: ${credential_fault} (${name}).`
    return new ExchangeError('credentials_invalid', message, options)
  }
  if (isWrongRegion(fault)) return wrongRegion(fault, call, options)
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
  if (/^kms/i.test(name)) {
    const message = `The KMS key for ${place} could not be used (${said}).`
    const hint = 'Check `sse_kms_key_id`; the role needs kms:GenerateDataKey and kms:Decrypt on it.'
    return new ExchangeError('access_denied', message, { ...options, hint })
  }
  if (status === 403) {
    const message = `${call.action} on ${place} was denied (${said}).`
    const hint = `Grant ${call.action} on it to these credentials; a bucket policy, KMS key policy or Object Lock can deny it too.`
    return new ExchangeError('access_denied', message, { ...options, hint })
  }
  if (errno !== undefined && TLS_FAULT.test(errno)) {
    const message = `No secure connection to s3://${bucket}: ${errno}.`
    const hint =
      'Check the certificate of `endpoint`; NODE_EXTRA_CA_CERTS adds a private authority.'
    return new ExchangeError('store_unavailable', message, { ...options, hint, retryable: false })
  }
  if (errno !== undefined || BUSY_FAULT.test(name) || isBusy(status)) {
    const message = `${call.action} on ${place} got no answer (${errno ?? said}).`
    return new ExchangeError('store_unavailable', message, options)
  }
  return new ExchangeError(
    'store_refused',
    `${call.action} on ${place} was refused (${said}).`,
    options,
  )
}

/** Name of the service's error, as far as the error is one. */
export function s3ErrorName(error: unknown): string | undefined {
  return faultOf(error)?.name
}

export function s3ErrorStatus(error: unknown): number | undefined {
  return faultOf(error)?.status
}

function faultOf(error: unknown): S3Fault | undefined {
  if (!(error instanceof Error) || error instanceof ExchangeError) return undefined
  const raw = error as Error & {
    $metadata?: { httpStatusCode?: number }
    $response?: { statusCode?: number; headers?: Record<string, string> }
    code?: unknown
    syscall?: unknown
    Code?: unknown
  }
  const status = raw.$metadata?.httpStatusCode ?? raw.$response?.statusCode
  const code = typeof raw.code === 'string' ? raw.code : undefined
  const from_network =
    code !== undefined &&
    (raw.syscall !== undefined || /^E[A-Z]+$|^ERR_(TLS|SSL)_/.test(code) || TLS_FAULT.test(code))
  const known = raw.name === 'TimeoutError' || raw.name in CREDENTIAL_FAULTS
  if (status === undefined && !from_network && !known) return undefined
  // HEAD has no body to name the fault in; the client then calls it Unknown or by its number.
  const name = typeof raw.Code === 'string' ? raw.Code : raw.name
  return {
    name,
    message: name === raw.message || raw.message === 'UnknownError' ? '' : raw.message,
    status,
    errno: from_network ? code : undefined,
    headers: raw.$response?.headers ?? {},
  }
}

function isBusy(status: number | undefined): boolean {
  return status === 429 || (status !== undefined && status >= 500 && status !== 501)
}

function isWrongRegion({ name, status, message, headers }: S3Fault): boolean {
  if (name === 'PermanentRedirect' || name === 'IllegalLocationConstraintException') return true
  if (name === 'AuthorizationHeaderMalformed') return /region/i.test(message)
  return status === 301 || (status === 400 && headers['x-amz-bucket-region'] !== undefined)
}

function wrongRegion(fault: S3Fault, { bucket, region }: S3Call, options: { cause: unknown }) {
  const right =
    fault.headers['x-amz-bucket-region'] ?? /expecting '([^']+)'/.exec(fault.message)?.[1]
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
