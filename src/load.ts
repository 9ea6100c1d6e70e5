import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import { sweepSpill } from './duckdb/spill.ts'
import { toExchangeError } from './exchange/failure.ts'
import { type LoadContext, loadPartition } from './exchange/load/load.ts'
import type { Observe } from './exchange/progress.ts'
import { sweepFeed, sweepStaging } from './exchange/sweep.ts'
import type { Ports } from './open-ports.ts'
import { discoverAndPlan, type LoadSelection } from './plan.ts'
import { crashAt } from './process-env.ts'

/** Of the embedded ledger, which one loader at a time holds. */
const LEASE_MS = 60_000

export interface LoadRun {
  readonly watch: boolean
  /** Pause between two looks of `watch`, in milliseconds. */
  readonly every_ms?: number
  readonly signal: AbortSignal
  readonly observe: Observe
}

/** One record per attempt, as each ends; with `watch` it goes on until the signal is aborted. */
export async function* loadFeeds(selection: LoadSelection, run: LoadRun, ports: Ports) {
  const { config, paths, now } = ports
  const ledger = await ports.openLedger('loader')
  await sweepSpill(paths.spill)
  do {
    let after_crash = false
    // Each time: while this loader watches, another one may be killed, and its claims pass on.
    try {
      const interrupted = await ledger.recover(now(), config.ledger === undefined)
      after_crash = interrupted.length > 0
      await sweepStaging({ ledger, paths, now })
    } catch (cause) {
      // A watching loader outlives a ledger that is away; each feed says so below, as it meets it too.
      if (!run.watch || toExchangeError(cause).code !== 'ledger_unavailable') throw cause
    }
    const failures: { feed: string; error: ExchangeError }[] = []
    for (const feed of await ports.feedsOf(selection.feeds)) {
      try {
        yield* loadFeed(feed, selection, { ...run, after_crash }, ports)
      } catch (cause) {
        if (run.signal.aborted) return
        // One partner's broken bucket is no reason to keep the others waiting.
        const error = toExchangeError(cause)
        failures.push({ feed: feed.name, error })
        run.observe({
          type: 'feed_failed',
          feed: feed.name,
          code: error.code,
          message: error.message,
          hint: error.hint,
        })
      }
    }
    if (!run.watch && failures.length > 0) throw feedsFailed(failures)
    if (run.watch)
      await sleep(run.every_ms ?? 30_000, undefined, { signal: run.signal }).catch(() => undefined)
  } while (run.watch && !run.signal.aborted)
}

async function* loadFeed(
  feed: Feed,
  selection: LoadSelection,
  run: LoadRun & {
    /** Files of an interrupted load may lie in any partition. */
    readonly after_crash: boolean
  },
  ports: Ports,
) {
  const { engine, paths, now } = ports
  const { plan } = await discoverAndPlan(feed, selection, { ...run, role: 'loader' }, ports)
  const context = await loadContext(feed, run, ports)
  for (const item of plan.items) {
    if (run.signal.aborted) return
    const record = await loadPartition(item, context)
    if (record !== undefined) yield record
  }
  const tools = { ledger: context.ledger, engine, paths, now }
  if (run.after_crash) await sweepFeed(feed, tools)
  else if (context.touched.size > 0) await sweepFeed(feed, tools, [...context.touched])
}

async function loadContext(
  feed: Feed,
  { observe, signal }: LoadRun,
  ports: Ports,
): Promise<LoadContext> {
  const { config, options, engine, formats, paths, now, openDuckdb } = ports
  return {
    ...{ feed, engine, formats, paths, now, observe, signal, openDuckdb },
    store: await ports.storeOf(feed),
    ledger: await ports.openLedger('loader'),
    holder: `${hostname()}:${process.pid}`,
    lease_ms: config.ledger?.lease ?? LEASE_MS,
    step: crashAt(options.env, feed.name),
    touched: new Set(),
  }
}

/** The failure of one feed as it is; those of several as one, each named. */
function feedsFailed(failures: readonly { feed: string; error: ExchangeError }[]): ExchangeError {
  const [first] = failures
  if (first === undefined) throw new Error('no feed failed')
  const { error } = first
  return new ExchangeError(
    error.code,
    failures.map((f) => `feed ${f.feed}: ${f.error.message}`).join('\n'),
    {
      hint: error.hint,
      retryable: error.retryable,
      cause: error,
      details: {
        feeds: failures.map((f) => ({
          feed: f.feed,
          code: f.error.code,
          message: f.error.message,
        })),
      },
    },
  )
}
