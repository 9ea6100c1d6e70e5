import type { Duckdb } from '../duckdb/duckdb.ts'
import type { GateOptions, GateResult, StagedObject } from './format.ts'
import type { GateNews, GateRequest } from './gate-worker.ts'
import { formatOf } from './gates.ts'
import { parquetGate } from './parquet.ts'
import { settle } from './refusal.ts'
import { openWorkerPool } from './worker-pool.ts'

/** Threads that take text objects through their gates, one object each at a time. */
export interface GatePool extends AsyncDisposable {
  /**
   * As `passObject`; may be called for many objects at once, which then wait their turn. `refuse` is
   * called in the caller's thread, in row order for each object, never after the promise is settled.
   */
  pass(object: StagedObject, options: GateOptions, duckdb: Duckdb): Promise<GateResult>
}

/** Opens a pool of `threads` workers (as many as there are cores, unless given), started when needed. */
export function openGatePool(options: { readonly threads?: number } = {}): GatePool {
  const pool = openWorkerPool<GateRequest, GateResult, GateNews>({
    name: 'gate pool',
    module: new URL('./gate-worker', import.meta.url),
    threads: options.threads,
    // The next object is better off with another thread than behind this one.
    ahead: 1,
  })
  return {
    pass(object, options, duckdb) {
      return settle(async () => {
        options.signal?.throwIfAborted()
        const format = await formatOf(object, options.settings)
        if (format === 'parquet') return await parquetGate(object, options, duckdb)
        const { settings, dir, prefix, flat, nested_fields, refuse, progress, signal } = options
        const taken = new Int32Array(new SharedArrayBuffer(4))
        return await pool.run({
          request: { format, object, settings, dir, prefix, flat, nested_fields, taken },
          ...(signal === undefined ? {} : { signal }),
          hear(news) {
            if (news.type === 'progress') return progress?.(news.bytes)
            for (const row of news.rows) refuse(row)
            Atomics.add(taken, 0, 1)
            Atomics.notify(taken, 0)
          },
        })
      })
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  }
}
