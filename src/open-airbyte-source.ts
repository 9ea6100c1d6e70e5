import { resolve } from 'node:path'
import type { Secret } from './core/config.ts'
import type { AirbyteSource, WriteMode } from './core/sync.ts'
import { type AirbyteOptions, discoverStreams } from './exchange/sync/airbyte-source.ts'
import { catalogOf } from './exchange/sync/catalog-of.ts'
import type { Env } from './process-env.ts'
import { readDocument } from './read-document.ts'
import { resolveSecret } from './store/credentials.ts'

export interface AirbyteSetup extends Pick<AirbyteOptions, 'digest'> {
  /** Names the source in messages, such as `Sync crm`. */
  readonly name: string
  readonly source: AirbyteSource
  /** How streams are written that `modes` does not name. */
  readonly mode?: WriteMode
  /** Folder that the command runs in, and that paths of the settings start from. */
  readonly dir: string
  /** Folder that paths of secrets start from. */
  readonly base_dir: string
  readonly env: Env
  /** Folder on local disk for documents, this process's own. */
  readonly work_dir: string
  readonly signal: AbortSignal
  readonly log: (level: string, message: string) => void
}

/** A source with everything that its settings name read. */
export interface OpenedAirbyte {
  readonly options: AirbyteOptions
  /** A configured catalog (Airbyte protocol v0): the one it is given, else one of what it discovers. */
  readonly catalog: object
}

/** Makes what settings say into a source that can be run. Throws `config_invalid`, `secret_missing`, `source_failed`. */
export async function openAirbyte(setup: AirbyteSetup): Promise<OpenedAirbyte> {
  const { name, source, mode, dir, base_dir, env, signal, log } = setup
  const config =
    typeof source.config === 'string'
      ? await readDocument(resolve(dir, source.config), `${name}: config`)
      : source.config
  const options: AirbyteOptions = {
    command: source.command,
    config: withSecrets(config, (secret) => resolveSecret(secret, { env, base_dir })),
    cwd: dir,
    env,
    exit_within_ms: source.exit_within,
    dir: setup.work_dir,
    digest: setup.digest,
  }
  if (source.catalog !== undefined) {
    const catalog = await readDocument(resolve(dir, source.catalog), `${name}: catalog`)
    return { options, catalog }
  }
  const discovered = await discoverStreams({ ...options, signal, log })
  const wanted = { ...source, ...(mode === undefined ? {} : { mode }) }
  return { options, catalog: catalogOf(discovered, wanted) }
}

/** A document in which `{ env: NAME }` and `{ file: PATH }` are filled in wherever they stand inside. */
function withSecrets(document: object, resolved: (secret: Secret) => string): object {
  const within = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(within)
    if (typeof value !== 'object' || value === null) return value
    return isReference(value) ? resolved(value) : withSecrets(value, resolved)
  }
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, within(value)]))
}

function isReference(value: object): value is Exclude<Secret, string> {
  const [[name, of] = ['', undefined], ...more] = Object.entries(value)
  return more.length === 0 && typeof of === 'string' && (name === 'env' || name === 'file')
}
