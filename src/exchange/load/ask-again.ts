import { setTimeout as sleep } from 'node:timers/promises'
import { ExchangeError } from '../../core/errors.ts'

/** Waits between two tries, in milliseconds: a server that starts again is back within them. */
const WAITS = [200, 400, 800, 1_600]
/** No try begins after this, in milliseconds: each may take a deadline of its own. */
const LONGEST_MS = 30_000

/**
 * Asks the ledger again while it is away: what a load did must not be lost to a connection that breaks, and
 * an answer that got lost may have been a yes. Only for questions that asked twice are as asked once.
 */
export async function askAgain<T>(ask: () => Promise<T>): Promise<T> {
  const began = performance.now()
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask()
    } catch (error) {
      const away = error instanceof ExchangeError && error.code === 'ledger_unavailable'
      const wait = WAITS[failures]
      if (!away || wait === undefined || performance.now() - began > LONGEST_MS) throw error
      await sleep(wait)
    }
  }
}
