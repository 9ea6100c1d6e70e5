import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { RouteLines } from '../../format/encode/encode.ts'
import type { Ledger, SyncCounts, SyncRecord, SyncState } from '../../ledger/ledger.ts'
import { toExchangeError } from '../failure.ts'
import { receiveMessages } from '../send/messages.ts'
import { recoveredText } from '../send/recover.ts'
import {
  openSend,
  type Send,
  type SendContext,
  type SendProgress,
  type SendReport,
  type StreamReport,
} from '../send/send.ts'
import { leftText } from '../unfinished-uploads.ts'
import {
  type Digest,
  type OpenSource,
  type SyncNote,
  type SyncSource,
  scopeOf,
} from './sync-source.ts'

export interface SyncTools
  extends Omit<SendContext, 'streams' | 'emit' | 'lastCommit' | 'cutOff' | 'observe' | 'sync_id'> {
  readonly sync: string
  /** Name of the destination. */
  readonly destination_name: string
  readonly source: SyncSource
  readonly ledger: Ledger
  /** Names the process, for people: `host:pid`. */
  readonly holder: string
  readonly routeLines: RouteLines
  readonly digest: Digest
  readonly observe: (event: SyncEvent) => void
}

export type SyncEvent =
  | { readonly type: 'started'; readonly sync: string; readonly streams: number }
  | ({ readonly type: 'advanced'; readonly sync: string } & SendProgress)
  /** A line of the source. */
  | {
      readonly type: 'said'
      readonly sync: string
      readonly level: string
      readonly message: string
    }

export interface SyncStreamReport extends StreamReport {
  readonly mode: Stream['write_mode']
  readonly bytes: number
}

export interface SyncReport {
  readonly sync: string
  readonly destination: string
  /** Absent where it failed before an attempt was begun. */
  readonly attempt_id?: string
  readonly state: 'succeeded' | 'failed'
  readonly code?: string
  readonly message?: string
  readonly hint?: string
  readonly started_at: Date
  readonly seconds: number
  readonly streams: readonly SyncStreamReport[]
  readonly notes: readonly SyncNote[]
}

/**
 * Runs one sync: what is new at the source goes to the destination, and its states into the ledger with every
 * commit. Throws nothing that a user can cause but an abort: what went wrong is in the report.
 */
export async function runSync(tools: SyncTools): Promise<SyncReport> {
  const { sync, ledger, now } = tools
  const began = performance.now()
  const started_at = now()
  const notes: SyncNote[] = []
  const running = new RunningSync(tools, notes)
  let failure: ExchangeError | undefined
  let report: SendReport | undefined
  try {
    report = await running.run()
    if (running.incomplete !== undefined)
      failure = new ExchangeError(
        running.failed_source ? 'source_failed' : 'streams_incomplete',
        running.incomplete,
      )
  } catch (cause) {
    failure = toExchangeError(cause)
  }
  const streams =
    report === undefined ? [] : report.streams.map((each) => streamReport(each, running))
  const { attempt_id } = running
  if (attempt_id !== undefined) {
    const end = ledger.endSync({
      sync,
      attempt_id,
      state: failure === undefined ? 'succeeded' : 'failed',
      ...(failure === undefined ? {} : { code: failure.code, message: failure.message }),
      ...(report === undefined
        ? { counts: running.countsSoFar() }
        : {
            counts: countsOf(streams),
            streams_complete: streams.filter(({ complete }) => complete).length,
          }),
      forget: running.served(failure === undefined),
      now: now(),
    })
    try {
      await end
    } catch (cause) {
      // What failed before says more than that its end could not be kept.
      failure ??= toExchangeError(cause)
    }
  }
  tools.signal.throwIfAborted()
  return {
    sync,
    destination: tools.destination_name,
    ...(attempt_id === undefined ? {} : { attempt_id }),
    state: failure === undefined ? 'succeeded' : 'failed',
    ...(failure === undefined
      ? {}
      : { code: failure.code, message: failure.message, hint: failure.hint }),
    started_at,
    seconds: (performance.now() - began) / 1000,
    streams,
    notes,
  }
}

