import type { Feed } from './core/feed.ts'
import { discover } from './exchange/discover/discover.ts'
import { toExchangeError } from './exchange/failure.ts'
import { type Plan, plan as planFeed } from './exchange/plan/plan.ts'
import type { Observe } from './exchange/progress.ts'
import type { Ledger } from './ledger/ledger.ts'
import type { Ports } from './open-ports.ts'
import { planReport } from './plan-report.ts'
import { crashAt } from './process-env.ts'

export interface Selection {
  /** Names of feeds; empty means all. */
  readonly feeds: readonly string[]
  readonly partition?: string
  /** First and last partition, both inclusive. */
  readonly from?: string
  readonly to?: string
}

export interface LoadSelection extends Selection {
  /** Lists everything from the feed's start, not only what can have changed. */
  readonly all: boolean
  /** Loads again what is published already, and what was refused. */
  readonly force: boolean
  /** Loads published partitions with rejects again, after a contract or its settings changed. */
  readonly replay: boolean
}

/** What a load would do. One feed that cannot be looked at is no reason to say nothing of the others. */
export async function planFeeds(selection: LoadSelection, ports: Ports) {
  const partitions = []
  const strays = []
  const errors = []
  const feeds = await ports.feedsOf(selection.feeds)
  for (const feed of feeds) {
    try {
      const run = { observe: () => undefined, role: 'reader' } as const
      const { found, plan } = await discoverAndPlan(feed, selection, run, ports)
      strays.push(...found.strays)
      partitions.push(...planReport(plan))
    } catch (cause) {
      if (feeds.length === 1 || ports.options.signal.aborted) throw cause
      const { code, message, hint } = toExchangeError(cause)
      errors.push({ feed: feed.name, code, message, hint })
    }
  }
  return { partitions, strays, errors }
}

/** Looks into a feed's store, puts into the ledger what is there, and plans what to do about it. */
export async function discoverAndPlan(
  feed: Feed,
  selection: LoadSelection,
  run: { readonly observe: Observe; readonly role: 'loader' | 'reader' },
  ports: Ports,
) {
  const { env, signal } = ports.options
  // The store first: a missing secret shows without the seconds that a new ledger takes.
  const store = await ports.storeOf(feed)
  const ledger = await ports.openLedger(run.role)
  const found = await discover(feed, {
    ...{ store, ledger, now: ports.now(), signal },
    mode: selection.all ? 'all' : 'new',
  })
  const step = crashAt(env, feed.name)
  step('discovered')
  const all = await planFeed(feed, {
    ledger,
    discovered: found.partitions.map((p) => p.partition),
    selection: planSelection(selection),
  })
  const plan = selection.replay ? await onlyWithRejects(all, feed, ledger) : all
  step('planned')
  run.observe({
    type: 'found',
    feed: feed.name,
    first: found.first,
    partitions: plan.items.length,
    objects: plan.items.reduce((sum, item) => sum + item.reads.length, 0),
    bytes: plan.bytes,
    waiting: waitingFor(plan),
    strays: found.strays.length,
  })
  return { found, plan }
}

const planSelection = ({ partition, from, to, force, replay }: LoadSelection) => ({
  ...(partition === undefined ? {} : { partition }),
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to }),
  force,
  replay,
})

/** How many partitions of a plan wait for what. */
function waitingFor(plan: Plan): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { why, waiting_for } of plan.not_loaded)
    if (why === 'waiting') counts[waiting_for ?? 'more'] = (counts[waiting_for ?? 'more'] ?? 0) + 1
  return counts
}

/** A replay concerns the partitions whose served generation has rejects. */
async function onlyWithRejects(plan: Plan, feed: Feed, ledger: Ledger): Promise<Plan> {
  const rejected = new Set(
    (await ledger.servedFiles(feed.name, { kinds: ['rejects'], objects: false })).map(
      (f) => f.partition,
    ),
  )
  const items = plan.items.filter((item) => rejected.has(item.partition))
  return { ...plan, items, bytes: items.reduce((sum, item) => sum + item.bytes, 0) }
}
