import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreSettings } from './core/config.ts'
import type { Destination } from './core/destination/destination.ts'
import { openDuckdb } from './duckdb/duckdb.ts'
import { isRunning } from './duckdb/is-running.ts'
import type { SendContext } from './exchange/send/send.ts'
import { openEncoder } from './format/encode/encode-pool.ts'
import { routeLines } from './format/encode/envelope.ts'
import { openPart } from './format/encode/open-part.ts'
import type { Env } from './process-env.ts'
import { clockOf, sendCrashAt } from './process-env.ts'
import { resolveSecret } from './store/credentials.ts'
import { openStore } from './store/open-store.ts'

export interface DestinationSetup {
  readonly store: StoreSettings
  readonly destination: Destination
  /** Folder that relative paths of the store's settings start from. */
  readonly base_dir: string
  readonly env: Env
  /** Folder for parts on their way; the system's temporary one unless given. */
  readonly staging_dir?: string
  readonly threads?: number
}

/** What a sync needs of its surroundings, opened; streams, states and signals are the caller's. */
export interface OpenDestination extends AsyncDisposable {
  readonly context: Pick<
    SendContext,
    'store' | 'destination' | 'encoder' | 'openPart' | 'openDuckdb' | 'work_dir' | 'now' | 'step'
  >
  readonly routeLines: typeof routeLines
}

/** Opens a destination's store, the threads that encode, and a folder of its own for parts. */
export async function openDestination(setup: DestinationSetup): Promise<OpenDestination> {
  const { destination, env, base_dir } = setup
  const store = await openStore(setup.store, {
    base_dir,
    resolveSecret: (secret) => resolveSecret(secret, { env, base_dir }),
  })
  const staging = setup.staging_dir ?? tmpdir()
  await mkdir(staging, { recursive: true })
  const work_dir = await ownFolder(staging)
  const encoder = openEncoder({ threads: setup.threads, prepare: destination.output.type })
  const openSession = () =>
    openDuckdb({
      memory_limit: destination.memory_limit,
      spill_dir: join(work_dir, 'spill'),
      ...(setup.threads === undefined ? {} : { threads: setup.threads }),
    })
  return {
    routeLines,
    context: {
      store,
      destination,
      encoder,
      work_dir,
      now: clockOf(env),
      step: sendCrashAt(env),
      openDuckdb: openSession,
      openPart: (encoding, path) => openPart(encoding, path, encoder),
    },
    async [Symbol.asyncDispose]() {
      await encoder[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await rm(work_dir, { recursive: true, force: true })
    },
  }
}

/** A folder of this process's own; those of processes of this machine that were killed are removed. */
async function ownFolder(staging: string): Promise<string> {
  const mine = `bucketline-send-${hostname()}-`
  for (const name of await readdir(staging)) {
    if (!name.startsWith(mine)) continue
    const [pid = ''] = name.slice(mine.length).split('-')
    if (!/^\d+$/.test(pid) || isRunning(Number(pid))) continue
    // Of another user, perhaps: nothing of this sync depends on it.
    await rm(join(staging, name), { recursive: true, force: true }).catch(() => {})
  }
  return mkdtemp(join(staging, `${mine}${process.pid}-`))
}
