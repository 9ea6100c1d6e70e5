import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { ExchangeError } from '../core/errors.ts'
import { backoffMs } from './retries.ts'
import { s3Error } from './s3-errors.ts'

type Strategy = Extract<
  NonNullable<S3ClientConfig['retryStrategy']>,
  { refreshRetryTokenForRetry: unknown }
>

/**
 * Tries a request up to `attempts` times, and again only after what the error table calls retryable or the
 * client has corrected itself (a clock that is off). The client's own strategy has a budget that all requests
 * share and only successes fill: after some thirty failures in a row nothing is tried again any more, which is
 * when it is needed most.
 */
export function s3Retries(attempts: number): Strategy {
  const token = (failures: number, delay: number) => ({
    getRetryCount: () => failures,
    getRetryDelay: () => delay,
  })
  return {
    acquireInitialRetryToken: async () => token(0, 0),
    async refreshRetryTokenForRetry(last, { error, errorType, retryAfterHint }) {
      const failures = last.getRetryCount() + 1
      const passing = errorType === 'TRANSIENT' || errorType === 'THROTTLING' || isPassing(error)
      // The client throws the request's own error then; this one is not seen.
      if (failures >= attempts || !passing) throw new Error('not tried again')
      const backoff = {
        throttled: errorType === 'THROTTLING',
        ...(retryAfterHint === undefined
          ? {}
          : { asked_ms: retryAfterHint.getTime() - Date.now() }),
      }
      return token(failures, backoffMs(failures, backoff))
    },
    recordSuccess() {},
  }
}

function isPassing(error: unknown): boolean {
  const coded = s3Error(error, { action: '', bucket: '', region: '' })
  return coded instanceof ExchangeError && coded.code === 'store_unavailable' && coded.retryable
}
