import type { Contract, PublishMode, Scope } from './contract/contract.ts'
import type { Layout } from './layout/layout.ts'
import type { CompletionSettings, FormatSettings } from './settings.ts'

/** How many rejected rows are tolerated before nothing is published. */
export interface ErrorBudget {
  readonly rows?: number
  readonly percent?: number
  readonly rows_per_object?: number
  readonly percent_per_object?: number
}

/** What we receive, with every setting settled: its own, then its preset's, then the defaults. */
export interface Feed {
  readonly name: string
  /** Name of the store in the configuration. */
  readonly store: string
  /** The store's prefix and the feed's, joined: what every key of the feed starts with. */
  readonly prefix: string
  readonly contract: Contract
  readonly layout: Layout
  readonly format: FormatSettings
  readonly completion: CompletionSettings
  readonly publish: PublishMode
  readonly deduplicate: Scope
  readonly new_columns: 'evolve' | 'rescue' | 'reject'
  /** First partition wanted, by name. */
  readonly start?: string
  readonly ignore: readonly string[]
  readonly look_back_ms: number
  readonly recheck: number
  readonly budget: ErrorBudget
  readonly retain_generations: number
  /** Hash of the contract document: a refused partition is tried again when it changes. */
  readonly contract_hash: string
  /** Hash of the settings that decide what a load does; likewise. */
  readonly settings_hash: string
}
