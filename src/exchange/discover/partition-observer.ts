import { judgeCompletion, type ManifestContent } from '../../core/completion.ts'
import { ExchangeError } from '../../core/errors.ts'
import type { Feed } from '../../core/feed.ts'
import { keyBase } from '../../core/layout/key-role.ts'
import { parseManifest } from '../../core/manifest.ts'
import type { Ledger, ObjectSeen, PartitionObservation, Stray } from '../../ledger/ledger.ts'
import type { ObjectStore } from '../../store/store.ts'

/** What one look at a partition found. */
export interface DiscoveredPartition {
  readonly partition: string
  /** Data objects and their bytes. */
  readonly objects: number
  readonly bytes: number
  readonly complete: boolean
  readonly waiting_for?: string
  /** Which object, in particular, keeps it waiting. */
  readonly detail?: string
}

export interface PartitionObserver {
  /** Judges a partition by its complete listing; recorded with the next batch. */
  add(partition: string, objects: readonly ObjectSeen[]): Promise<void>
  /** Records what is left of the last batch. */
  end(): Promise<ObservedTotals>
}

export interface ObservedTotals {
  readonly partitions: readonly DiscoveredPartition[]
  readonly new_partitions: number
  readonly new_objects: number
  readonly strays: readonly Stray[]
  /** Reads of manifests. */
  readonly requests: number
}

interface ObserverContext {
  readonly store: ObjectStore
  readonly ledger: Ledger
  readonly now: Date
  readonly signal?: AbortSignal
  /** Called after each batch with totals so far. */
  readonly recorded?: (totals: { partitions: number; objects: number; bytes: number }) => void
}

const batch_objects = 10_000
const batch_partitions = 1_000
const manifest_bytes = 64 * 1024 * 1024

/** Turns listings of partitions into observations and records them in batches, so memory holds one batch. */
export function partitionObserver(feed: Feed, context: ObserverContext): PartitionObserver {
  const { ledger, now } = context
  const partitions: DiscoveredPartition[] = []
  const strays: Stray[] = []
  const names = new Set<string>()
  let pending: PartitionObservation[] = []
  let pending_objects = 0
  let objects_seen = 0
  let bytes_seen = 0
  let new_partitions = 0
  let new_objects = 0
  let requests = 0

  const flush = async () => {
    if (pending.length === 0) return
    const batch = pending
    pending = []
    pending_objects = 0
    const result = await ledger.observe(feed.name, batch, [], now)
    new_partitions += result.new_partitions
    new_objects += result.new_objects
    context.recorded?.({ partitions: partitions.length, objects: objects_seen, bytes: bytes_seen })
  }

  return {
    async add(partition, objects) {
      // A second observation of a part of it would make the ledger believe that the rest is gone.
      if (names.has(partition)) throw disordered(feed, `partition ${partition} in two places`)
      names.add(partition)
      const keys = new Set(objects.map(({ key }) => key))
      if (keys.size < objects.length)
        throw disordered(feed, `a key of partition ${partition} twice`)
      const manifests = await readManifests(feed, objects, context)
      requests += manifests.size
      const judged = judgeCompletion(feed.completion, objects, { now, manifests })
      for (const { key } of judged.not_in_manifest) {
        const reason = 'the partition’s manifest does not name it'
        strays.push({ feed: feed.name, object: key, code: 'not_in_manifest', reason })
      }
      const control = objects.filter(({ role }) => role !== 'data')
      const { complete, waiting_for, completed_at, detail, data } = judged
      pending.push({
        partition,
        objects: [...data, ...control],
        complete,
        ...(waiting_for === undefined ? {} : { waiting_for }),
        ...(completed_at === undefined ? {} : { completed_at }),
      })
      const bytes = data.reduce((sum, { size }) => sum + size, 0)
      partitions.push({
        partition,
        objects: data.length,
        bytes,
        complete,
        ...(waiting_for === undefined ? {} : { waiting_for }),
        ...(detail === undefined ? {} : { detail }),
      })
      objects_seen += data.length
      bytes_seen += bytes
      pending_objects += objects.length
      if (pending_objects >= batch_objects || pending.length >= batch_partitions) await flush()
    },
    async end() {
      await flush()
      partitions.sort((a, b) => (a.partition < b.partition ? -1 : 1))
      return { partitions, new_partitions, new_objects, strays, requests }
    },
  }
}

function disordered(feed: Feed, what: string): ExchangeError {
  const message = `The listing of feed ${feed.name} is not in key order: it gave ${what}.`
  return new ExchangeError('listing_disordered', message, { details: { feed: feed.name } })
}

async function readManifests(
  feed: Feed,
  objects: readonly ObjectSeen[],
  context: ObserverContext,
): Promise<Map<string, ManifestContent>> {
  const contents = new Map<string, ManifestContent>()
  for (const manifest of objects) {
    if (manifest.role !== 'manifest') continue
    contents.set(manifest.key, await readManifest(feed, manifest, context))
  }
  return contents
}

async function readManifest(
  feed: Feed,
  manifest: ObjectSeen,
  context: ObserverContext,
): Promise<ManifestContent> {
  const { key, version, size } = manifest
  if (size > manifest_bytes) return { invalid: `it has ${size} bytes, more than ${manifest_bytes}` }
  const io = { if_match: version, ...(context.signal ? { signal: context.signal } : {}) }
  try {
    const chunks: Uint8Array[] = []
    for await (const chunk of await context.store.read(key, io)) chunks.push(chunk)
    const text = new TextDecoder('utf-8', { fatal: true }).decode(joined(chunks))
    return parseManifest(text, { key, base: keyBase(feed.prefix) })
  } catch (error) {
    // Replaced since it was listed: the next run reads the new one.
    if (error instanceof ExchangeError && /^object_(changed|not_found)$/.test(error.code)) {
      return { invalid: 'it changed while it was read' }
    }
    if (error instanceof TypeError) return { invalid: 'it is not UTF-8 text' }
    throw error
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
