import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readAirbyteConfig } from '../../src/core/destination/airbyte-config.ts'
import type { Destination } from '../../src/core/destination/destination.ts'
import type { Stream } from '../../src/core/destination/stream.ts'
import { openDuckdb } from '../../src/duckdb/duckdb.ts'
import { openSend, type Send, type SendContext } from '../../src/exchange/send/send.ts'
import { openEncoder } from '../../src/format/encode/encode-pool.ts'
import { openPart } from '../../src/format/encode/open-part.ts'
import { openMemory } from '../../src/store/memory.ts'
import { isKeyPrefix, type ObjectStore } from '../../src/store/store.ts'

const { destination: DESTINATION } = readAirbyteConfig(
  {
    s3_bucket_name: 'bucket',
    s3_bucket_path: 'lake',
    s3_bucket_region: 'us-east-1',
    format: { format_type: 'JSONL' },
  },
  {},
)

export interface BeginSend extends Partial<Pick<SendContext, 'emit' | 'lastCommit'>> {
  readonly streams: readonly Stream[]
  readonly settings?: Partial<Destination>
}

export type SendBench = Awaited<ReturnType<typeof openSendBench>>

/** A bucket, in memory unless given, and what sending JSON lines under `lake/` in it takes. */
export async function openSendBench(store: ObjectStore = openMemory()) {
  const dir = await mkdtemp(join(tmpdir(), 'bucketline-send-test-'))
  const encoder = openEncoder({ threads: 1 })
  const context = async (
    settings: Partial<Destination> = {},
  ): Promise<Omit<SendContext, 'streams' | 'emit'>> => {
    const work_dir = await mkdtemp(join(dir, 'work-'))
    return {
      store,
      destination: { ...DESTINATION, ...settings },
      encoder,
      openPart: (encoding, path) => openPart(encoding, path, encoder),
      openDuckdb: () => openDuckdb({ memory_limit: '256MB', spill_dir: join(work_dir, 'spill') }),
      work_dir,
      now: () => new Date(),
      signal: new AbortController().signal,
      step: () => {},
    }
  }
  return {
    store,

    context,

    begin: async ({ streams, settings, ...more }: BeginSend): Promise<Send> =>
      openSend({ ...(await context(settings)), streams, emit: async () => {}, ...more }),

    async keys(prefix = 'lake/'): Promise<string[]> {
      const found: string[] = []
      for await (const entry of store.list(prefix)) if (!isKeyPrefix(entry)) found.push(entry.key)
      return found
    },

    async [Symbol.asyncDispose]() {
      await encoder[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A stream for tests that say only what matters to them. */
export const sampleStream = (name: string, own: Partial<Stream> = {}): Stream => ({
  name,
  json_schema: { type: 'object', properties: { id: { type: 'integer' }, v: { type: 'string' } } },
  write_mode: 'append',
  cursor_field: [],
  primary_key: [],
  ...own,
})

/** A RECORD message without its line break. */
export const recordLine = (stream: string, data: unknown): string =>
  JSON.stringify({ type: 'RECORD', record: { stream, data, emitted_at: 1_700_000_000_000 } })

/** Hands over one record of the send's first stream, past the receiver of messages. */
export function sendRecord(send: Send, line: string): void {
  const bytes = Buffer.from(`${line}\n`)
  send.records(0, { source: bytes, from: 0, to: bytes.length, records: 1 })
}
