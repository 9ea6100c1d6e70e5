import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Destination } from '../../core/destination/destination.ts'
import { streamMatcher } from '../../core/destination/key-matcher.ts'
import { extensionOf } from '../../core/destination/output.ts'
import type { DestinationPath } from '../../core/destination/path-format.ts'
import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { checkedPath, confusedStreams } from '../../core/destination/uniqueness.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { BadValue } from '../../core/records/bad-value.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Encoder, Encoding, OpenPart } from '../../format/encode/encode.ts'
import type { ObjectStore } from '../../store/store.ts'
import { type AttemptLog, beginAttempt, type SentObject } from './attempt-log.ts'
import { type ControlKeys, controlKeys } from './control.ts'
import { writeManifest } from './manifest.ts'
import { mergeStream, ROWS_OUTPUT, refuseUnmergeable } from './merge.ts'
import { partIds } from './part-ids.ts'
import { isOurs, type Recovered, recoverAttempts } from './recover.ts'
import { type QueuedState, recordsBefore, takeDurable } from './state-queue.ts'
import { type ClosedPart, StreamWriter } from './stream-writer.ts'
import { supersededBy } from './supersede.ts'
import { openUploads, type Uploads } from './uploads.ts'
import { thisWriter } from './writer.ts'

/** Named instants between two writes; tests kill the process there. */
export const SEND_STEPS = [
  'begun',
  'recovered',
  'intended',
  'uploaded',
  'prepared',
  'decided',
  'committed',
  'emitted',
  'manifest',
  'superseding',
  'superseded',
  'merged',
] as const
export type SendStep = (typeof SEND_STEPS)[number]

export interface SendContext {
  readonly store: ObjectStore
  readonly destination: Destination
  readonly streams: readonly Stream[]
  readonly sync_id?: number
  readonly encoder: Encoder
  readonly openPart: OpenPart
  readonly openDuckdb: () => Promise<Duckdb>
  /** Folder on local disk for parts, this process's own. */
  readonly work_dir: string
  readonly now: () => Date
  readonly signal: AbortSignal
  readonly step: (step: SendStep) => void
  /**
   * Called once what they speak of is durable, in the order the protocol asks for. Where a ledger decides on
   * commits (`lastCommit`), it is the decision.
   */
  readonly emit: (states: readonly DurableState[], commit: Commit) => Promise<void>
  /** Undefined for an attempt that the ledger does not know: another one decides on it. */
  readonly lastCommit?: (attempt_id: string) => Promise<number | undefined>
  readonly observe?: (progress: SendProgress) => void
}

/** A state whose records are in the bucket. */
export interface DurableState {
  /** The message as it came. */
  readonly raw: string
  /** Of the stream it speaks of; undefined where it speaks of all. */
  readonly stream?: number
  /** Records between it and the state before it that speaks of the same. */
  readonly records: number
}

export interface Commit {
  readonly attempt_id: string
  /** Counts the attempt's commits from 0. */
  readonly n: number
  /** Records of each stream that are durable now. */
  readonly records: readonly number[]
  /** Streams of which all records are durable with this commit. */
  readonly complete: readonly number[]
}

export interface SendProgress {
  readonly records: number
  readonly bytes: number
  readonly objects: number
}

/** What became of one stream. */
export interface StreamReport {
  readonly stream: string
  readonly namespace?: string
  readonly complete: boolean
  /** Records that were taken, and those of them that are in the bucket. */
  readonly records_read: number
  readonly records_sent: number
  readonly objects: readonly Pick<SentObject, 'key' | 'bytes' | 'records'>[]
  /** Objects of earlier syncs that went. */
  readonly superseded: number
  readonly bad_values: number
  readonly examples: readonly BadValue[]
}

export interface SendReport {
  readonly attempt_id: string
  readonly streams: readonly StreamReport[]
  /** What attempts that had died left, and this one took back. */
  readonly recovered: readonly Recovered[]
}

