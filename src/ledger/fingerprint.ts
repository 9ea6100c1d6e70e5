import { createHash } from 'node:crypto'
import type { ObjectVersion, PartitionObservation } from './ledger.ts'

/** One hash for a set of objects, whatever order it comes in: equal sets, equal hashes. */
export function dataHash(objects: readonly Pick<ObjectVersion, 'key' | 'version'>[]): string {
  return hashed(objects.map(({ key, version }) => JSON.stringify([key, version])))
}

/** One hash for everything a listing said about a partition's objects. */
export function listingHash(seen: PartitionObservation): string {
  return hashed(
    seen.objects.map((object) =>
      JSON.stringify([object.key, object.version, object.size, object.role]),
    ),
  )
}

function hashed(lines: string[]): string {
  const hash = createHash('sha256')
  for (const line of lines.sort()) hash.update(line).update('\n')
  return hash.digest('hex')
}
