import { join } from 'node:path'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { BegunLoad, DatasetFile, Ledger, ObjectVersion } from '../../ledger/ledger.ts'
import { generationPath } from '../paths.ts'
import type { PlanItem } from '../plan/plan.ts'
import type { CheckedRows } from '../validate/check-rows.ts'
import type { Staging } from './staging.ts'
import { comparesPartitions, fieldIdsOf, settleWinners, type Winners } from './winners.ts'

export interface StageTools {
  readonly feed: Feed
  readonly ledger: Ledger
  readonly datasets_dir: string
  readonly duckdb: Duckdb
  /** Of the load, for files on their way. */
  readonly dir: string
  readonly staging: Staging
}

/** Adds the load's rows: all valid ones, or those that win against other partitions. */
export async function stageRows(
  checked: CheckedRows,
  item: PlanItem,
  begun: BegunLoad,
  tools: StageTools,
): Promise<Winners> {
  const { feed, ledger, datasets_dir, duckdb, dir, staging } = tools
  const refs = refsOf(item.reads)
  const none: Winners = { lost: 0, republished: [], staged: [] }
  const { candidates } = checked
  const addCandidates = async (kind: 'data' | 'candidates') => {
    for (const file of candidates) {
      const keys = new Set(file.objects)
      await staging.add(
        kind,
        file.path,
        file.rows,
        refs.filter((o) => keys.has(o.key)),
        duckdb,
      )
    }
  }
  if (!comparesPartitions(feed)) {
    await addCandidates('data')
    return none
  }
  const winners = await settleWinners({
    feed,
    duckdb,
    partition: item.partition,
    candidates: candidates.map((file) => file.path),
    served: await ledger.servedFiles(feed.name),
    datasets_dir,
    dir,
    pathFor: (partition, name) =>
      `${generationPath(feed.name, partition, 0, begun.load_id)}/${name}`,
  })
  for (const file of winners.staged) staging.addPlanned(file)
  if (candidates.length === 0) return winners
  const { beaten } = winners
  if (winners.data === undefined) await addCandidates('data')
  if (beaten !== undefined) await staging.add('beaten', beaten.staged, beaten.rows, refs)
  if (winners.data !== undefined) {
    await addCandidates('candidates')
    if (winners.data.rows > 0)
      await staging.add('data', winners.data.staged, winners.data.rows, refs, duckdb)
  }
  return winners
}

/**
 * Appending keeps the files of objects that did not change. A file that also holds rows of a
 * changed or removed object is written again without them.
 */
export async function keepUntouched(
  item: PlanItem,
  begun: BegunLoad,
  tools: StageTools,
): Promise<string[]> {
  const { feed, ledger, datasets_dir, duckdb, dir, staging } = tools
  if (item.reads.length === item.objects.length || begun.served_generation === undefined) return []
  const read = new Set(item.reads.map((o) => o.key))
  const current = new Map(item.objects.map((o) => [o.key, o.version]))
  const stays = (o: { key: string; version: string }) =>
    current.get(o.key) === o.version && !read.has(o.key)
  const kept: string[] = []
  for (const [index, file] of (
    await ledger.generationFiles(feed.name, item.partition, begun.served_generation)
  ).entries()) {
    const gone = file.objects.filter((o) => !stays(o))
    if (gone.length === 0) kept.push(file.file_id)
    else if (gone.length < file.objects.length) await rewriteWithout(file, gone, index)
  }
  return kept

  async function rewriteWithout(
    file: DatasetFile,
    gone: readonly { key: string }[],
    index: number,
  ): Promise<void> {
    const source = join(datasets_dir, file.path)
    const target = join(dir, `kept-${index}.parquet`)
    const column = file.kind === 'rejects' ? '"object"' : '_object'
    const ids = file.kind === 'rejects' ? '' : await fieldIdsOf(duckdb, source)
    const [row] = await duckdb.all<{ Count: bigint }>(
      `COPY (SELECT * FROM read_parquet(${literal(source)}, hive_partitioning = false) WHERE ${column} NOT IN (${gone.map((o) => literal(o.key)).join(', ')})) TO ${literal(target)} (FORMAT parquet, CODEC 'zstd', COMPRESSION_LEVEL 1${ids})`,
    )
    const rows = Number(row?.Count ?? 0n)
    if (rows > 0) await staging.add(file.kind, target, rows, file.objects.filter(stays), duckdb)
  }
}

/** Objects as files of a generation name them. */
export const refsOf = (objects: readonly ObjectVersion[]) =>
  objects.map(({ key, version }) => ({ key, version }))
