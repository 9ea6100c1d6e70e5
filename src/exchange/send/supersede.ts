import { streamMatcher } from '../../core/destination/key-matcher.ts'
import type { DestinationPath } from '../../core/destination/path-format.ts'
import type { Stream } from '../../core/destination/stream.ts'
import type { ObjectStore } from '../../store/store.ts'
import { isKeyPrefix } from '../../store/store.ts'
import { readEntries } from './attempt-log.ts'
import type { ControlKeys } from './control.ts'
import { readManifests, type StreamManifest } from './manifest.ts'

/**
 * What a stream that is complete takes the place of: keys of objects, and of the manifests that name them.
 * Manifests say which objects are the stream's. Where no sync of the stream has ended well yet, what matches
 * its path format and nothing names is taken for what another connector wrote before, unless keys of another
 * stream of this sync look the same: whose it is cannot be told then, so it stays.
 */
export async function supersededBy(options: {
  readonly store: ObjectStore
  readonly control: ControlKeys
  readonly path: DestinationPath
  readonly stream: Stream
  /** Whether another stream of the sync has keys that look like this one's. */
  readonly isConfused: (stream: Stream) => boolean
  readonly attempt_id: string
  /** Keys this attempt has written, or is going to. */
  readonly intended: { has(key: string): boolean }
}): Promise<string[]> {
  const { store, control, path, stream, attempt_id, intended } = options
  const minimum = minimumGeneration(stream)
  if (minimum === 0) return []
  const manifests = await readManifests(store, control.stream(stream))
  const older = manifests.filter(
    (each) => each.attempt_id !== attempt_id && generationOf(each) < minimum,
  )
  const superseded = new Set(
    older.flatMap(({ objects, manifest }) => [...objects.map(({ key }) => key), manifest]),
  )
  if (manifests.some(({ complete }) => complete) || options.isConfused(stream)) {
    return [...superseded]
  }
  const matcher = streamMatcher(path, stream)
  const found: string[] = []
  for await (const entry of store.list(matcher.prefix)) {
    if (isKeyPrefix(entry) || entry.key.startsWith(control.prefix)) continue
    if (superseded.has(entry.key) || intended.has(entry.key)) continue
    if (matcher.match(entry.key) !== undefined) found.push(entry.key)
  }
  if (found.length === 0) return [...superseded]
  const named = await namedKeys(store, control)
  return [...superseded, ...found.filter((key) => !named.has(key))]
}

/** Keys that manifests name, of whatever stream, and those that attempts under way are going to write. */
async function namedKeys(store: ObjectStore, control: ControlKeys): Promise<Set<string>> {
  const named = new Set<string>()
  for (const { objects } of await readManifests(store, control.streams)) {
    for (const { key } of objects) named.add(key)
  }
  const entries: string[] = []
  for await (const entry of store.list(control.attempts)) {
    if (!isKeyPrefix(entry) && entry.key.endsWith('.json')) entries.push(entry.key)
  }
  for (const entry of await readEntries(store, entries)) {
    if (entry.type === 'intent') for (const { key } of entry.objects) named.add(key)
  }
  return named
}

const generationOf = ({ generation_id }: StreamManifest): number => generation_id ?? 0

/**
 * Objects of generations below it go. A platform that counts no generations means by an overwrite that
 * everything older goes.
 */
function minimumGeneration({ write_mode, generation_id, minimum_generation_id }: Stream): number {
  if (generation_id !== undefined) return minimum_generation_id ?? 0
  return write_mode === 'overwrite' ? Infinity : 0
}
