import { ExchangeError } from '../core/errors.ts'

/** Any failure as an error with a code: what the system said is translated, a defect stays `internal`. */
export function toExchangeError(cause: unknown): ExchangeError {
  if (cause instanceof ExchangeError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOSPC' || /no space left on device/i.test(message))
    return new ExchangeError('disk_full', `the disk is full: ${message}`, { cause })
  if (
    code === 'EROFS' ||
    code === 'EACCES' ||
    code === 'EPERM' ||
    /read-only file system|permission denied/i.test(message)
  )
    return new ExchangeError(
      'data_dir_unwritable',
      `the data directory cannot be written: ${message}`,
      // Nothing is wrong with the delivery: a load that failed so is tried again by the next run.
      { cause, retryable: true },
    )
  if ((cause as Error | undefined)?.name === 'AbortError')
    return new ExchangeError('interrupted', 'the load was interrupted', { cause })
  if (/Out of Memory Error|failed to (allocate|pin)/i.test(message))
    return new ExchangeError(
      'out_of_memory',
      `memory_limit does not suffice: ${message.split('\n')[0]}`,
      { cause },
    )
  return new ExchangeError('internal', message, { cause })
}
