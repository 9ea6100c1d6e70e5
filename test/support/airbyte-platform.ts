import { setTimeout as delay } from 'node:timers/promises'
import type { S3Server } from '../servers/s3-bucket.ts'
import { type Bucket, openBucket } from './airbyte-bucket.ts'
import { type Ended, startConnector, write } from './airbyte-connector.ts'
import {
  type ConfiguredStream,
  catalogOf,
  recordLine,
  stateAt,
  stateLine,
  stateName,
  statusLine,
} from './airbyte-messages.ts'

/**
 * A platform with a source that keeps a state for each stream, and a destination that is killed: what it
 * received of the states decides what the source sends again.
 */

/** Records of each stream, and after how many a state comes. */
export const RECORDS = 120
const STATE_EVERY = 10
/** Ids of what earlier syncs have written. */
const OLD_IDS = [1001, 1002, 1003, 1004, 1005]

export const STREAMS: readonly ConfiguredStream[] = [
  { name: 'appended', mode: 'append', generation_id: 2, minimum_generation_id: 0 },
  { name: 'replaced', mode: 'overwrite', generation_id: 2, minimum_generation_id: 2 },
  { name: 'merged', mode: 'append_dedup', generation_id: 2, minimum_generation_id: 0 },
  { name: 'also appended', mode: 'append', generation_id: 2, minimum_generation_id: 0 },
]
const OLD_STREAMS = STREAMS.map((each) => ({
  ...each,
  generation_id: 1,
  minimum_generation_id: 0,
}))

interface Row {
  readonly id: number
  readonly v: string
}
type Rows = Readonly<Record<string, readonly Row[]>>

export type Platform = Awaited<ReturnType<typeof openPlatform>>

/** Short-lived parts: a commit after almost every state. */
const SETTINGS = { max_part_age_seconds: 0.02 }

/** A bucket in which each stream has rows of an earlier sync: what trials begin with. */
export async function openTemplate(server: S3Server, name: string, dir: string): Promise<Bucket> {
  const bucket = await openBucket(server, name)
  const old = await write(
    { config: bucket.config(SETTINGS), catalog: catalogOf(OLD_STREAMS), dir },
    [
      ...OLD_STREAMS.flatMap((stream) =>
        OLD_IDS.map((id) => recordLine(stream, { id, at: 0, v: 'old' })),
      ),
      ...OLD_STREAMS.map((stream) => statusLine(stream, 'COMPLETE')),
    ],
  )
  if (old.code !== 0) throw new Error(JSON.stringify(old.errors))
  return bucket
}

/** A platform with a copy of the template, in a bucket `name` of its own. */
export async function openPlatform(server: S3Server, name: string, from: Bucket, dir: string) {
  const bucket = await openBucket(server, name)
  await bucket.copyFrom(from)
  return platformOf(bucket, bucket.config(SETTINGS), dir)
}

const idsIn = (text: string): number[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { _airbyte_data: Row })._airbyte_data.id)

