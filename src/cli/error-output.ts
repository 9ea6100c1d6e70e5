import { z } from 'zod'
import { ERRORS, ExchangeError } from '../core/errors.ts'
import type { ErrorReport } from './app-port.ts'
import { jsonValue } from './format-value.ts'
import type { Style } from './terminal.ts'
import { hangingText } from './wrap-text.ts'

/** Any thrown thing as an error of ours; what has no code is a defect: `internal`. */
export function asExchangeError(error: unknown): ExchangeError {
  if (error instanceof ExchangeError) return error
  if (error instanceof z.ZodError) {
    const [issue] = error.issues
    const flag = String(issue?.path[0] ?? '').replaceAll('_', '-')
    return new ExchangeError('usage', `--${flag}: ${issue?.message ?? 'not understood'}`)
  }
  const message = error instanceof Error ? error.message : String(error)
  return new ExchangeError('internal', message || 'unknown error', { cause: error })
}

/** The `error` of a JSON document. */
export const errorReport = (error: ExchangeError): ErrorReport => ({
  code: error.code,
  message: error.message,
  hint: error.hint,
  retryable: error.retryable,
  details: jsonValue(error.details) as Readonly<Record<string, unknown>>,
})

/**
 * An error for people: `error[code]: message`, then what to do, wrapped to `width` columns where there
 * are any. A defect shows its stack, as it will be reported.
 */
export function errorText(error: ExchangeError, style: Style, width?: number): string {
  const [first = '', ...more] = error.message.split('\n')
  const lines = [
    hangingText(`${style('red', `error[${error.code}]:`)} `, first, width),
    ...more.map((line) => hangingText('', line, width)),
  ]
  if (error.hint) lines.push(hangingText(`${style('cyan', 'hint:')} `, error.hint, width))
  if (error.code === 'internal' && error.cause instanceof Error && error.cause.stack) {
    lines.push(style('dim', error.cause.stack))
  }
  return `${lines.join('\n')}\n`
}

/** What the process ends with after an error. */
export const exitCodeOf = (error: ExchangeError): 1 | 2 => ERRORS[error.code].exit
