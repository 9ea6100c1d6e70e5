import { copyFile, mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ExchangeError } from '../core/errors.ts'
import type { Feed } from '../core/feed.ts'
import type { Duckdb } from '../duckdb/duckdb.ts'
import type { Engine } from '../engine/engine.ts'
import type { DatasetFile, GenerationRecord, Ledger, NewFile } from '../ledger/ledger.ts'
import { comparesPartitions, settleWinners, type Winners } from './load/winners.ts'
import { type DataPaths, generationPath } from './paths.ts'

export interface RollbackReport {
  readonly feed: string
  readonly partition: string
  readonly generation: number
  readonly replaced_generation: number
  readonly rows: number
}

export interface RollbackTools {
  readonly ledger: Ledger
  readonly engine: Engine
  readonly openDuckdb: () => Promise<Duckdb>
  readonly paths: DataPaths
  readonly now: () => Date
}

/**
 * Serves an older generation of a partition and pins it there until an object changes or a load is
 * forced. Without a number it is the published one before that which is served.
 */
export async function rollback(
  feed: Feed,
  partition: string,
  generation: number | undefined,
  tools: RollbackTools,
): Promise<RollbackReport> {
  const { ledger, engine, paths } = tools
  const recorded = async () =>
    (await ledger.partitions(feed.name, { from: partition, to: partition })).find(
      (p) => p.partition === partition,
    )
  const served = (await recorded())?.served_generation
  if (served === undefined)
    throw unavailable(
      `Partition ${partition} of ${feed.name} has never been published`,
      'See `bucketline status`.',
    )
  const generations = await ledger.generations(feed.name, partition)
  const target = generation ?? previous(generations, served)
  if (target === undefined)
    throw unavailable(
      `Partition ${partition} of ${feed.name} has no generation before ${served}`,
      'Only published generations can be served again.',
    )
  const files = await ledger.generationFiles(feed.name, partition, target)
  if (
    !(await engine.published({
      load_id: '',
      feed: feed.name,
      files: files.map((f) => ({ staged: '', path: f.path })),
    }))
  )
    throw unavailable(
      `Files of generation ${target} were swept`,
      'Raise retain_generations to keep more of them.',
    )
  if (!comparesPartitions(feed)) {
    await ledger.rollback(feed.name, partition, target, { republished: [], now: tools.now() })
  } else {
    const dir = join(paths.staging, `rollback-${process.pid}`)
    await using duckdb = await tools.openDuckdb()
    try {
      await mkdir(dir, { recursive: true })
      const split = files.some((f) => f.kind === 'candidates')
      const candidates = files.filter((f) => f.kind === (split ? 'candidates' : 'data'))
      const stamp = tools.now().getTime().toString(36)
      const winners = await settleWinners({
        feed,
        duckdb,
        partition,
        dir,
        candidates: candidates.map((f) => join(paths.datasets, f.path)),
        served: await ledger.servedFiles(feed.name),
        datasets_dir: paths.datasets,
        pathFor: (other, name) =>
          `${generationPath(feed.name, other, 0, `rollback-${stamp}`)}/${name}`,
      })
      const folder = generationPath(feed.name, partition, target, `rollback-${stamp}`)
      const beaten = files.some((f) => f.kind === 'beaten')
      const changed = await changedFiles(winners, { split, beaten, candidates, dir, paths })
      const moves = [
        ...winners.staged,
        ...changed.map(({ name, staged }) => ({ staged, path: `${folder}/${name}` })),
      ]
      await engine.publish({ load_id: `rollback-${stamp}`, feed: feed.name, files: moves })
      const data: NewFile[] = []
      for (const { kind, name, rows } of changed) {
        const path = `${folder}/${name}`
        const { size } = await stat(join(paths.datasets, path))
        data.push({ kind, path, rows, bytes: size, objects: candidates.flatMap((f) => f.objects) })
      }
      await ledger.rollback(feed.name, partition, target, {
        republished: winners.republished,
        ...(data.length === 0 ? {} : { data }),
        now: tools.now(),
      })
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  }
  const rows = (await recorded())?.rows ?? 0
  return { feed: feed.name, partition, generation: target, replaced_generation: served, rows }
}

/** A file of the rolled back generation, before it is published under `name`. */
interface ChangedFile {
  readonly kind: 'data' | 'candidates' | 'beaten'
  readonly name: string
  readonly staged: string
  readonly rows: number
}

/**
 * Files of the older generation that are other ones now: what is served of it where other rows win
 * than did then, and all of its rows where none had been beaten before.
 */
async function changedFiles(
  winners: Winners,
  target: {
    readonly split: boolean
    /** Some of the rows in its data files were not served. */
    readonly beaten: boolean
    readonly candidates: readonly DatasetFile[]
    readonly dir: string
    readonly paths: DataPaths
  },
): Promise<ChangedFile[]> {
  const { split, candidates, dir, paths } = target
  const all = (kind: ChangedFile['kind']) =>
    Promise.all(
      candidates.map(async (file, at) => {
        const name = `${kind}${at === 0 ? '' : `-${at}`}.parquet`
        const staged = join(dir, `all-${name}`)
        await copyFile(join(paths.datasets, file.path), staged)
        return { kind, name, staged, rows: file.rows }
      }),
    )
  if (winners.beaten !== undefined)
    return [...(await all('data')), { kind: 'beaten', name: 'beaten.parquet', ...winners.beaten }]
  if (winners.data === undefined) return split || target.beaten ? await all('data') : []
  const data = { kind: 'data' as const, name: 'data.parquet', ...winners.data }
  return split ? [data] : [data, ...(await all('candidates'))]
}

/** The latest published generation of other content before the served one. */
function previous(generations: readonly GenerationRecord[], served: number): number | undefined {
  const content = generations.find((g) => g.generation === served)?.content_generation ?? served
  return generations
    .filter((g) => g.published && g.content_generation < content)
    .map((g) => g.generation)
    .reduce<number | undefined>((best, g) => (best === undefined || g > best ? g : best), undefined)
}

const unavailable = (message: string, hint: string) =>
  new ExchangeError('generation_unavailable', message, { hint })
