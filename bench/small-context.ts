import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from './benchmark.ts'

/** Milliseconds. Two cores may be busy with other tests: what runs processes is given time. */
export const SLOW = 120_000

/** A context for tests: very little data in a folder of its own, which is removed with it. */
export async function smallContext(): Promise<Context & AsyncDisposable> {
  const data_dir = await mkdtemp(join(tmpdir(), 'bucketline-bench-test-'))
  return {
    data_dir,
    scale: 0.0005,
    threads: 2,
    memory_limit: '1GB',
    python: undefined,
    // It needs no build.
    server: 's3rver',
    fresh: false,
    note: () => undefined,
    [Symbol.asyncDispose]: () => rm(data_dir, { recursive: true, force: true }),
  }
}
