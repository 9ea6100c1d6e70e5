import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { extensionOf } from '../../core/destination/output.ts'
import type { DestinationPath } from '../../core/destination/path-format.ts'
import type { Stream } from '../../core/destination/stream.ts'
import type { Encoding } from '../../format/encode/encode.ts'
import type { AttemptLog } from './attempt-log.ts'
import { Commits, type Pending } from './commits.ts'
import type { ControlKeys } from './control.ts'
import { Ending } from './ending.ts'
import { ROWS_OUTPUT } from './merge.ts'
import { partIds } from './part-ids.ts'
import type { Recovered } from './recover.ts'
import type { Send, SendContext, SendReport, StreamReport } from './send.ts'
import { type ClosedPart, type Lines, StreamWriter } from './stream-writer.ts'
import { openUploads, type PartSubject, type Uploads } from './uploads.ts'

/** Memory for records that wait to be encoded or appended, whatever the number of streams. */
const MEMORY_BYTES = 96 << 20
/** Local disk for parts that are not closed, whatever the number of streams. */
const DISK_BYTES = 5 * 2 ** 30
/** Files that are open at the same time. */
const OPEN_PARTS = 400

/** Greater blocks compress and parse no faster, and half the memory is for those on their way. */
const MOST_BLOCK_BYTES = 2 << 20
const LEAST_BLOCK_BYTES = 64 << 10
const blockBytes = (streams: number): number =>
  Math.max(LEAST_BLOCK_BYTES, Math.min(MOST_BLOCK_BYTES, Math.floor(MEMORY_BYTES / 2 / streams)))

/** States that wait, each as it came; a source may send one with every record. */
const MOST_STATES = 20_000

/** Parts that wait to be sent before no more input is taken. */
const WAITING_UPLOADS = 16

/** What a sync has when it takes its first record. */
export interface Begun {
  readonly path: DestinationPath
  readonly control: ControlKeys
  readonly log: AttemptLog
  readonly started_at: Date
  readonly recovered: readonly Recovered[]
}

/** A sync whose log is begun. */
export class RunningSend implements Send {
  readonly attempt_id: string
  private readonly writers: StreamWriter[]
  private readonly encodings: Encoding[]
  private readonly uploads: Uploads
  private readonly uploading = new Set<Promise<void>>()
  /** Streams that are complete, each with how many records it had when it was. */
  private readonly completed = new Map<number, number>()
  private readonly commits: Commits
  private readonly ending: Ending
  /** Records before the last state of each scope. */
  private readonly counted = new Map<number | undefined, number>()
  private committing: Promise<void> = Promise.resolve()
  private memory = 0
  private bytes = 0
  private last_commit: number
  private failure: { readonly error: unknown } | undefined
  private woken: (() => void) | undefined
  private readonly context: SendContext
  private readonly begun: Begun

  constructor(context: SendContext, begun: Begun) {
    this.context = context
    this.begun = begun
    this.attempt_id = begun.log.attempt_id
    this.last_commit = Date.now()
    const { streams, destination } = context
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
          sendAhead: (part, partition) =>
            this.uploads.sendAhead(part, { ...this.subjectOf(stream), partition }),
          closed: (part) => this.closed(stream, part),
        }),
    )
    this.commits = new Commits(context, begun.log, this.writers)
    this.ending = new Ending({
      ...context,
      ...begun,
      commits: this.commits,
      uploads: this.uploads,
      encodings: this.encodings,
    })
  }

  records(stream: number, lines: Lines): void {
    this.bytes += lines.to - lines.from
    ;(this.writers[stream] as StreamWriter).take(lines)
  }

  state(raw: string, stream: number | undefined): void {
    const scope = stream === undefined ? this.writers : [this.writers[stream] as StreamWriter]
    for (const writer of scope) writer.cut()
    const before = Float64Array.from(scope, ({ taken }) => taken)
    const all = before.reduce((sum, taken) => sum + taken, 0)
    const records = all - (this.counted.get(stream) ?? 0)
    this.counted.set(stream, all)
    this.commits.push(
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
    this.commits.push({ stream, records: 0, before: writer.taken })
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
      await this.ending.finishStream(index, stream)
    }
    await this.ending.takeBack()
    await this.ending.writeManifests()
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
      await this.commits.settleUndecided()
      await this.ending.deleteGoing()
      await this.ending.takeBack()
      await this.ending.writeManifests()
      await this.begun.log.remove()
    } finally {
      // Where the store fails now, the log stays and the next sync finishes this.
      await this.begun.log[Symbol.asyncDispose]()
    }
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
    return Date.now() - this.last_commit >= max_part_age_ms || this.commits.waiting >= MOST_STATES
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
    this.commits.pending.add(pending)
    const { path, bytes, records, partition, ahead } = part
    const work = this.uploads
      .upload({ path, bytes, records, partition, ...this.subjectOf(stream) }, ahead)
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

  private subjectOf(stream: number): Omit<PartSubject, 'partition'> {
    const of = this.context.streams[stream] as Stream
    if (of.write_mode !== 'append_dedup') return { stream, of }
    const prefix = this.begun.control.rows(of)
    return { stream, of, fixed: { prefix, extension: extensionOf(ROWS_OUTPUT) } }
  }

  /** Commits whatever can be; calls follow each other. */
  private commitSoon(): Promise<void> {
    this.committing = this.committing.then(async () => {
      try {
        if (this.failure !== undefined) return
        if (await this.commits.commit()) this.last_commit = Date.now()
      } catch (error) {
        this.fail(error)
      }
    })
    return this.committing
  }

  private reportOf(stream: Stream, index: number): StreamReport {
    const writer = this.writers[index] as StreamWriter
    const { prefix } = this.begun.control
    return {
      stream: stream.name,
      ...(stream.namespace === undefined ? {} : { namespace: stream.namespace }),
      complete: this.completed.has(index),
      records_read: writer.taken,
      records_sent: this.commits.durable[index] as number,
      objects: this.commits.objects
        .filter((object) => object.stream === index && !object.key.startsWith(prefix))
        .map(({ key, bytes, records }) => ({ key, bytes, records })),
      superseded: this.ending.superseded[index] as number,
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
