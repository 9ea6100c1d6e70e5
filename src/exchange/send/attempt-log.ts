import { setInterval } from 'node:timers'
import { ExchangeError } from '../../core/errors.ts'
import type { ObjectStore } from '../../store/store.ts'
import { readJson, writeJson } from './json-object.ts'
import { isKeyTaken } from './key-taken.ts'

/** An object that an attempt writes, as its log and the stream's manifest tell of it. */
export interface SentObject {
  readonly key: string
  /** Index into the attempt's streams. */
  readonly stream: number
  readonly bytes: number
  readonly records: number
}

/** A stream as the log names it. */
export interface LoggedStream {
  readonly name: string
  readonly namespace?: string
  readonly generation_id?: number
}

/**
 * What an attempt says before and after each step that a reader of the bucket could see. Whoever finds the
 * log of an attempt that has died can finish it: what was decided is done, the rest is taken back.
 */
export type LogEntry =
  | {
      readonly type: 'begin'
      readonly attempt_id: string
      readonly writer: Writer
      readonly streams: readonly LoggedStream[]
      /** Where it is decided whether a commit took place: in this log, or in a ledger that is asked. */
      readonly decided_by: 'log' | 'ledger'
    }
  /**
   * These keys are going to be written. What is sent while it grows is told twice, first with what there is of it.
   */
  | { readonly type: 'intent'; readonly objects: readonly SentObject[] }
  /** These objects are whole; the ledger decides on commit `n`. */
  | { readonly type: 'prepare'; readonly n: number; readonly keys: readonly string[] }
  | { readonly type: 'commit'; readonly n: number; readonly keys: readonly string[] }
  /** New objects have taken the place of these, which go together with their manifests. */
  | { readonly type: 'supersede'; readonly keys: readonly string[] }
  /** Another process takes the attempt for dead and finishes it. */
  | { readonly type: 'taken_over'; readonly by: Writer; readonly attempt_id: string }

/** Who writes an attempt, so that another process can tell whether it still lives. */
export interface Writer {
  readonly host: string
  /** Changes whenever the machine starts; process ids mean something within one boot only. */
  readonly boot_id: string
  readonly pid: number
  /** When the process started, in the system's own unit: process ids are used again. */
  readonly started: string
}

/** How often a living attempt says so. */
export const ALIVE_EVERY_MS = 20_000
/** An attempt of another host that has not said so for this long is dead. */
export const DEAD_AFTER_MS = 90_000

export const ALIVE = 'alive'

/** What a living attempt says; it is there before the log's first entry. */
export interface Beat {
  readonly attempt_id: string
  readonly writer: Writer
}

/** The log of one attempt, as the attempt itself writes it. */
export interface AttemptLog extends AsyncDisposable {
  readonly attempt_id: string
  /** Resolves once the entry is durable. Throws `attempt_taken_over` where another process ended this attempt. */
  append(entry: LogEntry): Promise<void>
  /** Deletes the log, when nothing is left to finish. */
  remove(): Promise<void>
}

/** Entries are keys of their own in ascending order, so that none is ever written over. */
export const entryKey = (folder: string, n: number): string =>
  `${folder}${String(n).padStart(6, '0')}.json`

export async function beginAttempt(options: {
  readonly store: ObjectStore
  readonly folder: string
  readonly attempt_id: string
  readonly begin: Omit<Extract<LogEntry, { type: 'begin' }>, 'type' | 'attempt_id'>
}): Promise<AttemptLog> {
  const { store, folder, attempt_id } = options
  let entries = 0
  let turn: Promise<unknown> = Promise.resolve()
  const write = async (entry: LogEntry) => {
    // A recovery that took this attempt for dead has put an entry of its own here.
    await writeJson(store, entryKey(folder, entries), entry, { if_absent: true }).catch((cause) => {
      if (!isKeyTaken(cause)) throw cause
      throw new ExchangeError(
        'attempt_taken_over',
        `Another process took this sync (${attempt_id}) for dead and has ended it.`,
        { cause },
      )
    })
    entries++
  }
  const append = (entry: LogEntry): Promise<void> => {
    const next = turn.then(() => write(entry))
    // One failed entry ends the attempt: the caller stops, and nothing is appended after it.
    turn = next
    next.catch(() => {})
    return next
  }
  const beat: Beat = { attempt_id, writer: options.begin.writer }
  const alive = () => writeJson(store, `${folder}${ALIVE}`, beat)
  await alive()
  await append({ type: 'begin', attempt_id, ...options.begin })
  let beating: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    // A missed beat is made up by the next one; that several are missed shows in other calls, too.
    beating = beating.then(alive).catch(() => {})
  }, ALIVE_EVERY_MS)
  timer.unref()
  const stop = async () => {
    clearInterval(timer)
    await beating
  }
  return {
    attempt_id,
    append,
    async remove() {
      await stop()
      await turn.catch(() => {})
      const keys = Array.from({ length: entries }, (_, n) => entryKey(folder, n))
      await removeLog(store, folder, keys)
    },
    async [Symbol.asyncDispose]() {
      await stop()
    },
  }
}

/**
 * Deletes a log whose attempt is finished. Its first entry goes first: what an interruption leaves must not
 * look like an attempt whose commits were never written.
 */
export async function removeLog(
  store: ObjectStore,
  folder: string,
  keys: readonly string[],
): Promise<void> {
  const [first, ...rest] = [...keys].sort()
  if (first !== undefined) await store.delete([first])
  await store.delete([...rest, `${folder}${ALIVE}`])
}

/** The entries under these keys, in their order. */
export async function readEntries(
  store: ObjectStore,
  keys: readonly string[],
): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for (const key of [...keys].sort()) {
    const entry = await readJson<LogEntry>(store, key)
    if (entry !== undefined) entries.push(entry)
  }
  return entries
}
