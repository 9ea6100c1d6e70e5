import type { Note, RejectCount } from './app-port.ts'
import type { AttemptReport } from './load-report.ts'

/** Up to this many loads of a feed that need no look are listed one by one. */
const FEW = 12
/** Loads with rejects that are listed of a feed with more. */
const LISTED = 20

/** A reason of several loads, and in how many of them it held. */
export type Shared<T> = T & { readonly partitions: number }

/** Published loads of one feed as one line. */
export interface Fold {
  readonly feed: string
  readonly first: string
  readonly last: string
  readonly attempts: readonly AttemptReport[]
  /** Loads among them with rejects or refused objects. */
  readonly with_rejects: number
  readonly rejects: readonly Shared<RejectCount>[]
  readonly notes: readonly Shared<Note>[]
}

/** What the report shows of loads: a line of one, or of many. */
export type Entry =
  | { readonly type: 'one'; readonly attempt: AttemptReport }
  | { readonly type: 'fold'; readonly fold: Fold }

const hasRejects = (each: AttemptReport): boolean => each.rejected > 0 || each.objects.length > 0

/**
 * Loads as they are shown: in their order, but of a feed with more than a dozen that need no look, as
 * after a backfill, those as one line, before the ones that do. Refused and failed loads always stand
 * alone, and up to 20 with rejects; none is left out of the sums.
 */
export function foldAttempts(attempts: readonly AttemptReport[]): readonly Entry[] {
  const feeds = new Map<string, AttemptReport[]>()
  for (const each of attempts) {
    const listed = feeds.get(each.feed)
    if (listed === undefined) feeds.set(each.feed, [each])
    else listed.push(each)
  }
  return [...feeds.values()].flatMap(foldFeed)
}

function foldFeed(attempts: readonly AttemptReport[]): readonly Entry[] {
  const alone = new Set<AttemptReport>()
  let rejecting = 0
  for (const each of attempts) {
    if (each.state !== 'published' && each.state !== 'passed') alone.add(each)
    else if (hasRejects(each)) {
      rejecting += 1
      if (rejecting <= LISTED) alone.add(each)
    }
  }
  const folded = attempts.filter((each) => !alone.has(each))
  if (folded.length <= FEW) return attempts.map((attempt) => ({ type: 'one', attempt }))
  const rest = attempts.filter((each) => alone.has(each))
  return [
    { type: 'fold', fold: foldOf(folded) },
    ...rest.map((attempt) => ({ type: 'one' as const, attempt })),
  ]
}

function foldOf(attempts: readonly AttemptReport[]): Fold {
  const partitions = attempts.map((each) => each.partition).sort()
  return {
    feed: attempts[0]?.feed ?? '',
    first: partitions[0] ?? '',
    last: partitions.at(-1) ?? '',
    attempts,
    with_rejects: attempts.filter(hasRejects).length,
    rejects: shared(
      attempts.map((each) => each.rejects),
      ({ code, column }) => `${code} ${column ?? ''}`,
    ),
    notes: shared(
      attempts.map((each) => each.notes),
      ({ code, message }) => `${code} ${message}`,
    ),
  }
}

/** The same reasons of several loads as one each, the most frequent first. */
function shared<T extends { readonly count: number }>(
  lists: readonly (readonly T[])[],
  keyOf: (each: T) => string,
): readonly Shared<T>[] {
  const found = new Map<string, Shared<T>>()
  for (const each of lists.flat()) {
    const before = found.get(keyOf(each))
    found.set(keyOf(each), {
      ...each,
      count: each.count + (before?.count ?? 0),
      partitions: 1 + (before?.partitions ?? 0),
    })
  }
  return [...found.values()].sort((a, b) => b.count - a.count)
}
