import { join } from 'node:path'

/** Where a data directory keeps what; every path the ledger names is relative to `datasets`. */
export interface DataPaths {
  readonly datasets: string
  readonly staging: string
  readonly spill: string
}

export const dataPaths = (data_dir: string): DataPaths => ({
  datasets: join(data_dir, 'datasets'),
  staging: join(data_dir, 'staging'),
  spill: join(data_dir, 'spill'),
})

/**
 * Folder of a generation's files. The load's id is in it, so two attempts at one generation never
 * write to one path, and a sweep can tell whose a file is.
 */
export const generationPath = (
  feed: string,
  partition: string,
  generation: number,
  load_id: string,
): string => `${feed}/${partition}/${String(generation).padStart(6, '0')}-${load_id}`
