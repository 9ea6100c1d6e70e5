import { beginLoad } from './begin-load.ts'
import { columns, ensureColumns } from './columns.ts'
import type { Database } from './database.ts'
import { generationFiles, markSwept, rejectFiles, retainedFiles, servedFiles } from './files.ts'
import { generations, latestGenerations } from './generations.ts'
import { recover, renewLease, runningLoads } from './leases.ts'
import type { Ledger } from './ledger.ts'
import { loads } from './load-results.ts'
import { clearStrays, observe, presentObjects, strays } from './observations.ts'
import { partitions } from './partitions.ts'
import { endLoad, publish } from './publish.ts'
import { rollback } from './rollback.ts'
import {
  beginSync,
  commitSync,
  cutOffSync,
  endSync,
  failSync,
  keptStates,
  lastSyncCommit,
  resetSync,
  syncStates,
  syncs,
} from './syncs.ts'

/** The port over a database: every method is one transaction. Closing the ledger closes the database. */
export function createSqlLedger(database: Database): Ledger {
  const run = database.transaction.bind(database)
  return {
    description: database.description,
    observe: (feed, seen, stray, now) => run((sql) => observe(sql, feed, seen, stray, now)),
    partitions: (feed, range) => run((sql) => partitions(sql, feed, range)),
    objects: (feed, names) => run((sql) => presentObjects(sql, feed, names)),
    strays: (feed) => run((sql) => strays(sql, feed)),
    clearStrays: (feed) => run((sql) => clearStrays(sql, feed)),
    generations: (feed, partition) => run((sql) => generations(sql, feed, partition)),
    latestGenerations: (feed, names) => run((sql) => latestGenerations(sql, feed, names)),
    beginLoad: (request) => run((sql) => beginLoad(sql, request)),
    renewLease: (load_id, lease_ms, now) => run((sql) => renewLease(sql, load_id, lease_ms, now)),
    publish: (load_id, publication) => run((sql) => publish(sql, load_id, publication)),
    endLoad: (load_id, end) => run((sql) => endLoad(sql, load_id, end)),
    recover: (now, everything) => run((sql) => recover(sql, now, everything)),
    loads: (query) => run((sql) => loads(sql, query)),
    servedFiles: (feed, query) => run((sql) => servedFiles(sql, feed, query)),
    generationFiles: (feed, partition, generation) =>
      run((sql) => generationFiles(sql, feed, partition, generation)),
    rejectFiles: (feed, names) => run((sql) => rejectFiles(sql, feed, names)),
    rollback: (feed, partition, generation, change) =>
      run((sql) => rollback(sql, { feed, partition, generation }, change)),
    ensureColumns: (feed, wanted, now) => run((sql) => ensureColumns(sql, feed, wanted, now)),
    columns: (feed) => run((sql) => columns(sql, feed)),
    retainedFiles: (feed, retain, partitions) =>
      run((sql) => retainedFiles(sql, feed, retain, partitions)),
    runningLoads: (now) => run((sql) => runningLoads(sql, now)),
    markSwept: (feed, paths, now) => run((sql) => markSwept(sql, feed, paths, now)),
    beginSync: (request) => run((sql) => beginSync(sql, request)),
    syncStates: (sync) => run((sql) => syncStates(sql, sync)),
    commitSync: (commit) => run((sql) => commitSync(sql, commit)),
    lastSyncCommit: (attempt_id) => run((sql) => lastSyncCommit(sql, attempt_id)),
    cutOffSync: (attempt_id, now) => run((sql) => cutOffSync(sql, attempt_id, now)),
    endSync: (end) => run((sql) => endSync(sql, end)),
    failSync: (failed) => run((sql) => failSync(sql, failed)),
    resetSync: (sync) => run((sql) => resetSync(sql, sync)),
    syncs: () => run((sql) => syncs(sql)),
    keptStates: () => run((sql) => keptStates(sql)),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}
