import { ExchangeError } from './core/errors.ts'
import type { DeliverStep } from './exchange/deliver/run-plan.ts'
import type { LoadStep } from './exchange/load/load.ts'
import type { SendStep } from './exchange/send/send.ts'

/** What the environment can change for tests and demonstrations: the time, and where a load dies. */
export type Env = Readonly<Record<string, string | undefined>>

/** The system clock, or a fixed start of it that tests and demonstrations set. */
export function clockOf(env: Env): () => Date {
  const set = env.BUCKETLINE_NOW
  if (set === undefined) return () => new Date()
  const start = Date.parse(set)
  if (Number.isNaN(start))
    throw new ExchangeError('usage', `BUCKETLINE_NOW is not a time: ${set}`, {
      hint: 'Write it as 2023-01-02T04:00:00Z.',
    })
  const began = Date.now()
  return () => new Date(start + Date.now() - began)
}

/** Tests kill the process at a named step, of one feed (`moved@events`) or of any; see `LOAD_STEPS` and `DELIVER_STEPS`. */
export function crashAt(env: Env, feed: string): (step: LoadStep | DeliverStep) => void {
  const at = env.BUCKETLINE_CRASH_AT
  return (step) => {
    if (at === step || at === `${step}@${feed}`) process.kill(process.pid, 'SIGKILL')
  }
}

/**
 * As `crashAt` for a sync; see `SEND_STEPS`. `uploaded:3` is the third time the step is reached.
 */
export function sendCrashAt(env: Env): (step: SendStep) => void {
  const [at, times = '1'] = (env.BUCKETLINE_CRASH_AT ?? '').split(':')
  let reached = 0
  return (step) => {
    if (at === step && ++reached === Number(times)) process.kill(process.pid, 'SIGKILL')
  }
}
