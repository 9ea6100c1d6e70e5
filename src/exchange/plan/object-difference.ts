import { keyBase } from '../../core/layout/key-role.ts'
import type { ObjectVersion } from '../../ledger/ledger.ts'

/** What tells one set of objects from an earlier one; `changed` and `added` are of the later set. */
export interface ObjectDifference {
  readonly changed: readonly ObjectVersion[]
  readonly added: readonly ObjectVersion[]
  readonly removed: readonly ObjectVersion[]
}

/** Compares two sets of objects by key and version. */
export function differenceOf(
  before: readonly ObjectVersion[],
  after: readonly ObjectVersion[],
): ObjectDifference {
  const versions = new Map(before.map(({ key, version }) => [key, version]))
  const keys = new Set(after.map(({ key }) => key))
  return {
    changed: after.filter((o) => versions.has(o.key) && versions.get(o.key) !== o.version),
    added: after.filter(({ key }) => !versions.has(key)),
    removed: before.filter(({ key }) => !keys.has(key)),
  }
}

const named = 3

/** The difference in a line: how many objects, and the first few by their names under the prefix. */
export function describeDifference(difference: ObjectDifference, prefix: string): string {
  const base = keyBase(prefix)
  const parts = Object.entries({
    changed: difference.changed,
    added: difference.added,
    removed: difference.removed,
  }).flatMap(([verb, objects]) => {
    if (objects.length === 0) return []
    const keys = objects.slice(0, named).map(({ key }) => key.slice(base.length))
    const more = objects.length > named ? ` and ${objects.length - named} more` : ''
    const noun = objects.length === 1 ? 'object' : 'objects'
    return [`${objects.length} ${noun} ${verb}: ${keys.join(', ')}${more}`]
  })
  return parts.join('; ')
}
