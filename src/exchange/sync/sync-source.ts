import type { Stream } from '../../core/destination/stream.ts'
import type { SyncState } from '../../ledger/ledger.ts'

/** Where the messages of a sync come from. */
export interface SyncSource {
  readonly streams: readonly Stream[]
  /** Streams that go on from their states; all others are read whole each time. */
  readonly resumed: ReadonlySet<number>
  /** Whether what was read can be read again: a pipe cannot. */
  readonly repeatable: boolean
  /** The same source without some of its streams. */
  without(streams: ReadonlySet<number>): SyncSource
  /** Begins to read, from where these states say. */
  open(states: readonly SyncState[], io: SourceIo): Promise<OpenSource>
}

export interface SourceIo {
  readonly signal: AbortSignal
  readonly now: () => Date
  /** What is worth a sentence in the report. */
  readonly note: (note: SyncNote) => void
  /** What the source says of its work. */
  readonly log: (level: string, message: string) => void
}

export interface SyncNote {
  readonly code:
    | 'files_sent_before'
    | 'files_changed'
    | 'no_files'
    | 'stream_sent_before'
    | 'attempt_recovered'
    | 'attempt_committed'
    | 'uploads_left'
    | 'state_forgotten'
    | 'source_ended'
  readonly message: string
  readonly count: number
}

/** A source that runs; disposing of it ends it. */
export interface OpenSource extends AsyncDisposable {
  /** Airbyte messages, one a line. */
  readonly messages: AsyncIterable<Uint8Array>
  /** Takes a message that is neither record, state nor stream status, or a line that is no message. */
  other(line: string, type: string | undefined): void
  /** Once the messages have ended, and whether they told how streams stand: why they ended badly. */
  ended(told: boolean): Promise<string | undefined>
  /** What the ledger keeps of a state message. */
  stateOf(raw: string): SyncState
  /** What it keeps once a stream that is read whole is in the bucket whole. */
  statesOfWhole(stream: number): readonly SyncState[]
}

/** The scope of a stream's or file's state; names can be longer than a ledger's key. */
export function scopeOf(kind: 'stream' | 'file' | 'done', name: string, digest: Digest): string {
  const scope = `${kind}:${name}`
  return scope.length <= LONGEST_SCOPE ? scope : `${kind}:sha256:${digest(name)}`
}
const LONGEST_SCOPE = 600
export type Digest = (text: string) => string

/** A source that has nothing to say. */
export const emptySource: SyncSource = {
  streams: [],
  resumed: new Set(),
  repeatable: true,
  without: () => emptySource,
  open: async () => ({
    messages: (async function* () {})(),
    other: () => {},
    ended: async () => undefined,
    stateOf: () => {
      throw new Error('nothing was read, and a state came')
    },
    statesOfWhole: () => [],
    [Symbol.asyncDispose]: async () => {},
  }),
}
