import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { ObjectStore } from '../../src/store/store.ts'
import { HOSTILE_KEYS, UNPATHLIKE_KEYS } from './hostile-keys.ts'
import { LISTING_CHECKS } from './store-listing.ts'
import { hostileKey, READ_CHECKS, unpathlikeKey } from './store-reads.ts'
import { WRITE_CHECKS } from './store-writes.ts'

/** A store as the suite gets it. */
export interface OpenedStore {
  readonly store: ObjectStore
  /** How many multipart or resumable writes under this exact key the server holds open. */
  readonly openUploads?: (key: string) => Promise<number>
  /** Sends a part of a multipart write under a key and no more, as a process that is killed does. */
  readonly cutOffUpload?: (key: string) => Promise<void>
  readonly close?: () => Promise<void>
}

/** What one check works with; every check has a prefix of its own. */
export interface Bench {
  readonly store: ObjectStore
  readonly prefix: string
  readonly part_bytes: number
  readonly openUploads: (key: string) => Promise<number>
  readonly cutOffUpload: (key: string) => Promise<void>
}

export type Check = (bench: Bench) => Promise<void>

const CHECKS: Readonly<Record<string, Check>> = {
  ...READ_CHECKS,
  ...WRITE_CHECKS,
  ...LISTING_CHECKS,
  ...Object.fromEntries(
    Object.entries(HOSTILE_KEYS).map(([label, key]) => [`key with ${label}`, hostileKey(key)]),
  ),
  ...Object.fromEntries(
    Object.entries(UNPATHLIKE_KEYS).map(([label, key]) => [
      `key with ${label}`,
      unpathlikeKey(key),
    ]),
  ),
}

export interface StoreConformanceOptions {
  /** Checks left out, by name, each with the reason: what this server does instead. */
  readonly differs?: Readonly<Record<string, string>>
  /** For one check, in milliseconds. */
  readonly timeout?: number
}

/**
 * The suite every `ObjectStore` passes. What a server cannot do is declared in `differs`; one printed line
 * says what was left out. A name in `differs` that is no check is an error, so the list cannot go stale.
 */
export function storeConformance(
  name: string,
  open: () => Promise<OpenedStore>,
  { differs = {}, timeout = 60_000 }: StoreConformanceOptions = {},
): void {
  const unknown = Object.keys(differs).filter((check) => !(check in CHECKS))
  if (unknown.length > 0)
    throw new Error(`${name} differs in unknown checks: ${unknown.join(', ')}`)
  const reasons = Object.entries(Object.groupBy(Object.entries(differs), ([, reason]) => reason))
  if (reasons.length > 0) {
    const left_out = reasons.map(
      ([reason, checks = []]) => `${checks.map(([check]) => check).join(', ')} (${reason})`,
    )
    const count = Object.keys(differs).length
    process.stdout.write(`${name}: left out ${count}: ${left_out.join('; ')}\n`)
  }

  describe(`store conformance: ${name}`, () => {
    let opened: OpenedStore
    const root = `conformance-${randomUUID()}/`
    let bench_number = 0

    beforeAll(async () => {
      opened = await open()
    }, timeout)
    afterAll(async () => {
      await opened?.store[Symbol.asyncDispose]()
      await opened?.close?.()
    })

    for (const [check, run] of Object.entries(CHECKS)) {
      it.skipIf(check in differs)(check, { timeout }, async () => {
        bench_number += 1
        const { store, openUploads = async () => 0, cutOffUpload = unable } = opened
        const part_bytes = Math.max(store.features.min_part_bytes, 64 * 1024)
        const prefix = `${root}${bench_number}/`
        await run({ store, prefix, part_bytes, openUploads, cutOffUpload })
      })
    }
  })
}

const unable = async (): Promise<void> => {
  throw new Error('a store that keeps uploads is given to the suite with a way to cut one off')
}
