import { type ErrorCode, ExchangeError } from '../core/errors.ts'

/** What a thread of a pool sends: any number of news of a job, then its answer or why there is none. */
export type FromWorker<Answer, News = never> =
  | { readonly type: 'news'; readonly news: News }
  | { readonly type: 'answer'; readonly answer: Answer }
  | Failure

/** An error on its way to another thread, which would make a bare `Error` of an `ExchangeError`. */
type Failure =
  | {
      readonly type: 'user_error'
      readonly code: ErrorCode
      readonly message: string
      readonly hint: string
      readonly retryable: boolean
      readonly details: Readonly<Record<string, unknown>>
    }
  | { readonly type: 'error'; readonly error: unknown }

export function failureOf(error: unknown): Failure {
  if (!(error instanceof ExchangeError)) return { type: 'error', error }
  const { code, message, hint, retryable, details } = error
  return { type: 'user_error', code, message, hint, retryable, details }
}

export function errorOf(failure: Failure): unknown {
  if (failure.type === 'error') return failure.error
  const { code, message, hint, retryable, details } = failure
  return new ExchangeError(code, message, { hint, retryable, details })
}
