import type { LoadState } from '../ledger/ledger.ts'

/** What happens during a load, in order; surfaces draw it, the log prints it. `load_id` tells concurrent ones apart. */
export type LoadEvent =
  /** Once per feed, before anything is fetched. */
  | {
      readonly type: 'found'
      readonly feed: string
      readonly partitions: number
      readonly objects: number
      readonly bytes: number
      /** The ledger knew nothing of this feed. */
      readonly first: boolean
      /** Partitions that are not complete yet, by what they wait for. */
      readonly waiting: Readonly<Record<string, number>>
      /** Keys that fit no partition. */
      readonly strays: number
    }
  | {
      readonly type: 'started'
      readonly load_id: string
      readonly feed: string
      readonly partition: string
      readonly bytes: number
    }
  /** Totals of this load so far, not increments. */
  | {
      readonly type: 'advanced'
      readonly load_id: string
      readonly step: 'fetch' | 'validate' | 'publish'
      /** Delivered bytes gone through in this step. */
      readonly bytes: number
      readonly rows?: number
      readonly rejected?: number
    }
  /** A feed could not be looked at; the others go on. */
  | {
      readonly type: 'feed_failed'
      readonly feed: string
      readonly code: string
      readonly message: string
      readonly hint: string
    }
  | { readonly type: 'ended'; readonly load_id: string; readonly state: LoadState }

export type Observe = (event: LoadEvent) => void
