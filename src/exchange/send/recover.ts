import type { ObjectStore } from '../../store/store.ts'
import { isKeyPrefix } from '../../store/store.ts'
import {
  type AbortedUploads,
  abortUploads,
  findUploads,
  uploadsText,
} from '../unfinished-uploads.ts'
import {
  ALIVE,
  type Beat,
  entryKey,
  type LogEntry,
  readEntries,
  removeLog,
  type SentObject,
  type Writer,
} from './attempt-log.ts'
import type { ControlKeys } from './control.ts'
import { readJson, writeJson } from './json-object.ts'
import { isKeyTaken } from './key-taken.ts'
import { writeManifest } from './manifest.ts'
import { isAlive } from './writer.ts'

/** Names the attempt that wrote an object, in the object's metadata. */
export const ATTEMPT_METADATA = 'bucketline-attempt'

export interface Recovered {
  readonly attempt_id: string
  /** Keys of objects that nothing had committed, now gone. */
  readonly removed: readonly string[]
  /** What it was in the middle of sending. */
  readonly uploads: AbortedUploads
}

/** What was taken back, for people. */
export function recoveredText({ attempt_id, removed, uploads }: Recovered): string {
  const objects = removed.length === 1 ? '1 object' : `${removed.length} objects`
  const aborted = uploads.aborted === 0 ? '' : ` and ${uploadsText(uploads.aborted)}`
  return `Attempt ${attempt_id} had died: ${objects} that nothing had committed${aborted} were removed.`
}

/**
 * Finishes the attempts whose writers have died: commits that were decided get their manifests, what was
 * superseded is deleted, and what nothing committed is taken back.
 */
export async function recoverAttempts(options: {
  readonly store: ObjectStore
  readonly control: ControlKeys
  /** Who recovers, and the attempt it belongs to. */
  readonly by: { readonly writer: Writer; readonly attempt_id: string }
  /** For attempts decided by a ledger: the last commit it knows of; -1 for none. */
  readonly lastCommit?: (attempt_id: string) => Promise<number | undefined>
  /** As `lastCommit`, and it commits no more. */
  readonly cutOff?: (attempt_id: string) => Promise<number | undefined>
  readonly now: Date
}): Promise<Recovered[]> {
  const { store, control } = options
  const logs = new Map<string, string[]>()
  for await (const entry of store.list(control.attempts)) {
    if (isKeyPrefix(entry)) continue
    const [attempt_id = '', name = ''] = entry.key.slice(control.attempts.length).split('/')
    if (attempt_id === options.by.attempt_id) continue
    const keys = logs.get(attempt_id) ?? []
    if (name !== ALIVE) keys.push(entry.key)
    logs.set(attempt_id, keys)
  }
  const recovered: Recovered[] = []
  for (const [attempt_id, keys] of logs) {
    const one = await recover({ ...options, attempt_id, keys })
    if (one !== undefined) recovered.push(one)
  }
  return recovered
}

type RecoverOptions = Parameters<typeof recoverAttempts>[0] & {
  readonly attempt_id: string
  readonly keys: readonly string[]
}

async function recover(options: RecoverOptions): Promise<Recovered | undefined> {
  const { store, control, by, attempt_id } = options
  const folder = control.attempt(attempt_id)
  if ((await deadLog(options, options.keys)) === undefined) return undefined
  // It has ended since it was seen, perhaps well: what it wrote until then is its last word.
  const keys = await logKeys(store, folder)
  const dead = await deadLog(options, keys)
  if (dead === undefined) return undefined
  const { begin, entries } = dead
  if ((await commitsOf(entries, attempt_id, options.lastCommit)) === undefined) return undefined
  const claim: LogEntry = { type: 'taken_over', by: by.writer, attempt_id: by.attempt_id }
  const claim_key = entryKey(folder, keys.length)
  try {
    await writeJson(store, claim_key, claim, { if_absent: true })
  } catch (error) {
    // Another process is at it, or it lives after all.
    if (isKeyTaken(error)) return undefined
    throw error
  }
  // The log is ours: it can prepare no further commit. Nor can it, by now, make one that it had prepared.
  const decided = await commitsOf(entries, attempt_id, options.cutOff ?? options.lastCommit)
  if (decided === undefined) return undefined
  const superseded = new Set(
    entries.flatMap((entry) => (entry.type === 'supersede' ? entry.keys : [])),
  )
  const committed = new Set(decided)
  const intended = new Map<string, SentObject>()
  for (const entry of entries) {
    if (entry.type !== 'intent') continue
    for (const object of entry.objects) intended.set(object.key, object)
  }
  await Promise.all(
    // Written before anything is deleted: a recovery that dies here is done again.
    begin.streams.map((stream, index) =>
      writeManifest(store, control.stream(stream), {
        attempt_id,
        stream: {
          name: stream.name,
          ...(stream.namespace === undefined ? {} : { namespace: stream.namespace }),
        },
        ...(stream.generation_id === undefined ? {} : { generation_id: stream.generation_id }),
        complete: false,
        objects: [...intended.values()]
          .filter(
            ({ stream, key }) => stream === index && committed.has(key) && !superseded.has(key),
          )
          .map(({ key, bytes, records }) => ({ key, bytes, records })),
      }),
    ),
  )
  await store.delete([...superseded])
  const open = [...intended.values()].filter(
    ({ key }) => !committed.has(key) && !superseded.has(key),
  )
  // Before it is looked which objects there are: what is aborted cannot become one any more.
  const uploads = await abortAbandoned(store, control, { attempt_id, open })
  const removed: string[] = []
  for (const object of open) if (await isOurs(store, object, attempt_id)) removed.push(object.key)
  await store.delete(removed)
  await removeLog(store, folder, [...keys, claim_key])
  return { attempt_id, removed, uploads }
}

