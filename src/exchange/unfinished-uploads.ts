import { ExchangeError } from '../core/errors.ts'
import type { IoOptions, ObjectStore, UnfinishedUpload } from '../store/store.ts'

/** Unfinished uploads under some keys. */
export interface FoundUploads {
  readonly uploads: readonly UnfinishedUpload[]
  /** Why they could not be looked for. */
  readonly refused?: string
}

/** What became of the unfinished uploads of a process that was killed. */
export interface AbortedUploads {
  readonly aborted: number
  /** Why some may be left, in sentences that name the missing permission. */
  readonly refused?: string
}

/**
 * Looks for unfinished uploads of objects that were to be written, each with its size in bytes. That the
 * store refuses it is told and not thrown: what is left costs money, and no reader sees it.
 */
export async function findUploads(
  store: ObjectStore,
  objects: Iterable<{ readonly key: string; readonly bytes: number }>,
  io: IoOptions = {},
): Promise<FoundUploads> {
  const { keeps_uploads, min_part_bytes } = store.features
  if (!keeps_uploads) return { uploads: [] }
  // What is no larger goes in one request, and leaves nothing behind.
  const large = [...objects].filter(({ bytes }) => bytes > min_part_bytes)
  try {
    const keys = large.map(({ key }) => key)
    return { uploads: await store.unfinishedUploads(keys, io) }
  } catch (error) {
    return { uploads: [], refused: refusalOf(error) }
  }
}

/** Aborts uploads that were found, as far as the store lets it. */
export async function abortUploads(
  store: ObjectStore,
  { uploads, refused }: FoundUploads,
  io: IoOptions = {},
): Promise<AbortedUploads> {
  let aborted = 0
  try {
    for (const upload of uploads) {
      await store.abortUpload(upload, io)
      aborted += 1
    }
  } catch (error) {
    return { aborted, refused: refusalOf(error) }
  }
  return { aborted, ...(refused === undefined ? {} : { refused }) }
}

/** Whatever else fails is no refusal, and is thrown. */
function refusalOf(error: unknown): string {
  const refused =
    error instanceof ExchangeError &&
    (error.code === 'access_denied' || error.code === 'store_refused')
  if (!refused) throw error
  return `${error.message} ${error.hint}`
}

export const uploadsText = (count: number): string =>
  count === 1 ? '1 unfinished upload' : `${count} unfinished uploads`

/** What to do where unfinished uploads may be left. */
export const leftText = (refused: string): string =>
  `Unfinished uploads of a process that was killed may be left, which cost money: ${refused} A lifecycle rule that aborts incomplete multipart uploads removes them, too.`
