import { join } from 'node:path'

/** Where a data directory keeps what; every path the ledger names is relative to `datasets`. */
export interface DataPaths {
  readonly datasets: string
  readonly staging: string
  readonly spill: string
  /** Refused rows of deliveries that were sent. */
  readonly rejects: string
}

export const dataPaths = (data_dir: string): DataPaths => ({
  datasets: join(data_dir, 'datasets'),
  staging: join(data_dir, 'staging'),
  spill: join(data_dir, 'spill'),
  rejects: join(data_dir, 'rejects'),
})

/** File of a delivery's refused rows; those of one receiver and partition stand in one folder. */
export const deliveryRejectsPath = (
  rejects_dir: string,
  delivery: { readonly feed: string; readonly partition: string | undefined; readonly id: string },
): string =>
  join(rejects_dir, delivery.feed, delivery.partition ?? 'by-time', `delivery-${delivery.id}.jsonl`)

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
