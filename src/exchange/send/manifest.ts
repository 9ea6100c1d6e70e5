import type { ObjectStore } from '../../store/store.ts'
import { isKeyPrefix } from '../../store/store.ts'
import type { SentObject } from './attempt-log.ts'
import { readJson, writeJson } from './json-object.ts'

/** What one attempt committed of one stream. */
export interface StreamManifest {
  readonly attempt_id: string
  readonly stream: { readonly name: string; readonly namespace?: string }
  readonly generation_id?: number
  /** The stream came to its end in this attempt. */
  readonly complete: boolean
  readonly objects: readonly Pick<SentObject, 'key' | 'bytes' | 'records'>[]
}

export interface FoundManifest extends StreamManifest {
  /** Key of the manifest itself. */
  readonly manifest: string
}

/** Writes what an attempt committed of a stream; doing it twice leaves one. */
export async function writeManifest(
  store: ObjectStore,
  folder: string,
  manifest: StreamManifest,
): Promise<void> {
  if (manifest.objects.length === 0 && !manifest.complete) return
  await writeJson(store, `${folder}${manifest.attempt_id}.json`, manifest)
}

/** Every manifest under a folder; of one stream in the order of the attempts' ids. */
export async function readManifests(store: ObjectStore, folder: string): Promise<FoundManifest[]> {
  const found: FoundManifest[] = []
  for await (const entry of store.list(folder)) {
    if (isKeyPrefix(entry) || !/\/manifests\/[^/]+\.json$/.test(entry.key)) continue
    const manifest = await readJson<StreamManifest>(store, entry.key)
    if (manifest !== undefined) found.push({ ...manifest, manifest: entry.key })
  }
  return found
}