/** One sync in the making. */
export interface Send {
  readonly attempt_id: string
  /** Takes one RECORD line of a stream, its line feed included. */
  record(stream: number, source: Uint8Array, from: number, to: number): void
  /** Takes a state: of one stream, or of all. */
  state(raw: string, stream: number | undefined): void
  /** All records of the stream have come: they become durable without a state. */
  complete(stream: number): void
  /** Waits while too much is in memory or on its way. Called after each piece of input. Throws what failed. */
  pressure(): Promise<void>
  /**
   * The input has ended. Streams that are complete are finished, of the others what states cover; the rest is
   * taken back.
   */
  finish(): Promise<SendReport>
  /** Takes back what nothing has committed. */
  abort(): Promise<void>
}

/** Memory for records that wait to be encoded or appended, whatever the number of streams. */
const MEMORY_BYTES = 96 << 20
/** Local disk for parts that are not closed, whatever the number of streams. */
const DISK_BYTES = 5 * 2 ** 30
/** Files that are open at the same time. */
const OPEN_PARTS = 400

/** Begins a sync: finishes what attempts before it left, then takes records. */
export async function openSend(context: SendContext): Promise<Send> {
  const { store, destination, streams } = context
  const path = checkedPath(destination)
  const control = controlKeys(destination.bucket_path)
  const writer = thisWriter()
  const started_at = context.now()
  const attempt_id = `${started_at.toISOString().replace(/[-:]|\.\d+/g, '')}-${randomUUID().slice(0, 8)}`
  const decided_by = context.lastCommit === undefined ? 'log' : 'ledger'
  const log = await beginAttempt({
    store,
    folder: control.attempt(attempt_id),
    attempt_id,
    begin: {
      writer,
      decided_by,
      streams: streams.map(({ name, namespace, generation_id }) => ({
        name,
        ...(namespace === undefined ? {} : { namespace }),
        ...(generation_id === undefined ? {} : { generation_id }),
      })),
    },
  })
  context.step('begun')
  try {
    // The time by the store's own clock: that of the log's first entry.
    const begun = await store.head(`${control.attempt(attempt_id)}000000.json`)
    const recovered = await recoverAttempts({
      store,
      control,
      by: { writer, attempt_id },
      now: begun?.modified_at ?? context.now(),
      ...(context.lastCommit === undefined ? {} : { lastCommit: context.lastCommit }),
    })
    context.step('recovered')
    for (const stream of streams) {
      refuseControl(path, control, stream)
      if (stream.write_mode === 'append_dedup') await refuseUnmergeable(store, control, stream)
    }
    return new RunningSend(context, { path, control, log, started_at, recovered })
  } catch (error) {
    await log.remove().catch(() => {})
    throw error
  }
}

/** A stream called `_bucketline` could stand where the destination keeps its own things. */
function refuseControl(path: DestinationPath, control: ControlKeys, stream: Stream): void {
  if (!streamMatcher(path, stream).prefix.startsWith(control.prefix)) return
  throw new ExchangeError(
    'config_invalid',
    `${streamLabel(stream)} would be written to ${control.prefix}, where the destination keeps its manifests.`,
    { hint: 'Put a prefix before the stream’s name, or choose another path format.' },
  )
}

interface Pending {
  readonly part: ClosedPart
  readonly stream: number
  object: SentObject | undefined
}

class RunningSend implements Send {
  readonly attempt_id: string
  private readonly writers: StreamWriter[]
  private readonly encodings: Encoding[]
  private readonly uploads: Uploads
  private readonly queue: QueuedState[] = []
  private readonly pending = new Set<Pending>()
  private readonly uploading = new Set<Promise<void>>()
  private readonly committed: SentObject[] = []
  /** Streams that are complete, each with how many records it had when it was. */
  private readonly completed = new Map<number, number>()
  /** Those of them whose objects have taken the place of older ones. */
  private readonly finished = new Set<number>()
  /** Keys that were deleted, as others took their place. */
  private readonly gone = new Set<string>()
  /** Keys that the log says are deleted, before they are. */
  private going: readonly string[] = []
  private readonly superseded: number[]
  private readonly durable: number[]
  /** Records before the last state of each scope. */
  private readonly counted = new Map<number | undefined, number>()
  private commits = 0
  /** Objects of a commit the ledger has not answered: it may have taken place. */
  private undecided: { readonly n: number; readonly objects: readonly SentObject[] } | undefined
  private committing: Promise<void> = Promise.resolve()
  private memory = 0
  private bytes = 0
  private last_commit: number
  private failure: { readonly error: unknown } | undefined
  private woken: (() => void) | undefined
  private confused: ReadonlySet<Stream> | undefined
  private readonly context: SendContext
  private readonly begun: Begun

