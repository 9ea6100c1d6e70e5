import type { ManifestEntry } from './manifest.ts'
import type { CompletionSettings } from './settings.ts'

/** An object of a partition as a listing shows it. */
export interface PartitionObject {
  /** Key in the bucket. */
  readonly key: string
  readonly version: string
  readonly size: number
  readonly modified_at: Date
  readonly role: 'data' | 'marker' | 'manifest'
}

/** Why a partition is not complete, for people. */
export const WAITING = {
  no_objects: 'There is no data object yet.',
  no_marker: 'The marker that closes the partition is not there.',
  stale_marker: 'An object is newer than the marker, so the delivery may still be going on.',
  marker_not_empty: 'The marker is not empty; set `allow_content` if it may hold something.',
  quiet_period: 'Something in the partition changed too short a while ago.',
  no_manifest: 'The manifest that names the parts is not there.',
  manifest_invalid: 'The manifest cannot be read.',
  manifest_part_missing: 'An object that the manifest names is not there.',
  manifest_part_changed:
    'An object is not the one that the manifest names: size or version differ.',
} as const satisfies Record<string, string>
export type WaitingFor = keyof typeof WAITING

/** Names of objects in a manifest that was read, or why it could not be. */
export type ManifestContent =
  | { readonly entries: readonly ManifestEntry[] }
  | { readonly invalid: string }

export interface Completeness<T extends PartitionObject = PartitionObject> {
  readonly complete: boolean
  readonly waiting_for?: WaitingFor
  /** Which objects, in particular. */
  readonly detail?: string
  /** When the partner's delivery was complete. */
  readonly completed_at?: Date
  /** The data objects that belong to the partition. */
  readonly data: readonly T[]
  /** Data objects that lie in the partition and that its manifest does not name. */
  readonly not_in_manifest: readonly T[]
}

/**
 * Whether a partition is complete. `objects` is everything its listing shows; with several
 * directories (`region=…/`) each that holds data needs a marker or manifest of its own, or one
 * above it inside the partition. An object as old as the marker is not newer than it: stores keep
 * whole seconds.
 */
export function judgeCompletion<T extends PartitionObject>(
  completion: CompletionSettings,
  objects: readonly T[],
  context: { readonly now: Date; readonly manifests?: ReadonlyMap<string, ManifestContent> },
): Completeness<T> {
  const data = objects.filter(({ role }) => role === 'data')
  if (completion.type === 'manifest') {
    return judgeManifests(objects, data, context.manifests ?? new Map())
  }
  const result = { data, not_in_manifest: [] }
  const newest = latest(data)
  if (newest === undefined) return { ...result, complete: false, waiting_for: 'no_objects' }
  switch (completion.type) {
    case 'immediate':
      return { ...result, complete: true, completed_at: newest }
    case 'quiet_period': {
      const quiet = context.now.getTime() - newest.getTime() >= completion.quiet
      if (quiet) return { ...result, complete: true, completed_at: newest }
      return { ...result, complete: false, waiting_for: 'quiet_period' }
    }
    case 'marker': {
      const markers = objects.filter(({ role }) => role === 'marker')
      return { ...result, ...judgeMarkers(data, markers, completion.allow_content) }
    }
  }
}

const latest = (objects: readonly PartitionObject[]): Date | undefined =>
  objects.reduce<Date | undefined>(
    (found, { modified_at }) => (found === undefined || modified_at > found ? modified_at : found),
    undefined,
  )

const directoryOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1)

type Judgement = Omit<Completeness, 'data' | 'not_in_manifest'>

function judgeMarkers(
  data: readonly PartitionObject[],
  markers: readonly PartitionObject[],
  allow_content: boolean,
): Judgement {
  const used = new Set<PartitionObject>()
  let waiting: Judgement | undefined
  for (const object of data) {
    const above = markers.filter(({ key }) => object.key.startsWith(directoryOf(key)))
    const empty = above.filter(({ size }) => allow_content || size === 0)
    const closing = empty.find(({ modified_at }) => modified_at >= object.modified_at)
    if (closing !== undefined) {
      used.add(closing)
      continue
    }
    const waiting_for: WaitingFor =
      above.length === 0 ? 'no_marker' : empty.length === 0 ? 'marker_not_empty' : 'stale_marker'
    waiting = { complete: false, waiting_for, detail: object.key }
    // A missing marker says more than one that is too old elsewhere.
    if (waiting_for === 'no_marker') break
  }
  if (waiting !== undefined) return waiting
  const completed_at = latest([...used])
  return { complete: true, ...(completed_at === undefined ? {} : { completed_at }) }
}

/** Not every store's version is an ETag; one that is none cannot contradict the manifest. */
function sameVersion(etag: string | undefined, version: string): boolean {
  const etag_pattern = /^"?([0-9a-f]{32}(-\d+)?)"?$/i
  const wanted = etag_pattern.exec(etag ?? '')?.[1]
  const found = etag_pattern.exec(version)?.[1]
  return wanted === undefined || found === undefined || wanted === found
}

function judgeManifests<T extends PartitionObject>(
  objects: readonly T[],
  data: readonly T[],
  contents: ReadonlyMap<string, ManifestContent>,
): Completeness<T> {
  const manifests = objects.filter(({ role }) => role === 'manifest')
  const wait = (waiting_for: WaitingFor, detail?: string): Completeness<T> => ({
    complete: false,
    waiting_for,
    ...(detail === undefined ? {} : { detail }),
    data,
    not_in_manifest: [],
  })
  if (manifests.length === 0) return wait(data.length === 0 ? 'no_objects' : 'no_manifest')
  const outside = data.find(
    ({ key }) => !manifests.some((manifest) => key.startsWith(directoryOf(manifest.key))),
  )
  if (outside !== undefined) return wait('no_manifest', outside.key)

  const present = new Map(data.map((object) => [object.key, object]))
  const named = new Map<string, T>()
  for (const { key } of manifests) {
    const content = contents.get(key)
    if (content === undefined) throw new Error(`the manifest ${key} was not read`)
    if ('invalid' in content) return wait('manifest_invalid', `${key}: ${content.invalid}`)
    for (const entry of content.entries) {
      const object = present.get(entry.key)
      if (object === undefined) return wait('manifest_part_missing', entry.key)
      const same_size = entry.size === undefined || entry.size === object.size
      const same_version = sameVersion(entry.etag, object.version)
      if (!same_size || !same_version) return wait('manifest_part_changed', entry.key)
      named.set(entry.key, object)
    }
  }
  const listed = [...named.values()]
  const not_in_manifest = data.filter(({ key }) => !named.has(key))
  if (listed.length === 0) return { ...wait('no_objects'), data: listed, not_in_manifest }
  const completed_at = latest([...listed, ...manifests])
  return {
    complete: true,
    ...(completed_at === undefined ? {} : { completed_at }),
    data: listed,
    not_in_manifest,
  }
}
