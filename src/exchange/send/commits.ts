import type { AttemptLog, SentObject } from './attempt-log.ts'
import type { SendContext } from './send.ts'
import { type QueuedState, recordsBefore, takeDurable } from './state-queue.ts'
import type { ClosedPart, StreamWriter } from './stream-writer.ts'

/** A part that is whole, and its object once that is in the bucket. */
export interface Pending {
  readonly part: ClosedPart
  readonly stream: number
  object: SentObject | undefined
}

/** What of a sync counts: objects that hold nothing but what states, or ends of streams, cover. */
export class Commits {
  readonly objects: SentObject[] = []
  /** Records of each stream that are covered and in the bucket. */
  readonly durable: number[]
  readonly pending = new Set<Pending>()
  private readonly queue: QueuedState[] = []
  private made = 0
  /** Objects of a commit the ledger has not answered: it may have taken place. */
  private undecided: { readonly n: number; readonly objects: readonly SentObject[] } | undefined
  private readonly context: SendContext
  private readonly log: AttemptLog
  private readonly writers: readonly StreamWriter[]

  constructor(context: SendContext, log: AttemptLog, writers: readonly StreamWriter[]) {
    this.context = context
    this.log = log
    this.writers = writers
    this.durable = writers.map(() => 0)
  }

  /** States that wait for their records. */
  get waiting(): number {
    return this.queue.length
  }

  push(state: QueuedState): void {
    this.queue.push(state)
  }

  /** Commits whatever can be; false where nothing could. Calls may not overlap. */
  async commit(): Promise<boolean> {
    const taken = takeDurable(this.queue, (state) => this.isDurable(state))
    if (taken.length === 0) return false
    const upto = this.writers.map((_, stream) =>
      taken.reduce((most, state) => Math.max(most, recordsBefore(state, stream) ?? 0), 0),
    )
    const parts = [...this.pending].filter(
      ({ part, stream, object }) => object !== undefined && part.upto <= (upto[stream] as number),
    )
    const objects = parts.map(({ object }) => object as SentObject)
    const keys = objects.map(({ key }) => key)
    upto.forEach((records, stream) => {
      this.durable[stream] = Math.max(this.durable[stream] as number, records)
    })
    const n = this.made++
    const decide = () => this.decide(taken, n)
    // From then on they stay, whatever fails.
    const decided = () => {
      for (const pending of parts) this.pending.delete(pending)
      this.objects.push(...objects)
    }
    const { step } = this.context
    if (this.context.lastCommit === undefined) {
      if (keys.length > 0) await this.log.append({ type: 'commit', n, keys })
      decided()
      step('committed')
      await decide()
      step('emitted')
      return true
    }
    if (keys.length > 0) await this.log.append({ type: 'prepare', n, keys })
    step('prepared')
    this.undecided = { n, objects }
    await decide()
    this.undecided = undefined
    decided()
    step('decided')
    if (keys.length > 0) await this.log.append({ type: 'commit', n, keys })
    step('committed')
    return true
  }

  /**
   * Commits objects that hold the same rows as others did before them: a merge. No ledger decides on it, as
   * nothing that a source knows of changes.
   */
  async commitMerged(objects: readonly SentObject[]): Promise<void> {
    const keys = objects.map(({ key }) => key)
    await this.log.append({ type: 'commit', n: this.made++, keys })
    this.objects.push(...objects)
  }

  /** Takes out what is deleted. */
  forget(gone: ReadonlySet<string>): void {
    const left = this.objects.filter(({ key }) => !gone.has(key))
    this.objects.splice(0, this.objects.length, ...left)
  }

  /** Asks the ledger about the commit whose answer did not come. */
  async settleUndecided(): Promise<void> {
    const { undecided } = this
    if (undecided === undefined) return
    const last = (await this.context.lastCommit?.(this.log.attempt_id)) ?? -1
    if (last >= undecided.n) this.objects.push(...undecided.objects)
    this.undecided = undefined
  }

  private decide(taken: readonly QueuedState[], n: number): Promise<void> {
    const states = taken.flatMap(({ raw, stream, records }) =>
      raw === undefined ? [] : [{ raw, records, ...(stream === undefined ? {} : { stream }) }],
    )
    const complete = taken.flatMap(({ raw, stream }) =>
      raw === undefined && stream !== undefined ? [stream] : [],
    )
    const { attempt_id } = this.log
    return this.context.emit(states, { attempt_id, n, records: [...this.durable], complete })
  }

  /** Whether every record before a state is in the bucket, in objects that hold none behind it. */
  private isDurable(state: QueuedState): boolean {
    for (const [stream, writer] of this.writers.entries()) {
      const before = recordsBefore(state, stream)
      if (before !== undefined && writer.closed_upto < before) return false
    }
    for (const { part, stream, object } of this.pending) {
      const before = recordsBefore(state, stream)
      if (before === undefined || part.from >= before) continue
      if (object === undefined || part.upto > before) return false
    }
    return true
  }
}