class RunningSync {
  attempt_id: string | undefined
  incomplete: string | undefined
  /** The source itself ended badly, and not just some of its streams. */
  failed_source = false
  source: SyncSource
  private open: OpenSource | undefined
  /** Scopes of streams that an attempt before had sent whole. */
  private skipped: readonly string[] = []
  private made: readonly string[] = []
  private records = 0
  private readonly tools: SyncTools
  private readonly notes: SyncNote[]

  constructor(tools: SyncTools, notes: SyncNote[]) {
    this.tools = tools
    this.notes = notes
    this.source = tools.source
  }

  async run(): Promise<SendReport> {
    const { tools } = this
    const { sync, ledger, signal, observe } = tools
    this.leaveOut(await ledger.syncStates(sync))
    const { streams } = this.source
    const send = await openSend({
      ...tools,
      streams,
      lastCommit: (attempt_id) => ledger.lastSyncCommit(attempt_id),
      cutOff: (attempt_id) => ledger.cutOffSync(attempt_id, tools.now()),
      emit: (states, { attempt_id, n, records, complete }) => {
        this.records = records.reduce((sum, each) => sum + each, 0)
        const kept = [
          ...states.map(({ raw }) => this.opened.stateOf(raw)),
          ...complete.flatMap((stream) => this.statesOfWhole(stream)),
        ]
        return ledger.commitSync({
          sync,
          attempt_id,
          n,
          records: this.records,
          states: kept,
          now: tools.now(),
        })
      },
      observe: (progress) => observe({ type: 'advanced', sync, ...progress }),
    })
    try {
      const { states, last } = await ledger.beginSync({
        sync,
        attempt_id: send.attempt_id,
        destination: tools.destination_name,
        holder: tools.holder,
        streams: streams.length,
        now: tools.now(),
      })
      this.attempt_id = send.attempt_id
      this.refuseOtherProcess(states)
      this.tellOf(last)
      observe({ type: 'started', sync, streams: streams.length })
      await using open = await this.source.open(states, {
        signal,
        now: tools.now,
        note: (note) => this.notes.push(note),
        log: (level, message) => observe({ type: 'said', sync, level, message }),
      })
      this.open = open
      const received = await this.receive(send, open)
      signal.throwIfAborted()
      this.incomplete = received.incomplete
      const report = await send.finish()
      this.tellRecovered(report)
      return report
    } catch (error) {
      // Where taking back fails, too, the log stays, and the next sync does it.
      await send.abort().catch(() => {})
      throw error
    }
  }

  /** Scopes that have served their purpose. A stream is left out once, not as long as others fail. */
  served(succeeded: boolean): readonly string[] {
    return succeeded ? [...this.skipped, ...this.made] : this.skipped
  }

  countsSoFar = (): SyncCounts => ({ records: this.records, objects: 0, bytes: 0, bad_values: 0 })

  private get opened(): OpenSource {
    if (this.open === undefined) throw new Error('a state came before the source was open')
    return this.open
  }

  private receive(send: Send, open: OpenSource) {
    const { streams, resumed } = this.source
    return receiveMessages(open.messages, {
      send,
      streams,
      routeLines: this.tools.routeLines,
      stateless: new Set([...streams.keys()].filter((index) => !resumed.has(index))),
      other: (line, type) => open.other(line, type),
      ended: async (told) => {
        const reason = await open.ended(told)
        this.failed_source = reason !== undefined
        return reason
      },
    })
  }

