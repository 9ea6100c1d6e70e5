import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readAirbyteConfig } from '../../core/destination/airbyte-config.ts'
import type { Stream } from '../../core/destination/stream.ts'
import { openDuckdb } from '../../duckdb/duckdb.ts'
import type { Encoder } from '../../format/encode/encode.ts'
import { type EncodePool, openEncoder } from '../../format/encode/encode-pool.ts'
import { openPart } from '../../format/encode/open-part.ts'
import { openMemory } from '../../store/memory.ts'
import { isKeyPrefix, type ObjectStore } from '../../store/store.ts'
import type { LogEntry } from './attempt-log.ts'
import { readJson, writeJson } from './json-object.ts'
import { openSend, type Send, type SendContext } from './send.ts'

const { destination } = readAirbyteConfig(
  {
    s3_bucket_name: 'bucket',
    s3_bucket_path: 'lake',
    s3_bucket_region: 'us-east-1',
    format: { format_type: 'JSONL' },
  },
  {},
)
const STREAM: Stream = {
  name: 'users',
  json_schema: { type: 'object' },
  write_mode: 'append',
  cursor_field: [],
  primary_key: [],
}

let dir = ''
let store: ObjectStore
let encoder: EncodePool
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bucketline-ledger-decides-'))
  store = openMemory()
  encoder = openEncoder({ threads: 1 })
})
afterEach(async () => {
  await encoder[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

async function begin(more: Pick<SendContext, 'emit' | 'lastCommit'>): Promise<Send> {
  const work_dir = await mkdtemp(join(dir, 'work-'))
  const openSession = () =>
    openDuckdb({ memory_limit: '256MB', spill_dir: join(work_dir, 'spill') })
  return openSend({
    store,
    destination,
    streams: [STREAM],
    encoder,
    openPart: (encoding, path) => openPart(encoding, path, encoder),
    openDuckdb: openSession,
    work_dir,
    now: () => new Date(),
    signal: new AbortController().signal,
    step: () => {},
    ...more,
  })
}

function sendOne(send: Send): void {
  const line = Buffer.from(
    `${JSON.stringify({ type: 'RECORD', record: { stream: 'users', data: { id: 1 }, emitted_at: 1 } })}\n`,
  )
  send.record(0, line, 0, line.length)
  send.complete(0)
}

async function keys(prefix: string): Promise<string[]> {
  const found: string[] = []
  for await (const entry of store.list(prefix)) if (!isKeyPrefix(entry)) found.push(entry.key)
  return found
}

/** A ledger that keeps a commit, or does not, and then is cut off before it answers. */
const cutOff = (keeps: boolean) => {
  let last = -1
  return {
    emit: async (_: unknown, { n }: { readonly n: number }) => {
      if (keeps) last = n
      throw new Error('the connection was lost')
    },
    lastCommit: async () => last,
  }
}

describe('a commit whose answer was lost', () => {
  it('has taken place where the ledger says so: its objects stay', async () => {
    const send = await begin(cutOff(true))
    sendOne(send)
    await expect(send.finish()).rejects.toThrow('the connection was lost')
    await send.abort()
    expect(await keys('lake/users/')).toHaveLength(1)
    expect(await keys('lake/_bucketline/attempts/')).toEqual([])
  })

  it('has not where it does not: they are taken back', async () => {
    const send = await begin(cutOff(false))
    sendOne(send)
    await expect(send.finish()).rejects.toThrow('the connection was lost')
    await send.abort()
    expect(await keys('lake/users/')).toEqual([])
  })

  it('waits for the next sync where the ledger cannot be asked: nothing is deleted', async () => {
    const send = await begin({
      ...cutOff(true),
      lastCommit: async () => {
        throw new Error('still away')
      },
    })
    sendOne(send)
    await expect(send.finish()).rejects.toThrow('the connection was lost')
    await expect(send.abort()).rejects.toThrow('still away')
    expect(await keys('lake/users/')).toHaveLength(1)
    expect(await keys('lake/_bucketline/attempts/')).not.toEqual([])
  })
})

describe('a dead attempt with a commit that a ledger decides on', () => {
  /** An attempt that was prepared and then killed, in a process that is no more. */
  async function die(): Promise<string> {
    const send = await begin({
      emit: async () => {
        throw new Error('killed')
      },
      lastCommit: () => Promise.reject(new Error('killed')),
    })
    sendOne(send)
    await send.finish().catch(() => {})
    await send.abort().catch(() => {})
    const first = `lake/_bucketline/attempts/${send.attempt_id}/000000.json`
    const entry = (await readJson<LogEntry>(store, first)) as Extract<LogEntry, { type: 'begin' }>
    await writeJson(store, first, { ...entry, writer: { ...entry.writer, started: 'long ago' } })
    return send.attempt_id
  }
  const emit = async () => {}

  const cases: readonly [string, SendContext['lastCommit'], number, number][] = [
    ['is left alone by who has no ledger', undefined, 1, 0],
    ['is left alone by who has another ledger', async () => undefined, 1, 0],
    ['is finished where its ledger knows the commit', async () => 0, 1, 1],
    ['is taken back where its ledger knows none', async () => -1, 0, 1],
  ]
  it.each(cases)('%s', async (_, lastCommit, objects, recovered) => {
    const attempt_id = await die()
    const send = await begin({ emit, ...(lastCommit === undefined ? {} : { lastCommit }) })
    const report = await send.finish()
    expect(report.recovered).toHaveLength(recovered)
    expect(await keys('lake/users/')).toHaveLength(objects)
    expect(await keys(`lake/_bucketline/attempts/${attempt_id}/`)).toHaveLength(
      recovered === 1 ? 0 : 4,
    )
  })
})
