import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { literal } from '../../src/duckdb/duckdb.ts'
import type { Context } from '../benchmark.ts'
import { madeData } from '../made-data.ts'

/** Number of records that the goals are about, and the bytes of their lines. */
export const RECORDS = 1_000_000
export const RECORD_BYTES = 286_000_000

const text = { type: ['null', 'string'] }
const integer = { type: ['null', 'integer'] }
const number = { type: ['null', 'number'] }

/** Twelve flat fields as a source declares them (Airbyte protocol v0). */
export const RECORD_SCHEMA = {
  type: 'object',
  properties: {
    id: integer,
    account: integer,
    at: { type: ['null', 'string'], format: 'date-time' },
    kind: text,
    page: text,
    country: text,
    device: text,
    note: text,
    price: number,
    score: number,
    quantity: integer,
    paid: { type: ['null', 'boolean'] },
  },
} as const

/** One SELECT of record messages, each a struct as its line is to be; in order of time. */
function recordsSql(rows: number, streams: number): string {
  const draw = (salt: string, below: number) => `(hash(i, '${salt}') % ${below})::INTEGER`
  const one = (salt: string, words: readonly string[]) =>
    `[${words.map((w) => `'${w}'`).join(', ')}][1 + ${draw(salt, words.length)}]`
  // Of one length whatever the number of streams, so that the bytes are the same.
  const stream = `'events' || lpad((hash(i, 'stream') % ${streams})::VARCHAR, 2, '0')`
  return `
SELECT 'RECORD' AS type, {
  'stream': ${stream},
  'data': {
    'id': 1000000 + i,
    'account': 10000 + ${draw('account', 90_000)},
    'at': strftime(TIMESTAMP '2023-01-01' + to_seconds(i), '%Y-%m-%dT%H:%M:%SZ'),
    'kind': ${one('kind', ['view', 'view', 'view', 'click', 'order', 'refund'])},
    'page': '/item/' || (10000 + ${draw('page', 60_000)}),
    'country': ${one('country', ['KR', 'JP', 'US', 'DE', 'BR', 'FR'])},
    'device': ${one('device', ['phone', 'tablet', 'laptop', 'other'])},
    'note': ${one('note', ['blue', 'green', 'say "hi"', 'zażółć'])} || ' ' || ${draw('note2', 1000)},
    'price': ${draw('price', 100_000)} / 100.0::DOUBLE,
    'score': ${draw('score', 10_000)} / 10000.0::DOUBLE,
    'quantity': 1 + ${draw('quantity', 9)},
    'paid': ${draw('paid', 2)} = 1 },
  'emitted_at': 1700000000000 + i } AS record
FROM range(${rows}) AS numbers(i)`
}

/** Wrapped records in a file, and what a source says when they are over in another. */
export interface AirbyteRecords {
  readonly rows: number
  readonly streams: readonly string[]
  /** RECORD lines only. */
  readonly records: string
  /** A STATE and a COMPLETE status of each stream. */
  readonly ending: string
}

/** Records of so many streams, interleaved at random; the same on every machine. */
export async function airbyteRecords(
  context: Context,
  { rows, streams }: { readonly rows: number; readonly streams: number },
): Promise<AirbyteRecords> {
  const names = Array.from({ length: streams }, (_, at) => `events${String(at).padStart(2, '0')}`)
  const dir = await madeData(
    context,
    { name: `airbyte-records-${streams}`, version: 1, rows },
    async (into, db) => {
      await db.run(
        `COPY (${recordsSql(rows, streams)}) TO ${literal(join(into, 'records.jsonl'))} (FORMAT json)`,
      )
      const lines = names.flatMap((name) => [stateLine(name, rows), completeLine(name)])
      await writeFile(join(into, 'ending.jsonl'), lines.join(''))
    },
  )
  const [records, ending] = [join(dir, 'records.jsonl'), join(dir, 'ending.jsonl')]
  return { rows, streams: names, records, ending }
}

/** The configured catalog for them: every stream appended. */
export const catalogOf = (streams: readonly string[]): object => ({
  streams: streams.map((name) => ({
    stream: { name, json_schema: RECORD_SCHEMA, supported_sync_modes: ['full_refresh'] },
    sync_mode: 'full_refresh',
    destination_sync_mode: 'append',
  })),
})

const stateLine = (name: string, at: number): string =>
  `${JSON.stringify({
    type: 'STATE',
    state: { type: 'STREAM', stream: { stream_descriptor: { name }, stream_state: { at } } },
  })}\n`

const completeLine = (name: string): string =>
  `${JSON.stringify({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1_700_000_000_000,
      stream_status: { stream_descriptor: { name }, status: 'COMPLETE' },
    },
  })}\n`
