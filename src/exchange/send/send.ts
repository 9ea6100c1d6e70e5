import { randomUUID } from 'node:crypto'
import type { Destination } from '../../core/destination/destination.ts'
import { streamMatcher } from '../../core/destination/key-matcher.ts'
import type { DestinationPath } from '../../core/destination/path-format.ts'
import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { checkedPath } from '../../core/destination/uniqueness.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { BadValue } from '../../core/records/bad-value.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Encoder, OpenPart } from '../../format/encode/encode.ts'
import type { ObjectStore } from '../../store/store.ts'
import { beginAttempt, type SentObject } from './attempt-log.ts'
import { type ControlKeys, controlKeys } from './control.ts'
import { refuseUnmergeable } from './merge.ts'
import { type Recovered, recoverAttempts } from './recover.ts'
import { RunningSend } from './running-send.ts'
import type { Lines } from './stream-writer.ts'
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
  /** As `lastCommit`, of an attempt that has died: should it live after all, it can commit no more. */
  readonly cutOff?: (attempt_id: string) => Promise<number | undefined>
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
  /** Takes RECORD messages of a stream. */
  records(stream: number, lines: Lines): void
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
      ...(context.cutOff === undefined ? {} : { cutOff: context.cutOff }),
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
