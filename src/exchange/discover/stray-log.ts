import type { KeyReader } from '../../core/layout/key-role.ts'
import type { StrayReason } from '../../core/layout/layout.ts'
import type { Stray } from '../../ledger/ledger.ts'

/** Another feed's data under the same prefix must not fill the ledger: so many are named of one directory. */
const STRAYS_PER_DIRECTORY = 1000

export interface StrayLog {
  /** Takes a key relative to the prefix; false once its directory has had its share. */
  add(key: string, reason: StrayReason): boolean
  readonly strays: readonly Stray[]
}

/** Collects strays, with one more for each directory that holds more than are named. */
export function strayLog(
  feed: string,
  place: { readonly base: string; readonly reader: KeyReader; readonly now: Date },
): StrayLog {
  const { base, reader, now } = place
  const strays: Stray[] = []
  const counts = new Map<string, number>()

  // The outermost directory that does not fit; the object's own where all of them do.
  const directoryOf = (key: string): string => {
    let slash = key.indexOf('/')
    while (slash >= 0 && slash < key.length - 1) {
      const directory = key.slice(0, slash + 1)
      if (reader.directory(directory, now).role === 'stray') return directory
      const next = key.indexOf('/', slash + 1)
      if (next < 0) return directory
      slash = next
    }
    return ''
  }

  return {
    add(key, reason) {
      const directory = directoryOf(key)
      const count = (counts.get(directory) ?? 0) + 1
      counts.set(directory, count)
      if (count <= STRAYS_PER_DIRECTORY) {
        strays.push({ feed, object: base + key, code: reason.code, reason: reason.message })
        return true
      }
      if (count === STRAYS_PER_DIRECTORY + 1) {
        const more = `it holds more than the ${STRAYS_PER_DIRECTORY} objects that are named here`
        strays.push({ feed, object: base + directory, code: reason.code, reason: more })
      }
      return false
    },
    strays,
  }
}
