import { resolve } from 'node:path'
import type { Secret, StoreSettings } from '../core/config.ts'
import type { ObjectStore } from './store.ts'

/** What opening a store needs from its surroundings. */
export interface StoreEnvironment {
  /** Folder that relative paths of settings start from. */
  readonly base_dir: string
  /** The value behind a secret reference; throws `secret_missing`. */
  resolveSecret(secret: Secret): string
}

type Settings<T extends StoreSettings['type']> = Extract<StoreSettings, { type: T }>
type Openers = {
  readonly [T in StoreSettings['type']]: (
    settings: Settings<T>,
    env: StoreEnvironment,
  ) => Promise<ObjectStore>
}

/** Every kind of store. The vendors' libraries are large: each loads when such a store is opened. */
const OPENERS: Openers = {
  s3: async (settings, env) => (await import('./s3.ts')).openS3(settings, env),
  gcs: async (settings, env) => (await import('./gcs.ts')).openGcs(settings, env),
  local: async (settings, env) =>
    (await import('./local.ts')).openLocal(resolve(env.base_dir, settings.path)),
  memory: async () => (await import('./memory.ts')).openMemory(),
}

/**
 * Opens a store. Keys given to it are whole bucket keys: the settings' `prefix` is the caller's to join.
 * Does not call the bucket. Throws `secret_missing`, `insecure_endpoint`, `store_not_found`.
 */
export async function openStore(
  settings: StoreSettings,
  env: StoreEnvironment,
): Promise<ObjectStore> {
  const open = OPENERS[settings.type] as (
    settings: StoreSettings,
    env: StoreEnvironment,
  ) => Promise<ObjectStore>
  return open(settings, env)
}
