/**
 * A store is one bucket (or folder) that holds objects under keys. This file is the whole port;
 * `s3.ts`, `gcs.ts`, `local.ts` and `memory.ts` implement it and pass `test/conformance/store.ts`.
 */

/** What only some stores can do. Callers ask these, never the store's type. */
export interface StoreFeatures {
  /** `if_absent` writes are refused by the store itself, not by a look beforehand. */
  readonly conditional_write: boolean
  /** `if_match` reads are checked by the store itself. */
  readonly conditional_read: boolean
  /** An object appears whole or not at all. False for a folder, where a file can be seen growing. */
  readonly atomic_objects: boolean
  /** Old versions of an object can be read. */
  readonly versions: boolean
  /** An aborted write leaves nothing behind, and what it left can be asked for. */
  readonly abort: boolean
  /**
   * What a multipart write had sent when its process died is kept, and costs money, until somebody aborts it.
   * False where nothing stays, or where it goes by itself.
   */
  readonly keeps_uploads: boolean
  /** Smallest part of a multipart write, in bytes; 0 where parts do not exist. */
  readonly min_part_bytes: number
  /** `content_type` and `metadata` given to `write` come back from `head`. */
  readonly metadata: boolean
  /**
   * `free`: any text is a key. `paths`: keys are paths below a folder, so an empty segment, `.`, `..`,
   * a trailing `/`, a segment over 255 bytes, and `a` beside `a/b` are refused with `key_invalid`.
   */
  readonly keys: 'free' | 'paths'
}

/** One key at one version. */
export interface ObjectInfo {
  readonly key: string
  /** Bytes. */
  readonly size: number
  /** ETag or generation: changes whenever the content under the key is written again. */
  readonly version: string
  /** When the store says this version was written; from `write`, this machine's time just after it. */
  readonly modified_at: Date
  readonly content_type?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** A common prefix of keys, given by a listing with a delimiter; ends with that delimiter. */
export interface KeyPrefix {
  readonly prefix: string
}

export type ListEntry = ObjectInfo | KeyPrefix

/** Tells the two kinds of list entry apart. */
export function isKeyPrefix(entry: ListEntry): entry is KeyPrefix {
  return 'prefix' in entry
}

export interface IoOptions {
  readonly signal?: AbortSignal
}
export interface ReadOptions extends IoOptions {
  /**
   * Bytes `start` to `end`, both inclusive; `end` left out reads to the end. A range that reaches past
   * the end is cut there; one that starts past it reads nothing.
   */
  readonly range?: { readonly start: number; readonly end?: number }
  /** Refuses with `object_changed` unless the object still has this version. */
  readonly if_match?: string
}
export interface WriteOptions extends IoOptions {
  /** Refuses with `object_exists` if the key holds an object already. */
  readonly if_absent?: boolean
  readonly content_type?: string
  /** Names are lower-case letters, digits, `-` and `_`; values any text. */
  readonly metadata?: Readonly<Record<string, string>>
  /** Size of the parts of a multipart write, in bytes. */
  readonly part_bytes?: number
}
export interface ListOptions extends IoOptions {
  /** Only keys greater than this one; a group is given if one of its keys is greater. */
  readonly start_after?: string
  /**
   * Groups keys that share a prefix up to this string into one `KeyPrefix`. With `/` a folder store does
   * not look into the folders it groups, so an empty folder somebody made is given as well.
   */
  readonly delimiter?: string
}

/** A multipart write that is under way or was cut off; no reader sees anything of it. */
export interface UnfinishedUpload {
  readonly key: string
  /** The store's own name of it. */
  readonly id: string
}

/** What is written. A piece need not stay as it is once the next one is asked for. */
export type Body = Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>

export interface ObjectStore extends AsyncDisposable {
  readonly features: StoreFeatures
  /** How a person would name a place in it: `s3://bucket/`, `gs://bucket/`, `/path/`. */
  readonly url: string
  /** The object's facts, or undefined where there is none: absent is a value, not an error. */
  head(key: string, io?: IoOptions): Promise<ObjectInfo | undefined>
  /**
   * Throws `object_not_found` or `object_changed`. The stream ends whole or errors: a connection that
   * breaks off is taken up again at the byte reached, on the same version.
   */
  read(key: string, io?: ReadOptions): Promise<ReadableStream<Uint8Array>>
  /** Writes one object whole; multipart when large. A failed or aborted write leaves nothing behind. */
  write(key: string, body: Body, io?: WriteOptions): Promise<ObjectInfo>
  /** Every key under the prefix, complete, in order of the keys' UTF-8 bytes. */
  list(prefix: string, io?: ListOptions): AsyncIterable<ListEntry>
  /** Absent keys are no error. */
  delete(keys: readonly string[], io?: IoOptions): Promise<void>
  /**
   * Unfinished uploads under these very keys, whoever began them; none where `features.keeps_uploads` is
   * false. May need a permission that nothing else needs.
   */
  unfinishedUploads(keys: readonly string[], io?: IoOptions): Promise<readonly UnfinishedUpload[]>
  /** Removes what was sent of an upload, which cannot be completed from then on. One that has ended is no error. */
  abortUpload(upload: UnfinishedUpload, io?: IoOptions): Promise<void>
}

/** What a store has that keeps no unfinished uploads. */
export const NO_UPLOADS: Pick<ObjectStore, 'unfinishedUploads' | 'abortUpload'> = {
  unfinishedUploads: async () => [],
  abortUpload: async () => {},
}
