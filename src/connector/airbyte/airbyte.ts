import { readFile } from 'node:fs/promises'
import { airbyteSpec } from '../../core/destination/spec.ts'
import { ERRORS, type ErrorCode, ExchangeError } from '../../core/errors.ts'
import { toExchangeError } from '../../exchange/failure.ts'
import { check } from './check.ts'
import {
  type FailureType,
  logMessage,
  specMessage,
  statusMessage,
  traceError,
  type Write,
} from './protocol.ts'
import { write } from './write.ts'

/** What a connector is given: Airbyte's own arguments, and the streams of its process. */
export interface ConnectorOptions {
  /** Paths of the documents. */
  readonly config?: string
  readonly catalog?: string
  readonly input: AsyncIterable<Uint8Array>
  readonly write: Write
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly signal: AbortSignal
}

/** One call of the connector. Everything it says is an Airbyte message; the result is the exit code. */
export async function runConnector(
  call: 'spec' | 'check' | 'write',
  options: ConnectorOptions,
): Promise<0 | 1> {
  try {
    if (call === 'spec') await options.write(specMessage(airbyteSpec()))
    else if (call === 'check') await runCheck(options)
    else {
      await write({
        ...options,
        config: await readDocument(options.config, '--config'),
        catalog: await readDocument(options.catalog, '--catalog'),
      })
    }
    return 0
  } catch (cause) {
    const error = toExchangeError(cause)
    const internal_message = [error.code, error.message, error.hint].filter(Boolean).join(': ')
    await options.write(logMessage('ERROR', `${error.message} ${error.hint ?? ''}`.trim()))
    await options.write(
      traceError({
        message: error.message,
        internal_message,
        failure_type: failureOf(error),
        emitted_at: Date.now(),
        ...(error.code === 'internal' && error.cause instanceof Error && error.cause.stack
          ? { stack_trace: error.cause.stack }
          : {}),
      }),
    )
    return 1
  }
}

async function runCheck(options: ConnectorOptions): Promise<void> {
  const wrong = await check({ ...options, config: await readDocument(options.config, '--config') })
  if (wrong === undefined) {
    await options.write(statusMessage('SUCCEEDED'))
    return
  }
  const message = `Could not connect with provided configuration. Error: ${wrong}`
  await options.write(statusMessage('FAILED', message))
}

const ABOUT_ACCESS: readonly ErrorCode[] = [
  'access_denied',
  'bucket_not_found',
  'credentials_invalid',
  'wrong_region',
]

/** A platform shows `config_error` to the user and tries `transient_error` again. */
function failureOf(error: ExchangeError): FailureType {
  if (error.retryable) return 'transient_error'
  const by_user = ERRORS[error.code].exit === 2 || ABOUT_ACCESS.includes(error.code)
  return by_user ? 'config_error' : 'system_error'
}

async function readDocument(path: string | undefined, flag: string): Promise<unknown> {
  if (path === undefined) {
    throw new ExchangeError('usage', `${flag} is missing.`, { hint: `Give ${flag} FILE.` })
  }
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new ExchangeError('config_not_found', `${path} (${flag}) cannot be read.`, { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ExchangeError('config_invalid', `${path} (${flag}) is not JSON.`, { cause })
  }
}