  constructor(context: SendContext, begun: Begun) {
    this.context = context
    this.begun = begun
    this.attempt_id = begun.log.attempt_id
    this.last_commit = Date.now()
    const { streams, destination } = context
    this.superseded = streams.map(() => 0)
    this.durable = streams.map(() => 0)
    const sync_id = context.sync_id === undefined ? '' : String(context.sync_id)
    this.uploads = openUploads({
      store: context.store,
      log: begun.log,
      path: begun.path,
      ids: partIds(context.store, randomUUID),
      extension: extensionOf(destination.output),
      started_at: begun.started_at,
      sync_id,
      object_metadata: destination.object_metadata ?? {},
      signal: context.signal,
      uuid: randomUUID,
      step: context.step,
    })
    this.encodings = streams.map((stream, index) => this.encodingOf(stream, index))
    this.writers = this.encodings.map(
      (encoding, stream) =>
        new StreamWriter(encoding, {
          encoder: context.encoder,
          openPart: context.openPart,
          rollover: destination,
          block_bytes: blockBytes(streams.length),
          partPath: (n) => join(context.work_dir, `${stream}-${n}`),
          memory: (change) => {
            this.memory += change
            if (change < 0) this.wake()
          },
          closed: (part) => this.closed(stream, part),
        }),
    )
  }

  record(stream: number, source: Uint8Array, from: number, to: number): void {
    this.bytes += to - from
    ;(this.writers[stream] as StreamWriter).take(source, from, to)
  }

  state(raw: string, stream: number | undefined): void {
    const scope = stream === undefined ? this.writers : [this.writers[stream] as StreamWriter]
    for (const writer of scope) writer.cut()
    const before = Float64Array.from(scope, ({ taken }) => taken)
    const all = before.reduce((sum, taken) => sum + taken, 0)
    const records = all - (this.counted.get(stream) ?? 0)
    this.counted.set(stream, all)
    this.queue.push(
      stream === undefined ? { raw, records, before } : { raw, records, stream, before: all },
    )
    if (this.isDue()) this.close(scope)
    // Without new records it can go at once; otherwise it goes when the part is sent that they are in.
    else if (scope.every((writer) => writer.closed_upto === writer.taken)) void this.commitSoon()
  }

  complete(stream: number): void {
    const writer = this.writers[stream] as StreamWriter
    // Records that come behind the end all the same are not lost: it ends once more.
    if (this.completed.get(stream) === writer.taken) return
    this.completed.set(stream, writer.taken)
    writer.cut()
    this.queue.push({ stream, records: 0, before: writer.taken })
    this.close([writer])
  }

  async pressure(): Promise<void> {
    this.throwFailure()
    this.context.signal.throwIfAborted()
    if (this.memory > MEMORY_BYTES) {
      const [largest] = this.writers.toSorted((a, b) => b.waiting_bytes - a.waiting_bytes)
      // What is not with the encoder yet will not come back by waiting.
      if ((largest?.waiting_bytes ?? 0) > MEMORY_BYTES / 64)
        for (const each of this.writers) each.send()
      while (this.memory > MEMORY_BYTES && this.writers.some((each) => each.sending)) {
        await new Promise<void>((resolve) => {
          this.woken = resolve
        })
        this.throwFailure()
      }
    }
    const open = this.writers.filter((each) => each.open_parts > 0)
    const parts = open.reduce((sum, each) => sum + each.open_parts, 0)
    const disk = open.reduce((sum, each) => sum + each.open_bytes, 0)
    if (parts > OPEN_PARTS || disk > DISK_BYTES) {
      const largest = open
        .toSorted((a, b) => b.open_bytes - a.open_bytes)
        .slice(0, Math.ceil(open.length / 4))
      await Promise.all(largest.map((each) => each.closeAll()))
    }
    // Parts that are closed wait on local disk until they are sent.
    while (this.uploading.size > WAITING_UPLOADS) {
      await Promise.race(this.uploading)
      this.throwFailure()
    }
    this.report()
  }

