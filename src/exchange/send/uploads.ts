import { rm } from 'node:fs/promises'
import { streamMatcher } from '../../core/destination/key-matcher.ts'
import { objectKey } from '../../core/destination/object-key.ts'
import type { DestinationPath } from '../../core/destination/path-format.ts'
import type { Stream } from '../../core/destination/stream.ts'
import type { ObjectStore } from '../../store/store.ts'
import { filePieces } from '../file-pieces.ts'
import type { AttemptLog, SentObject } from './attempt-log.ts'
import { isKeyTaken } from './key-taken.ts'
import { commonPrefix, type PartIds } from './part-ids.ts'
import { ATTEMPT_METADATA } from './recover.ts'
import { beginAhead, type GrowingPart, type SendingAhead } from './send-ahead.ts'

/** Uploads of whole parts at the same time. */
const LIMIT = 4
/** Uploads at the same time of parts that are still written. */
const AHEAD_LIMIT = 2
/** Bytes of a part from which on it is sent while it is written: less is sent at once when it is whole. */
const AHEAD_BYTES = 16 << 20
/** Keys tried before another writer on the same path is given way no longer. */
const TRIES = 100

export interface UploadContext {
  readonly store: ObjectStore
  readonly log: AttemptLog
  readonly path: DestinationPath
  readonly ids: PartIds
  readonly extension: string
  readonly started_at: Date
  readonly sync_id: string
  readonly object_metadata: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly uuid: () => string
  readonly step: (step: 'intended' | 'uploaded') => void
}

export interface PartFile extends PartSubject {
  readonly path: string
  readonly bytes: number
  readonly records: number
}

/** What a key says of a part. */
export interface PartSubject {
  /** Index of the stream, and the stream. */
  readonly stream: number
  readonly of: Stream
  readonly partition: readonly string[]
  /** Prefix of the key where the path format does not say it: rows that are merged later. */
  readonly fixed?: { readonly prefix: string; readonly extension: string }
}

/** Sends parts to the store, some at a time; each one's key is in the log before it is written. */
export interface Uploads {
  /**
   * Begins to send a part while it is written, so that little is left to be sent at its end: no reader sees
   * anything of it before. Undefined where it is too small, others are sent, or the store takes objects whole.
   */
  sendAhead(part: GrowingPart, subject: PartSubject): SendingAhead | undefined
  /** Sends a part that is whole; `ahead`: what `sendAhead` began of it. */
  upload(part: PartFile, ahead?: SendingAhead): Promise<SentObject>
  /** Every object whose writing was begun, and those of them that were written. */
  readonly intended: ReadonlyMap<string, SentObject>
  readonly sent: readonly SentObject[]
}

export function openUploads(context: UploadContext): Uploads {
  const { store, log } = context
  const sent: SentObject[] = []
  const intended = new Map<string, SentObject>()
  const intend = batched((objects: readonly SentObject[]) =>
    log.append({ type: 'intent', objects }),
  )
  let running = 0
  const waiting: (() => void)[] = []
  let clock = 0n

  /** Microseconds that never repeat within a process. */
  const micros = () => {
    const now = BigInt(Date.now()) * 1_000n
    clock = now > clock ? now : clock + 1n
    return clock
  }

  const keyOf = async (part: PartSubject): Promise<string> => {
    if (part.fixed !== undefined) {
      return `${part.fixed.prefix}${log.attempt_id}-${context.uuid().slice(0, 8)}${part.fixed.extension}`
    }
    const { path, started_at, sync_id, extension, uuid } = context
    const at = micros()
    const key = (part_number: number | string) =>
      objectKey(path, {
        stream: part.of,
        started_at,
        uploaded_at_micros: at,
        sync_id,
        part_number,
        uuid,
        extension,
        partition: part.partition,
      })
    const [zero, one] = [key(0), key(1)]
    if (zero === one) return zero
    const matcher = streamMatcher(path, part.of)
    const prefix = commonPrefix(zero, one)
    return key(await context.ids.next(prefix, (found) => matcher.match(found)?.part_number))
  }

  const tell = async (object: SentObject) => {
    await intend(object)
    intended.set(object.key, object)
    context.step('intended')
  }

  const untell = (key: string) => intended.delete(key)

  const write = (key: string, pieces: AsyncIterable<Uint8Array>) =>
    store.write(key, pieces, {
      if_absent: true,
      signal: context.signal,
      metadata: { ...context.object_metadata, [ATTEMPT_METADATA]: log.attempt_id },
    })

  const arrived = async (object: SentObject, { path }: PartFile): Promise<SentObject> => {
    sent.push(object)
    context.step('uploaded')
    await rm(path, { force: true })
    return object
  }

  const uploadWhole = async (part: PartFile): Promise<SentObject> => {
    for (let tried = 1; ; tried++) {
      const { stream, bytes, records } = part
      const object: SentObject = { key: await keyOf(part), stream, bytes, records }
      await tell(object)
      try {
        await write(object.key, filePieces(part.path))
      } catch (error) {
        // Another writer has this key: its object stays, and this part takes another id.
        if (!isKeyTaken(error) || tried === TRIES) throw error
        untell(object.key)
        continue
      }
      return await arrived(object, part)
    }
  }

  const aheads = new Set<SendingAhead>()

  return {
    sent,
    intended,
    sendAhead(part, subject) {
      if (store.features.min_part_bytes === 0) return undefined
      if (part.settled_bytes < AHEAD_BYTES || aheads.size >= AHEAD_LIMIT) return undefined
      const ahead = beginAhead({ part, subject, keyOf, tell, write, untell })
      aheads.add(ahead)
      void ahead.over.then(() => aheads.delete(ahead))
      return ahead
    },
    async upload(part, ahead) {
      const object = await ahead?.end(part)
      if (object !== undefined) return arrived(object, part)
      if (running >= LIMIT) await new Promise<void>((resolve) => waiting.push(resolve))
      else running++
      try {
        return await uploadWhole(part)
      } finally {
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}

/** Calls that come while one runs go together in the next. */
function batched<Item>(run: (items: readonly Item[]) => Promise<void>) {
  let queue: Item[] = []
  let next: Promise<void> | undefined
  let current: Promise<void> = Promise.resolve()
  return (item: Item): Promise<void> => {
    queue.push(item)
    next ??= current.then(async () => {
      const items = queue
      queue = []
      next = undefined
      await run(items)
    })
    current = next.catch(() => {})
    return next
  }
}
