import type { ContractProse } from '../../core/contract/prose.ts'
import type { SampleRow } from '../../core/contract/sample.ts'
import type { Feed } from '../../core/feed.ts'

/** Where objects go, without anything secret. */
export type GuidePlace =
  | {
      readonly type: 's3'
      readonly bucket: string
      readonly region: string
      readonly endpoint?: string
    }
  | { readonly type: 'gcs'; readonly bucket: string }
  | { readonly type: 'folder'; readonly path: string }
  /** A contract without a feed says nothing of a place. */
  | { readonly type: 'unknown' }

/** An access policy to paste, with a sentence on where. */
export interface GuidePolicy {
  readonly title: string
  readonly text: string
}

/** A small valid delivery. */
export interface GuideSample {
  /** Data objects; keys without the feed's prefix. */
  readonly objects: readonly { readonly key: string; readonly bytes: Uint8Array }[]
  readonly rows: readonly SampleRow[]
  readonly format: 'parquet' | 'jsonl' | 'csv'
}

/** Everything the page is made of; the same input gives the same page. */
export interface GuideInput {
  readonly feed: Feed
  /** What the commands of this side call the contract: a preset, a file or a feed. */
  readonly name: string
  /** The contract as it is given to the partner. */
  readonly document: { readonly file: string; readonly text: string }
  readonly prose: ContractProse
  readonly place: GuidePlace
  readonly policies: readonly GuidePolicy[]
  readonly now: Date
  /** Ending of example names where the layout leaves the whole name to who delivers: `.csv`. */
  readonly suffix: string
  /** Or why none can be made up. */
  readonly sample: GuideSample | { readonly impossible: string }
  /** A configuration under which the partner can check whole deliveries in a folder. */
  readonly check_config: string
}

/** The name under which a column is delivered, which need not be that of the dataset. */
export function deliveredName(feed: Feed, name: string): string {
  return feed.contract.columns.find((column) => column.name === name)?.names[0] ?? name
}

/** What the format is called where only `auto` is known. */
export function formatWords(format: Feed['format']['type']): string {
  return {
    parquet: 'Parquet',
    jsonl: 'JSON lines',
    csv: 'CSV',
    auto: 'Parquet, JSON lines or CSV',
  }[format]
}

/** Whether objects can come in a format. */
export const canBe = (feed: Feed, format: 'parquet' | 'jsonl' | 'csv'): boolean =>
  feed.format.type === format || feed.format.type === 'auto'