  async finish(): Promise<SendReport> {
    const { streams } = this.context
    for (const [index, writer] of this.writers.entries()) {
      if (this.completed.has(index)) {
        this.complete(index)
        continue
      }
      writer.sendCovered()
      void writer.closeCovered().catch(() => {})
    }
    await Promise.all(this.writers.map((writer) => writer.settled()))
    while (this.uploading.size > 0) await Promise.all(this.uploading)
    this.throwFailure()
    await this.commitSoon()
    this.throwFailure()
    // Before anything old goes, the new objects are whole and committed.
    for (const [index, stream] of streams.entries()) {
      if (!this.completed.has(index)) continue
      await this.finishStream(index, stream)
      this.finished.add(index)
    }
    await this.takeBack()
    await this.writeManifests()
    this.context.step('manifest')
    await this.begun.log.remove()
    this.report()
    return {
      attempt_id: this.attempt_id,
      recovered: this.begun.recovered,
      streams: streams.map((stream, index) => this.reportOf(stream, index)),
    }
  }

  async abort(): Promise<void> {
    this.failure ??= { error: new Error('the sync was aborted') }
    this.wake()
    await Promise.allSettled(this.uploading)
    await this.committing.catch(() => {})
    await Promise.allSettled(this.writers.map((writer) => writer.discard()))
    try {
      await this.settleUndecided()
      await this.deleteGoing()
      await this.takeBack()
      await this.writeManifests()
      await this.begun.log.remove()
    } finally {
      // Where the store fails now, the log stays and the next sync finishes this.
      await this.begun.log[Symbol.asyncDispose]()
    }
  }

  /** Asks the ledger about the commit whose answer did not come. */
  private async settleUndecided(): Promise<void> {
    const { undecided } = this
    if (undecided === undefined) return
    const last = (await this.context.lastCommit?.(this.attempt_id)) ?? -1
    if (last >= undecided.n) this.committed.push(...undecided.objects)
    this.undecided = undefined
  }

  private encodingOf(stream: Stream, index: number): Encoding {
    const { destination, sync_id } = this.context
    const merged = stream.write_mode === 'append_dedup'
    return {
      id: `${this.attempt_id}-${index}`,
      stream,
      output: merged ? ROWS_OUTPUT : destination.output,
      output_schema: merged ? 'v2' : destination.output_schema,
      on_bad_value: destination.on_bad_value,
      keep_additional_properties: destination.keep_additional_properties,
      sync_id: sync_id ?? 0,
      generation_id: stream.generation_id ?? 0,
      partition_by: merged ? [] : this.begun.path.partition_by,
    }
  }

  /** Whether a state that comes now should be made durable at once. */
  private isDue(): boolean {
    const { max_part_age_ms } = this.context.destination
    return Date.now() - this.last_commit >= max_part_age_ms || this.queue.length >= MOST_STATES
  }

  private close(writers: readonly StreamWriter[]): void {
    this.last_commit = Date.now()
    for (const writer of writers) {
      writer.send()
      // A failure is kept by the writer, and comes out of `settled`.
      void writer.closeAll().then(
        () => this.commitSoon(),
        (error) => this.fail(error),
      )
    }
  }

