import type { StoreSettings } from '../core/config.ts'
import type { Access, AccessOptions } from './access.ts'
import type { StoreEnvironment } from './open-store.ts'

type Opener = (settings: never, env: StoreEnvironment, options: AccessOptions) => Promise<Access>

/** The vendors' libraries are large: each loads when such a store is asked. */
const OPENERS: Readonly<Record<StoreSettings['type'], Opener>> = {
  s3: async (settings, env, options) =>
    (await import('./access-s3.ts')).s3Access(settings, env, options),
  gcs: async (settings, env, options) =>
    (await import('./access-gcs.ts')).gcsAccess(settings, env, options),
  local: async (settings, env, options) =>
    (await import('./access-folder.ts')).folderAccess(settings, env, options),
  memory: async (_, env, options) =>
    (await import('./access-folder.ts')).folderAccess(undefined, env, options),
}

/**
 * The steps for these settings; calls nobody yet. Throws what opening the store would throw:
 * `secret_missing`, `insecure_endpoint`, `credentials_invalid`.
 */
export async function openAccess(
  settings: StoreSettings,
  env: StoreEnvironment,
  options: AccessOptions,
): Promise<Access> {
  return OPENERS[settings.type](settings as never, env, options)
}