async function platformOf(bucket: Bucket, config: object, dir: string) {
  /** The last state received of each stream, by what it says. */
  const received = new Map<string, number>()
  const allowed = new Map<string, number[]>(STREAMS.map(({ name }) => [name, []]))
  const seen = new Set<string>()
  const begun = new Set<string>()
  const contents = new Map<string, readonly number[]>()
  for (const key of await bucket.objects()) contents.set(key, idsIn(await bucket.text(key)))

  /** Moments at which a reader of the replaced stream saw neither all that was old nor all that is new. */
  async function torn(watched: readonly (readonly string[])[]): Promise<string[][]> {
    const found: string[][] = []
    for (const keys of watched) {
      const own = keys.filter((key) => key.startsWith('lake/replaced/'))
      const seen = new Set<number>()
      for (const key of own) {
        // A key that is gone was taken back, and held nothing that counts.
        const ids = contents.get(key) ?? (await bucket.text(key).then(idsIn, () => []))
        contents.set(key, ids)
        for (const id of ids) seen.add(id)
      }
      if (!OLD_IDS.every((id) => seen.has(id)) && !NEW_IDS.every((id) => seen.has(id)))
        found.push(own)
    }
    return found
  }

  /** What readers see in the objects of each stream. */
  async function visible(): Promise<Rows> {
    return rowsOf(bucket, await bucket.objects())
  }

  async function attempt(how: {
    readonly crash_at?: string
    readonly kill_after_ms?: number
  }): Promise<Ended & { readonly torn: readonly string[][] }> {
    const { crash_at, kill_after_ms } = how
    const { child, ended } = await startConnector('write', {
      config,
      catalog: catalogOf(STREAMS),
      dir,
      ...(crash_at === undefined ? {} : { env: { BUCKETLINE_CRASH_AT: crash_at } }),
    })
    const timer =
      kill_after_ms === undefined
        ? undefined
        : setTimeout(() => child.kill('SIGKILL'), kill_after_ms)
    let runs = true
    const ready = Promise.withResolvers<void>()
    const feeding = (async () => {
      // While it starts, all input would gather in the pipe and come as one piece.
      await ready.promise
      for (const lines of source(received)) {
        if (!runs) return
        child.stdin?.write(lines.map((line) => `${line}\n`).join(''))
        await delay(15)
      }
      child.stdin?.end()
    })()
    const watched: string[][] = []
    const watching = (async () => {
      while (runs) {
        const keys = await bucket.keys()
        const beginning = keys.filter((key) => key.endsWith('/000000.json') && !begun.has(key))
        for (const key of beginning) begun.add(key)
        if (beginning.length > 0) ready.resolve()
        watched.push(keys)
        await delay(20)
      }
    })()
    const end = await ended
    clearTimeout(timer)
    runs = false
    ready.resolve()
    await Promise.all([feeding, watching])
    for (const line of end.states) received.set(stateName(line).name, stateAt(line))
    return { ...end, torn: await torn(watched) }
  }

  /** Records that the log of the attempt just killed says are committed, and no received state covers. */
  async function noteCommitted(): Promise<void> {
    const keys = (await bucket.keys()).filter((key) => key.includes('/_bucketline/attempts/'))
    const entries = keys.filter((key) => key.endsWith('.json')).sort()
    const attempts = new Set(entries.map((key) => key.split('/').at(-2) as string))
    for (const attempt_id of attempts) {
      if (seen.has(attempt_id)) continue
      seen.add(attempt_id)
      for (const key of entries.filter((each) => each.includes(`/${attempt_id}/`))) {
        const entry = JSON.parse(await bucket.text(key)) as { type: string; keys?: string[] }
        if (entry.type !== 'commit') continue
        const rows = await rowsOf(bucket, entry.keys ?? [])
        for (const [name, found] of Object.entries(rows)) {
          const upto = received.get(name) ?? 0
          allowed.get(name)?.push(...found.flatMap(({ id }) => (id > upto ? [id] : [])))
        }
      }
    }
  }

  return {
    bucket,
    received,
    allowed,
    visible,
    attempt,
    noteCommitted,
    close: () => bucket.close(),
  }
}

/** What the source sends from the states on, in pieces: some records of each stream and their states. */
function* source(from: ReadonlyMap<string, number>): Generator<string[]> {
  yield STREAMS.map((stream) => statusLine(stream, 'STARTED'))
  for (let at = 0; at < RECORDS; at += STATE_EVERY) {
    yield STREAMS.flatMap((stream) => {
      const start = Math.max(at, from.get(stream.name) ?? 0)
      const ids = Array.from({ length: at + STATE_EVERY - start }, (_, n) => start + n + 1)
      if (ids.length === 0) return []
      return [
        ...ids.map((id) => recordLine(stream, { id, at: 1, v: 'new' })),
        stateLine(stream, at + STATE_EVERY, ids.length),
      ]
    })
  }
  yield STREAMS.map((stream) => statusLine(stream, 'COMPLETE'))
}

async function rowsOf(bucket: Bucket, keys: readonly string[]): Promise<Rows> {
  const found: Record<string, Row[]> = Object.fromEntries(STREAMS.map(({ name }) => [name, []]))
  for (const key of keys) {
    const stream = STREAMS.find(({ name }) => key.startsWith(`lake/${name.replaceAll(' ', '_')}/`))
    if (stream === undefined) continue
    const lines = (await bucket.text(key)).split('\n').filter(Boolean)
    found[stream.name]?.push(
      ...lines.map((line) => (JSON.parse(line) as { _airbyte_data: Row })._airbyte_data),
    )
  }
  return found
}

export const NEW_IDS: readonly number[] = Array.from({ length: RECORDS }, (_, at) => at + 1)
export { OLD_IDS }
