import type { Part } from '../../format/encode/encode.ts'
import type { SentObject } from './attempt-log.ts'
import { GrowingFile } from './growing-file.ts'
import { isKeyTaken } from './key-taken.ts'
import type { PartFile, PartSubject } from './uploads.ts'

/** A part that is still written, as far as it can be sent. */
export type GrowingPart = Pick<Part, 'path' | 'settled_bytes' | 'records'>

/** A part that is sent while it is still written. No reader sees anything of it before its end. */
export interface SendingAhead {
  /** So many bytes at the beginning of its file can be sent. */
  grow(bytes: number): void
  /** The part is whole: sends the rest. Undefined where another writer has the key: nothing is sent then. */
  end(part: PartFile): Promise<SentObject | undefined>
  /** Takes back what was sent; resolves when nothing is left of it. */
  abandon(): Promise<void>
  /** Resolves when nothing more is sent, however it ended. */
  readonly over: Promise<void>
}

export interface AheadContext {
  /** What is there of it when sending begins. */
  readonly part: GrowingPart
  readonly subject: PartSubject
  keyOf(subject: PartSubject): Promise<string>
  /** Says in the log that an object is going to be written; said again, that is what it holds. */
  tell(object: SentObject): Promise<void>
  untell(key: string): void
  write(key: string, pieces: AsyncIterable<Uint8Array>): Promise<unknown>
}

export function beginAhead(context: AheadContext): SendingAhead {
  const { part, subject, tell, untell } = context
  const { stream } = subject
  const { settled_bytes, records } = part
  const file = new GrowingFile(part.path)
  const chosen = (async () => {
    const key = await context.keyOf(subject)
    // It will hold more than this.
    await tell({ key, stream, bytes: settled_bytes, records })
    return key
  })()
  const written = chosen.then((key) => context.write(key, file.pieces()))
  const over = written.then(
    () => {},
    () => {},
  )
  return {
    over,
    grow: (bytes) => file.grow(bytes),
    async end({ bytes, records }) {
      const key = await chosen
      const object: SentObject = { key, stream, bytes, records }
      // Before it is an object: the log must not say less of it than there is.
      await tell(object)
      file.end(bytes)
      try {
        await written
        return object
      } catch (error) {
        if (!isKeyTaken(error)) throw error
        untell(key)
        return undefined
      }
    },
    async abandon() {
      file.abandon()
      await over
      untell(await chosen.catch(() => ''))
    },
  }
}
