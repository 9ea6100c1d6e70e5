import { setTimeout as sleep } from 'node:timers/promises'
import { ExchangeError } from '../../src/core/errors.ts'
import type { ListEntry, ObjectStore } from '../../src/store/store.ts'

export interface FaultPlan {
  /** The same seed, asked the same questions in the same order, fails the same of them. */
  readonly seed: number
  /** Part of the calls that fail, from 0 to 1. */
  readonly failing: number
  /** What a failing call throws; retryable unless told otherwise. */
  readonly retryable?: boolean
  /** Part of the reads that give some bytes before they fail. */
  readonly breaking_off?: number
  /** Part of the reads that give fewer bytes than the object has, and say nothing. */
  readonly cut_short?: number
  /** Part of the calls that take this many milliseconds longer. */
  readonly stalling?: { readonly part: number; readonly ms: number }
  /** Listings whose neighbours change places, or that repeat what they gave. */
  readonly listing?: 'disordered' | 'repeated'
}

export interface FaultStore extends ObjectStore {
  /** How many calls were made, and how many of them were spoilt. */
  readonly tally: { calls: number; faults: number }
}

/** A store that fails as planned in front of one that works: the errors are those a store may throw. */
export function faultStore(store: ObjectStore, plan: FaultPlan): FaultStore {
  const { failing, retryable = true, breaking_off = 0, cut_short = 0, stalling, listing } = plan
  const chance = chances(plan.seed)
  const tally = { calls: 0, faults: 0 }
  const fault = (key: string) => {
    tally.faults += 1
    return retryable
      ? new ExchangeError('store_unavailable', `${store.url}${key} got no answer.`)
      : new ExchangeError('access_denied', `Reading ${store.url}${key} was denied.`)
  }
  async function meet(key: string): Promise<void> {
    tally.calls += 1
    if (stalling !== undefined && chance() < stalling.part) await sleep(stalling.ms)
    if (chance() < failing) throw fault(key)
  }

  async function* spoilt(entries: AsyncIterable<ListEntry>): AsyncGenerator<ListEntry> {
    const all: ListEntry[] = []
    for await (const entry of entries) all.push(entry)
    if (listing === 'repeated') yield* all
    else if (listing === 'disordered') all.reverse()
    if (listing !== undefined && all.length > 1) tally.faults += 1
    yield* all
  }

  return {
    features: store.features,
    url: store.url,
    tally,
    async head(key, io) {
      await meet(key)
      return store.head(key, io)
    },
    async read(key, io) {
      await meet(key)
      const body = await store.read(key, io)
      const drawn = chance()
      if (drawn >= breaking_off + cut_short) return body
      const reader = body.getReader()
      return new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { value } = await reader.read()
          await reader.cancel()
          if (value !== undefined) controller.enqueue(value.subarray(0, value.byteLength >> 1))
          const error = fault(key)
          if (drawn < breaking_off) controller.error(error)
          else controller.close()
        },
      })
    },
    async write(key, body, io) {
      await meet(key)
      return store.write(key, body, io)
    },
    async *list(prefix, io) {
      await meet(prefix)
      yield* spoilt(store.list(prefix, io))
    },
    async delete(keys, io) {
      await meet(keys[0] ?? '')
      await store.delete(keys, io)
    },
    async unfinishedUploads(keys, io) {
      await meet(keys[0] ?? '')
      return store.unfinishedUploads(keys, io)
    },
    async abortUpload(upload, io) {
      await meet(upload.key)
      await store.abortUpload(upload, io)
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

function chances(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
