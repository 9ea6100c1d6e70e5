import { resolve } from 'node:path'
import { type CheckOptions, checkAccess } from './check-access.ts'
import type { Feed } from './core/feed.ts'
import { type DeliveryRequest, deliver } from './deliver.ts'
import { sweepSpill } from './duckdb/spill.ts'
import type { DatasetSnapshot } from './engine/engine.ts'
import type { Observe } from './exchange/progress.ts'
import { listRejects } from './exchange/rejects.ts'
import { rollback } from './exchange/rollback.ts'
import type { SyncEvent } from './exchange/sync/run-sync.ts'
import { type LoadRun, loadFeeds } from './load.ts'
import { type AppOptions, openPorts } from './open-ports.ts'
import { type LoadSelection, planFeeds, type Selection } from './plan.ts'
import { policySubject } from './policy-subject.ts'
import { crashAt } from './process-env.ts'
import { status } from './status.ts'
import { sweep } from './sweep.ts'
import { runSyncs, type SyncRequest } from './sync.ts'
import { type ValidateRequest, type ValidateRun, validate } from './validate.ts'

export type { AppOptions } from './open-ports.ts'

/**
 * The composition root: reads the configuration and hands each verb the ports it needs. Stores, ledger
 * and DuckDB are opened when first used (`open-ports.ts`), and closed with the app.
 */
export async function openApp(options: AppOptions) {
  const ports = await openPorts(options)
  const { config, needConfig, base_dir, paths, now, formats, engine, openDuckdb } = ports
  const { config_file, cwd, env } = options
  const { feedsOf, openLedger, snapshots, storeOf } = ports

  return {
    /** Probes the access to a store or a feed; opens no ledger. */
    async check(name: string, check: CheckOptions) {
      needConfig()
      return checkAccess(name, check, { config, config_file, env: ports.store_env, now })
    },

    /** What an access policy for a feed has to know; opens no ledger and no store. */
    async policySubject(name: string) {
      const [feed] = await feedsOf([name])
      const settings = feed && config.stores[feed.store]
      if (feed === undefined || settings === undefined) throw new Error('a feed has a store')
      return policySubject(feed, settings)
    },

    plan: (selection: LoadSelection) => planFeeds(selection, ports),

    /** One record per attempt, as each ends; with `watch` it goes on until the signal is aborted. */
    load: (selection: LoadSelection, run: LoadRun) => loadFeeds(selection, run, ports),

    validate: (request: ValidateRequest, run: ValidateRun) => validate(request, run, ports),

    /** Turns records into a delivery that fits a contract; opens a ledger only for a dataset. */
    async deliver(
      request: DeliveryRequest,
      run: {
        readonly signal: AbortSignal
        readonly observe: Observe
        readonly observeSource?: (event: SyncEvent) => void
      },
    ) {
      needConfig()
      await sweepSpill(paths.spill)
      return deliver(request, {
        // As spill: a delivery that is killed leaves what it wrote on the way, and the next one removes it.
        dir: ports.tempDir(),
        ...{ config, base_dir, cwd, env, formats, engine, now, storeOf, openDuckdb },
        rejects_dir: paths.rejects,
        observe: run.observe,
        observeSource: run.observeSource ?? (() => undefined),
        signal: run.signal,
        stepOf: (feed) => crashAt(env, feed),
        feedNamed: async (name) => (await feedsOf([name]))[0] as Feed,
        snapshotOf: async (name) =>
          (await snapshots(name)).find((s) => s.feed === name) as DatasetSnapshot,
      })
    },

    /** Sends what is new, one report for each sync as it ends. */
    async *sync(
      request: SyncRequest,
      run: { readonly signal: AbortSignal; readonly observe: (event: SyncEvent) => void },
    ) {
      needConfig()
      await sweepSpill(paths.spill)
      const { openSharedLedger, tempDir } = ports
      yield* runSyncs(request, {
        ...{ config, config_file, base_dir, cwd, env, tempDir, engine, now, snapshots },
        ...{ openLedger: openSharedLedger, observe: run.observe, signal: run.signal },
      })
    },

    status: (selection: Selection) => status(selection, ports),

    async rejects(query: {
      readonly feed: string
      readonly partition?: string
      readonly all: boolean
      readonly code?: string
    }) {
      await feedsOf([query.feed])
      const ledger = await openLedger('reader')
      return listRejects(query, { ledger, datasets_dir: paths.datasets, openDuckdb })
    },

    async query(sql: string) {
      return engine.query(sql, await snapshots(sql))
    },
    async export(
      sql: string,
      target: { readonly path: string; readonly format: 'csv' | 'parquet' | 'json' },
    ) {
      await engine.export(sql, await snapshots(sql), {
        ...target,
        path: resolve(cwd, target.path),
      })
    },

    async rollback(target: {
      readonly feed: string
      readonly partition: string
      readonly generation?: number
    }) {
      const [feed] = await feedsOf([target.feed])
      if (feed === undefined) throw new Error('a feed was asked for')
      const ledger = await openLedger('loader')
      const { partition, generation } = target
      return rollback(feed, partition, generation, { ledger, engine, openDuckdb, paths, now })
    },

    sweep: (feeds: readonly string[]) => sweep(feeds, ports),

    [Symbol.asyncDispose]: () => ports[Symbol.asyncDispose](),
  }
}