/** What the log says of an attempt whose writer has died before its end; of one that had come to its end the rest goes. */
async function deadLog(
  { store, control, attempt_id, now }: RecoverOptions,
  keys: readonly string[],
): Promise<
  | { readonly begin: Extract<LogEntry, { type: 'begin' }>; readonly entries: readonly LogEntry[] }
  | undefined
> {
  const folder = control.attempt(attempt_id)
  const entries = await readEntries(store, keys)
  const [begin] = entries
  if (begin?.type !== 'begin') {
    // Finished, and interrupted while its log was deleted; or begun a moment ago.
    const beat = await readJson<Beat>(store, `${folder}${ALIVE}`)
    const lives = beat !== undefined && (await isAlive({ ...beat, folder }, { store, now }))
    if (lives && keys.length === 0) return undefined
    await removeLog(store, folder, keys)
    return undefined
  }
  const taken = entries.findLast((entry) => entry.type === 'taken_over')
  const owner =
    taken === undefined
      ? { writer: begin.writer, folder }
      : { writer: taken.by, folder: control.attempt(taken.attempt_id) }
  return (await isAlive(owner, { store, now })) ? undefined : { begin, entries }
}

async function logKeys(store: ObjectStore, folder: string): Promise<string[]> {
  const keys: string[] = []
  for await (const entry of store.list(folder))
    if (!isKeyPrefix(entry) && entry.key !== `${folder}${ALIVE}`) keys.push(entry.key)
  return keys
}

/**
 * Aborts what an attempt that has died was in the middle of sending. Nothing says whose an upload is but its
 * key, and where names have no time in them two attempts can take the same one before either object is
 * there: so what another attempt's log speaks of stays. Logs are read after the uploads are listed, as a
 * key is in its log before its upload begins.
 */
async function abortAbandoned(
  store: ObjectStore,
  control: ControlKeys,
  dead: { readonly attempt_id: string; readonly open: readonly SentObject[] },
): Promise<AbortedUploads> {
  const found = await findUploads(store, dead.open)
  if (found.uploads.length === 0) return abortUploads(store, found)
  const folder = control.attempt(dead.attempt_id)
  const logs: string[] = []
  for await (const entry of store.list(control.attempts)) {
    if (isKeyPrefix(entry) || entry.key.startsWith(folder) || entry.key.endsWith(ALIVE)) continue
    logs.push(entry.key)
  }
  const entries = await readEntries(store, logs)
  const elsewhere = new Set(
    entries.flatMap((entry) =>
      entry.type === 'intent' ? entry.objects.map(({ key }) => key) : [],
    ),
  )
  return abortUploads(store, {
    ...found,
    uploads: found.uploads.filter(({ key }) => !elsewhere.has(key)),
  })
}

/**
 * Keys that were committed. Undefined where a ledger decides that is not asked here, or does not know the
 * attempt: who has that ledger finishes it.
 */
async function commitsOf(
  entries: readonly LogEntry[],
  attempt_id: string,
  lastCommit: ((attempt_id: string) => Promise<number | undefined>) | undefined,
): Promise<string[] | undefined> {
  const told = new Set(entries.flatMap((entry) => (entry.type === 'commit' ? [entry.n] : [])))
  const untold = entries.some((entry) => entry.type === 'prepare' && !told.has(entry.n))
  const last = untold ? await lastCommit?.(attempt_id) : -1
  if (last === undefined) return undefined
  return entries.flatMap((entry) => {
    if (entry.type === 'commit') return entry.keys
    return entry.type === 'prepare' && entry.n <= last ? entry.keys : []
  })
}

/**
 * An attempt can die just after it lost a key to another writer, whose object must stay. A store that keeps
 * metadata names the attempt in it; in a folder the size decides.
 */
export async function isOurs(
  store: ObjectStore,
  object: SentObject,
  attempt_id: string,
): Promise<boolean> {
  const info = await store.head(object.key)
  if (info === undefined) return false
  return store.features.metadata
    ? info.metadata?.[ATTEMPT_METADATA] === attempt_id
    : info.size === object.bytes
}