  /**
   * An attempt that was cut off may have sent some streams whole that have no state to go on from: to send
   * them again would make each of their records stand there twice.
   */
  private leaveOut(states: readonly SyncState[]): void {
    const { streams } = this.source
    const left_out = this.sentWhole(states)
    if (left_out.size === 0) return
    this.skipped = [...left_out].map((index) => this.doneScope(index) as string)
    for (const index of left_out) {
      const label = streamLabel(streams[index] as Stream)
      this.notes.push({
        code: 'stream_sent_before',
        count: 1,
        message: `${label} was sent whole by the attempt before, which did not come to its end, and not again.`,
      })
    }
    this.source = this.source.without(left_out)
  }

  /**
   * Between the look at which streams to leave out and this attempt's place in the ledger another process can have
   * sent one, or have come to the end of the attempt that had sent those left out: then they are due again.
   */
  private refuseOtherProcess(states: readonly SyncState[]): void {
    const scopes = new Set(states.map(({ scope }) => scope))
    const ended = this.skipped.some((scope) => !scopes.has(scope))
    if (!ended && this.sentWhole(states).size === 0) return
    // Whoever did nothing has left nothing out.
    this.skipped = []
    throw new ExchangeError(
      'lease_lost',
      ended
        ? `Another process came to the end of the sync ${this.tools.sync} when this one began.`
        : `Another process was at the sync ${this.tools.sync} when this one began, and is cut off now.`,
      { hint: 'Run it again. What was committed stays; run one process of a sync at a time.' },
    )
  }

  /** Streams that a state says were sent whole by an attempt that did not come to its end. */
  private sentWhole(states: readonly SyncState[]): ReadonlySet<number> {
    const scopes = new Set(states.map(({ scope }) => scope))
    const { streams } = this.source
    return new Set([...streams.keys()].filter((index) => scopes.has(this.doneScope(index) ?? '')))
  }

  /** Undefined for a stream that is not appended whole each time. */
  private doneScope(index: number): string | undefined {
    const { streams, resumed, repeatable } = this.source
    const stream = streams[index] as Stream
    if (!repeatable || resumed.has(index) || stream.write_mode !== 'append') return undefined
    return scopeOf(
      'done',
      JSON.stringify([stream.namespace ?? null, stream.name]),
      this.tools.digest,
    )
  }

  private statesOfWhole(index: number): readonly SyncState[] {
    const done = this.doneScope(index)
    if (done !== undefined) this.made = [...this.made, done]
    const whole = this.source.resumed.has(index) ? [] : this.opened.statesOfWhole(index)
    return done === undefined ? whole : [...whole, { scope: done, state: 'true' }]
  }

  private tellOf(last: SyncRecord | undefined): void {
    if (last?.code !== 'interrupted' || last.records === 0) return
    const records = last.records === 1 ? '1 record' : `${last.records} records`
    this.notes.push({
      code: 'attempt_committed',
      count: last.records,
      message: `Attempt ${last.attempt_id} had been cut off; the ${records} it had committed stay.`,
    })
  }

  private tellRecovered({ recovered }: SendReport): void {
    for (const each of recovered) {
      const { removed, uploads } = each
      this.notes.push({
        code: 'attempt_recovered',
        count: removed.length,
        message: recoveredText(each),
      })
      if (uploads.refused === undefined) continue
      this.notes.push({ code: 'uploads_left', count: 1, message: leftText(uploads.refused) })
    }
  }
}

function streamReport(report: StreamReport, { source }: RunningSync): SyncStreamReport {
  const stream = source.streams.find(
    ({ name, namespace }) => name === report.stream && namespace === report.namespace,
  )
  return {
    ...report,
    mode: stream?.write_mode ?? 'append',
    bytes: report.objects.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

function countsOf(streams: readonly SyncStreamReport[]): SyncCounts {
  const sum = (of: (stream: SyncStreamReport) => number) =>
    streams.reduce((all, stream) => all + of(stream), 0)
  return {
    records: sum(({ records_sent }) => records_sent),
    objects: sum(({ objects }) => objects.length),
    bytes: sum(({ bytes }) => bytes),
    bad_values: sum(({ bad_values }) => bad_values),
  }
}
