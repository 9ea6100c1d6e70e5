import type { Grain } from './contract.ts'
import type { Partition } from './partition.ts'

/** Why a key under a feed's prefix belongs to no partition. */
export type StrayReason =
  | { readonly code: 'no_match'; readonly message: string }
  | { readonly code: 'unpadded'; readonly message: string }
  | { readonly code: 'wrong_order'; readonly message: string }
  | { readonly code: 'impossible_date'; readonly message: string }
  | { readonly code: 'future'; readonly message: string }

export interface ParsedKey {
  readonly partition: Partition
  /** Values of further variables such as `{region}`; they become columns. */
  readonly variables: Readonly<Record<string, string>>
}

/** The template that ties a key to a partition; parses keys and writes them. Keys are relative to the feed's prefix. */
export interface Layout {
  readonly template: string
  readonly grain: Grain
  readonly zone: string
  /** Names of variables other than time and `{file}`, in order. */
  readonly variables: readonly string[]
}
