import { ExchangeError } from '../../core/errors.ts'
import type { Ledger } from '../../ledger/ledger.ts'

/** The error of a load whose lease another loader has taken over. */
export const leaseLost = (load_id: string) =>
  new ExchangeError('lease_lost', `load ${load_id} was taken over by another loader`)

/** Renews the lease at a third of its length; when it is lost, the load is aborted before it can publish. */
export function keepLease(
  load_id: string,
  context: {
    readonly ledger: Ledger
    readonly lease_ms: number
    readonly now: () => Date
    readonly signal?: AbortSignal
  },
) {
  const lost = new AbortController()
  const timer = setInterval(async () => {
    try {
      if (!(await context.ledger.renewLease(load_id, context.lease_ms, context.now())))
        lost.abort(leaseLost(load_id))
    } catch {
      // The ledger is out of reach for now. Publishing checks the lease again, inside its transaction.
    }
  }, context.lease_ms / 3)
  timer.unref()
  return {
    signal:
      context.signal === undefined ? lost.signal : AbortSignal.any([context.signal, lost.signal]),
    lost: () => lost.signal.aborted,
    stop: () => clearInterval(timer),
  }
}
