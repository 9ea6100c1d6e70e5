import { isKeyPrefix, type ListEntry, type ObjectStore } from '../src/store/store.ts'

export interface StoreCounts {
  heads: number
  reads: number
  writes: number
  deletes: number
  lists: number
  /** Objects that listings gave. */
  keys: number
  /** Groups of keys that listings with a delimiter gave. */
  prefixes: number
}

/** A store that counts what is asked of another one, so that a test can say what something costs. */
export function countingStore(store: ObjectStore): ObjectStore & { readonly counts: StoreCounts } {
  const counts = { heads: 0, reads: 0, writes: 0, deletes: 0, lists: 0, keys: 0, prefixes: 0 }
  async function* counted(entries: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
    for await (const entry of entries) {
      if (isKeyPrefix(entry)) counts.prefixes += 1
      else counts.keys += 1
      yield entry
    }
  }
  return {
    counts,
    features: store.features,
    url: store.url,
    head(...call) {
      counts.heads += 1
      return store.head(...call)
    },
    read(...call) {
      counts.reads += 1
      return store.read(...call)
    },
    write(...call) {
      counts.writes += 1
      return store.write(...call)
    },
    list(...call) {
      counts.lists += 1
      return counted(store.list(...call))
    },
    delete(...call) {
      counts.deletes += 1
      return store.delete(...call)
    },
    unfinishedUploads: (...call) => store.unfinishedUploads(...call),
    abortUpload: (...call) => store.abortUpload(...call),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}
