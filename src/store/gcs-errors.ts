import { ExchangeError } from '../core/errors.ts'

export interface GcsCall {
  /** IAM permission, such as `storage.objects.get`. */
  readonly permission: string
  readonly bucket: string
  readonly key?: string
  /** A 412 means that the object changed (reads) or exists (conditional writes). */
  readonly precondition?: 'object_changed' | 'object_exists'
}

/** The one place where what the GCS client throws becomes a coded error; what is not its own passes unchanged. */
export function gcsError(thrown: unknown, call: GcsCall): unknown {
  if (thrown instanceof ExchangeError) return thrown
  const error = asError(thrown)
  if (error === undefined) return thrown
  const { bucket, key } = call
  const place = key === undefined ? `gs://${bucket}` : `gs://${bucket}/${key}`
  const status = gcsErrorStatus(error)
  const errno = gcsErrno(error)
  const said = reasonOf(error)
  const details = {
    bucket,
    ...(key === undefined ? {} : { key }),
    ...(status === undefined ? {} : { status }),
  }
  const options = { cause: error, details }

  if (isCredentialFault(error, status)) {
    const message = `gs://${bucket} does not accept the credentials (${said}).`
    return new ExchangeError('credentials_invalid', message, options)
  }
  if (status === undefined && errno === undefined) return error
  if (status === 404) {
    // The service says "The specified bucket does not exist." where it is not the object that is missing.
    return key === undefined || /bucket does not exist/i.test(error.message)
      ? new ExchangeError('bucket_not_found', `There is no bucket gs://${bucket}.`, options)
      : new ExchangeError('object_not_found', `There is no object ${place}.`, options)
  }
  if (status === 412 && call.precondition === 'object_exists') {
    return new ExchangeError('object_exists', `There is an object ${place} already.`, options)
  }
  if (status === 412) {
    return new ExchangeError('object_changed', `The object ${place} was replaced.`, options)
  }
  if (status === 403 && /userProject|requester pays/i.test(said)) {
    const hint = 'Set `requester_pays: true` and the `project` to bill on the store.'
    const message = `${place} is a requester-pays bucket (${said}).`
    return new ExchangeError('access_denied', message, { ...options, hint })
  }
  if (status === 403) {
    const message = `${call.permission} on ${place} was denied (${said}).`
    const hint = `Grant ${call.permission} on the bucket to this account.`
    return new ExchangeError('access_denied', message, { ...options, hint })
  }
  if (status === 400 && key !== undefined && /object name|invalid.*name/i.test(said)) {
    const message = `The store cannot hold the key ${JSON.stringify(key)} (${said}).`
    return new ExchangeError('key_invalid', message, options)
  }
  if (errno !== undefined || status === 408 || status === 429 || (status ?? 0) >= 500) {
    const message = `${call.permission} on ${place} got no answer (${errno ?? said}).`
    return new ExchangeError('store_unavailable', message, options)
  }
  const message = `${call.permission} on ${place} was refused (${said}).`
  return new ExchangeError('store_refused', message, options)
}

/** The client throws the service's answer itself, a plain object, where a resumable upload is refused. */
function asError(thrown: unknown): Error | undefined {
  if (thrown instanceof Error) return thrown
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code !== 'number') return undefined
  return Object.assign(new Error(typeof message === 'string' ? message : `HTTP ${code}`), { code })
}

/** HTTP status of the service's answer, wherever the client put it. */
export function gcsErrorStatus(error: unknown): number | undefined {
  const raw = error as {
    code?: unknown
    status?: unknown
    response?: { status?: unknown; statusCode?: unknown }
  }
  const values = [raw.code, raw.status, raw.response?.status, raw.response?.statusCode]
  return values
    .map((value) => (typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value))
    .find((value): value is number => typeof value === 'number' && value >= 400 && value < 600)
}

/** What Node calls a network fault, wherever the client put it. */
export function gcsErrno(error: unknown): string | undefined {
  const raw = (error ?? {}) as {
    name?: unknown
    code?: unknown
    type?: unknown
    cause?: { code?: unknown }
  }
  if (raw.type === 'request-timeout' || raw.name === 'TimeoutError') return 'ETIMEDOUT'
  return [raw.code, raw.cause?.code].find(
    (code): code is string =>
      typeof code === 'string' &&
      /^E[A-Z_]+$|^ERR_TLS|^ERR_STREAM_PREMATURE_CLOSE$|^UND_ERR/.test(code) &&
      !code.startsWith('ERR_OSSL'),
  )
}

function isCredentialFault(error: Error, status: number | undefined): boolean {
  const code = String((error as { code?: unknown }).code ?? '')
  return (
    status === 401 ||
    code.startsWith('ERR_OSSL') ||
    /invalid_grant|invalid_client|default credentials|private key|account_disabled/i.test(
      error.message,
    )
  )
}

/** The service's own words on one line; its answers can be JSON, HTML or text. */
function reasonOf(error: Error): string {
  let text = error.message
  try {
    const parsed = JSON.parse(text) as { error?: { message?: unknown } }
    if (typeof parsed.error?.message === 'string') text = parsed.error.message
  } catch {
    // Not JSON: the text is the message.
  }
  return text.replace(/\s+/g, ' ').trim().slice(0, 300).replace(/\.$/, '')
}