  private closed(stream: number, part: ClosedPart): void {
    const pending: Pending = { part, stream, object: undefined }
    this.pending.add(pending)
    const of = this.context.streams[stream] as Stream
    const { path, bytes, records, partition } = part
    const merged = of.write_mode === 'append_dedup'
    const fixed = {
      prefix: this.begun.control.rows(of),
      extension: extensionOf(ROWS_OUTPUT),
    }
    const work = this.uploads
      .upload({ path, bytes, records, partition, stream, of, ...(merged ? { fixed } : {}) })
      .then(
        (object) => {
          pending.object = object
          void this.commitSoon()
        },
        (error: unknown) => this.fail(error),
      )
      .finally(() => {
        this.uploading.delete(work)
        this.wake()
      })
    this.uploading.add(work)
  }

  /** Commits whatever can be; calls follow each other. */
  private commitSoon(): Promise<void> {
    this.committing = this.committing.then(async () => {
      try {
        if (this.failure === undefined) await this.commit()
      } catch (error) {
        this.fail(error)
      }
    })
    return this.committing
  }

  private async commit(): Promise<void> {
    const taken = takeDurable(this.queue, (state) => this.isDurable(state))
    if (taken.length === 0) return
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
    const n = this.commits++
    const states = taken.flatMap(({ raw, stream, records }) =>
      raw === undefined ? [] : [{ raw, records, ...(stream === undefined ? {} : { stream }) }],
    )
    const complete = taken.flatMap(({ raw, stream }) =>
      raw === undefined && stream !== undefined ? [stream] : [],
    )
    const decide = () =>
      this.context.emit(states, {
        attempt_id: this.attempt_id,
        n,
        records: [...this.durable],
        complete,
      })
    // From then on they stay, whatever fails.
    const decided = () => {
      for (const pending of parts) this.pending.delete(pending)
      this.committed.push(...objects)
    }
    if (this.context.lastCommit === undefined) {
      if (keys.length > 0) await this.begun.log.append({ type: 'commit', n, keys })
      decided()
      this.context.step('committed')
      await decide()
      this.context.step('emitted')
    } else {
      if (keys.length > 0) await this.begun.log.append({ type: 'prepare', n, keys })
      this.context.step('prepared')
      this.undecided = { n, objects }
      await decide()
      this.undecided = undefined
      decided()
      this.context.step('decided')
      if (keys.length > 0) await this.begun.log.append({ type: 'commit', n, keys })
      this.context.step('committed')
    }
    this.last_commit = Date.now()
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

  private async finishStream(index: number, stream: Stream): Promise<void> {
    const { store } = this.context
    const { control, path, log } = this.begun
    const own = () => this.committed.filter((object) => object.stream === index)
    if (stream.write_mode === 'append_dedup') {
      const merged = await mergeStream({
        ...this.context,
        control,
        stream,
        index,
        attempt_id: this.attempt_id,
        own: own(),
        encoding: {
          ...(this.encodings[index] as Encoding),
          id: `${this.attempt_id}-${index}-merged`,
          output: this.context.destination.output,
          output_schema: this.context.destination.output_schema,
          partition_by: path.partition_by,
        },
        rows_encoding: this.encodings[index] as Encoding,
        uploads: this.uploads,
      })
      if (merged === undefined) return
      this.context.step('merged')
      const keys = merged.objects.map(({ key }) => key)
      // A ledger does not decide on a merge: the same rows are there before and after it.
      await log.append({ type: 'commit', n: this.commits++, keys })
      this.committed.push(...merged.objects)
      await this.replace(index, merged.superseded)
      return
    }
    const old = await supersededBy({
      store,
      control,
      path,
      stream,
      isConfused: (each) => this.confusedStreams().has(each),
      attempt_id: this.attempt_id,
      intended: this.uploads.intended,
    })
    const mine = new Set(own().map(({ key }) => key))
    await this.replace(
      index,
      old.filter((key) => !mine.has(key)),
    )
  }

  /** Streams that others of the sync could be taken for. */
  private confusedStreams(): ReadonlySet<Stream> {
    this.confused ??= new Set(
      confusedStreams(this.begun.path, this.context.streams).map(([, taken_for]) => taken_for),
    )
    return this.confused
  }

  private async replace(index: number, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const { step } = this.context
    await this.begun.log.append({ type: 'supersede', keys })
    this.going = keys
    step('superseding')
    await this.deleteGoing()
    step('superseded')
    const { prefix } = this.begun.control
    this.superseded[index] = keys.filter((key) => !key.startsWith(prefix)).length
  }

  /** Once the log says that keys go, there is no way back: some may be deleted already. */
  private async deleteGoing(): Promise<void> {
    await this.context.store.delete(this.going)
    for (const key of this.going) this.gone.add(key)
    this.going = []
    const left = this.committed.filter(({ key }) => !this.gone.has(key))
    this.committed.splice(0, this.committed.length, ...left)
  }

  /** Deletes what was written, or may have been, and nothing committed. */
  private async takeBack(): Promise<void> {
    const { store } = this.context
    const sent = new Set(this.uploads.sent.map(({ key }) => key))
    const keep = new Set(this.committed.map(({ key }) => key))
    const lost: string[] = []
    for (const object of this.uploads.intended.values()) {
      if (keep.has(object.key) || this.gone.has(object.key)) continue
      // A write that failed may have arrived all the same.
      if (sent.has(object.key) || (await isOurs(store, object, this.attempt_id)))
        lost.push(object.key)
    }
    await store.delete(lost)
  }

  private async writeManifests(): Promise<void> {
    const { store, streams } = this.context
    await Promise.all(
      streams.map(({ name, namespace, generation_id }, index) =>
        writeManifest(
          store,
          this.begun.control.stream({ name, ...(namespace === undefined ? {} : { namespace }) }),
          {
            attempt_id: this.attempt_id,
            stream: { name, ...(namespace === undefined ? {} : { namespace }) },
            ...(generation_id === undefined ? {} : { generation_id }),
            complete: this.finished.has(index),
            objects: this.committed
              .filter(({ stream }) => stream === index)
              .map(({ key, bytes, records }) => ({ key, bytes, records })),
          },
        ),
      ),
    )
  }

  private reportOf(stream: Stream, index: number): StreamReport {
    const writer = this.writers[index] as StreamWriter
    const { prefix } = this.begun.control
    return {
      stream: stream.name,
      ...(stream.namespace === undefined ? {} : { namespace: stream.namespace }),
      complete: this.completed.has(index),
      records_read: writer.taken,
      records_sent: this.durable[index] as number,
      objects: this.committed
        .filter((object) => object.stream === index && !object.key.startsWith(prefix))
        .map(({ key, bytes, records }) => ({ key, bytes, records })),
      superseded: this.superseded[index] as number,
      bad_values: writer.bad_values,
      examples: writer.examples,
    }
  }

  private report(): void {
    this.context.observe?.({
      records: this.writers.reduce((sum, { taken }) => sum + taken, 0),
      bytes: this.bytes,
      objects: this.uploads.sent.length,
    })
  }

  private fail(error: unknown): void {
    this.failure ??= { error }
    this.wake()
  }

  private throwFailure(): void {
    for (const writer of this.writers) writer.throwFailure()
    if (this.failure !== undefined) throw this.failure.error
  }

  private wake(): void {
    this.woken?.()
    this.woken = undefined
  }
}

/** Greater blocks compress and parse no faster, and half the memory is for those on their way. */
const MOST_BLOCK_BYTES = 2 << 20
const LEAST_BLOCK_BYTES = 64 << 10
const blockBytes = (streams: number): number =>
  Math.max(LEAST_BLOCK_BYTES, Math.min(MOST_BLOCK_BYTES, Math.floor(MEMORY_BYTES / 2 / streams)))

/** States that wait, each as it came; a source may send one with every record. */
const MOST_STATES = 20_000

/** Parts that wait to be sent before no more input is taken. */
const WAITING_UPLOADS = 16

interface Begun {
  readonly path: DestinationPath
  readonly control: ControlKeys
  readonly log: AttemptLog
  readonly started_at: Date
  readonly recovered: readonly Recovered[]
}
