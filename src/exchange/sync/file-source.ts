import { stat } from 'node:fs/promises'
import type { Stream } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { SyncState } from '../../ledger/ledger.ts'
import { type Digest, emptySource, type SyncSource, scopeOf } from './sync-source.ts'
import { type EndOfValue, wrapLines } from './wrap-lines.ts'

/** A file as it was found. */
export interface FoundFile {
  /** Absolute. */
  readonly path: string
  readonly size: number
  /** Milliseconds since 1970, with what the file system has of a fraction. */
  readonly mtime_ms: number
}

/** Looks at a file. Throws `usage` where there is none. */
export async function findFile(path: string): Promise<FoundFile> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new ExchangeError('usage', `There is no file ${path}.`, { cause })
  })
  if (!facts.isFile()) throw new ExchangeError('usage', `${path} is no file.`)
  return { path, size: facts.size, mtime_ms: facts.mtimeMs }
}

export interface LinesOptions {
  readonly stream: Stream
  readonly endOfValue: EndOfValue
  readonly digest: Digest
}

export interface FilesOptions extends LinesOptions {
  /** The bytes of a file, unpacked. */
  readonly readFile: (path: string) => AsyncIterable<Uint8Array>
}

/** Which of the files have not been sent as they are now. */
export function unsentFiles(
  files: readonly FoundFile[],
  states: readonly SyncState[],
  digest: Digest,
): { readonly unsent: readonly FoundFile[]; readonly changed: number; readonly same: number } {
  const known = new Map(states.map(({ scope, state }) => [scope, state]))
  const unsent = files.filter((file) => known.get(scopeOfFile(file, digest)) !== factsOf(file))
  const changed = unsent.filter((file) => known.has(scopeOfFile(file, digest))).length
  return { unsent, changed, same: files.length - unsent.length }
}

/**
 * Files of JSON lines. Appended ones are remembered one by one, so that each is sent once, and what was cut off
 * goes on with the file it was at.
 */
export function fileSource(files: readonly FoundFile[], options: FilesOptions): SyncSource {
  const { stream, digest } = options
  const remembered = stream.write_mode !== 'overwrite'
  return {
    streams: [stream],
    resumed: remembered ? new Set([0]) : new Set(),
    repeatable: true,
    without: (streams) => (streams.has(0) ? emptySource : fileSource(files, options)),
    async open(states, { now, note }) {
      const { unsent, changed, same } = remembered
        ? unsentFiles(files, states, digest)
        : { unsent: files, changed: 0, same: 0 }
      if (files.length === 0)
        note({ code: 'no_files', count: 0, message: 'No file has a name like these.' })
      if (same > 0) {
        const files_were = same === 1 ? 'file was' : 'files were'
        note({
          code: 'files_sent_before',
          count: same,
          message: `${same} ${files_were} sent before and not again.`,
        })
      }
      if (changed > 0) {
        const [have, were] = changed === 1 ? ['file has', 'was'] : ['files have', 'were']
        note({
          code: 'files_changed',
          count: changed,
          message: `${changed} ${have} changed since an earlier sync and ${were} sent again, whole.`,
        })
      }
      async function* messages() {
        for (const file of unsent) {
          yield* wrapLines(options.readFile(file.path), { ...options, name: file.path, now })
          await refuseChanged(file)
          yield Buffer.from(`${stateMessage(stream, file)}\n`)
        }
      }
      return {
        messages: messages(),
        other: () => {},
        ended: async () => undefined,
        stateOf: (raw) => {
          const file = (JSON.parse(raw) as FileStateMessage).state.stream.stream_state
          return { scope: scopeOfFile(file, digest), state: factsOf(file) }
        },
        statesOfWhole: () =>
          files.map((file) => ({ scope: scopeOfFile(file, digest), state: factsOf(file) })),
        [Symbol.asyncDispose]: async () => {},
      }
    },
  }
}

/** Lines that come once, such as those of a pipe: there is nothing to go on from. */
export function pipeSource(
  input: () => AsyncIterable<Uint8Array>,
  options: LinesOptions & { readonly name: string; readonly repeatable: boolean },
): SyncSource {
  return {
    streams: [options.stream],
    resumed: new Set(),
    repeatable: options.repeatable,
    without: (streams) => (streams.has(0) ? emptySource : pipeSource(input, options)),
    open: async (_, { now }) => ({
      messages: wrapLines(input(), { ...options, now }),
      other: () => {},
      ended: async () => undefined,
      stateOf: () => {
        throw new Error('lines have no states')
      },
      statesOfWhole: () => [],
      [Symbol.asyncDispose]: async () => {},
    }),
  }
}

const scopeOfFile = ({ path }: FoundFile, digest: Digest): string => scopeOf('file', path, digest)
const factsOf = ({ path, size, mtime_ms }: FoundFile): string =>
  JSON.stringify({ path, size, mtime_ms })

interface FileStateMessage {
  readonly state: { readonly stream: { readonly stream_state: FoundFile } }
}

const stateMessage = ({ name, namespace }: Stream, { path, size, mtime_ms }: FoundFile): string =>
  JSON.stringify({
    type: 'STATE',
    state: {
      type: 'STREAM',
      stream: {
        stream_descriptor: { name, ...(namespace === undefined ? {} : { namespace }) },
        stream_state: { path, size, mtime_ms },
      },
    },
  })

/** What was read may be neither the old text nor the new one. */
async function refuseChanged(file: FoundFile): Promise<void> {
  const now = await findFile(file.path)
  if (now.size === file.size && now.mtime_ms === file.mtime_ms) return
  throw new ExchangeError('source_failed', `${file.path} changed while it was read.`, {
    hint: 'Run the sync again once the file is no longer written to.',
  })
}
