import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Destination } from '../../core/destination/destination.ts'
import type { Output } from '../../core/destination/output.ts'
import { extensionOf } from '../../core/destination/output.ts'
import { type Stream, streamLabel } from '../../core/destination/stream.ts'
import { ExchangeError } from '../../core/errors.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import type { Encoder, Encoding, OpenPart } from '../../format/encode/encode.ts'
import type { ObjectStore } from '../../store/store.ts'
import type { SentObject } from './attempt-log.ts'
import type { ControlKeys } from './control.ts'
import { type FoundManifest, readManifests } from './manifest.ts'
import { StreamWriter } from './stream-writer.ts'
import type { Uploads } from './uploads.ts'

/**
 * How the rows of a stream that is merged by key are kept beside its objects, whatever format those have:
 * nothing of a record is lost in them. DuckDB reads gzip by itself.
 */
export const ROWS_OUTPUT: Output = { type: 'jsonl', flatten: false, compression: 'gzip' }

export interface Merged {
  /** The new objects of the stream, and the new base. */
  readonly objects: readonly SentObject[]
  /** What they take the place of: objects, rows, manifests. */
  readonly superseded: readonly string[]
}

/** Refuses a stream whose objects were written without keeping rows: they cannot be merged with. */
export async function refuseUnmergeable(
  store: ObjectStore,
  control: ControlKeys,
  stream: Stream,
): Promise<void> {
  const manifests = await readManifests(store, control.stream(stream))
  const rows = control.rows(stream)
  const plain = manifests.find(
    ({ objects }) => objects.length > 0 && !objects.some(({ key }) => key.startsWith(rows)),
  )
  if (plain === undefined || replacesAll(stream, manifests)) return
  throw new ExchangeError(
    'stream_not_mergeable',
    `The objects of ${streamLabel(stream)} were written without a key, so new rows cannot be merged with them.`,
    { hint: 'Sync the stream once as Full Refresh - Overwrite, or into another path.' },
  )
}

const replacesAll = (stream: Stream, manifests: readonly FoundManifest[]): boolean =>
  manifests.every((each) => isReplaced(stream, each))

const isReplaced = (stream: Stream, manifest: FoundManifest): boolean =>
  (manifest.generation_id ?? 0) < (stream.minimum_generation_id ?? 0)

/**
 * Merges what has come of a stream with what there is: of rows of one key the one with the greatest cursor
 * stays, of equal ones the one extracted later, then the later one. A row whose winner says that it was
 * deleted (`_ab_cdc_deleted_at`) goes. Undefined where there is nothing to merge.
 */
export async function mergeStream(options: {
  readonly store: ObjectStore
  readonly control: ControlKeys
  readonly destination: Destination
  readonly stream: Stream
  readonly index: number
  readonly attempt_id: string
  /** What this attempt committed of the stream. */
  readonly own: readonly SentObject[]
  readonly encoding: Encoding
  readonly rows_encoding: Encoding
  readonly encoder: Encoder
  readonly openPart: OpenPart
  readonly openDuckdb: () => Promise<Duckdb>
  readonly uploads: Uploads
  readonly work_dir: string
  readonly signal: AbortSignal
}): Promise<Merged | undefined> {
  const { store, control, stream, attempt_id, own } = options
  const found = await readManifests(store, control.stream(stream))
  const manifests = found.filter((each) => each.attempt_id !== attempt_id)
  const prefix = control.rows(stream)
  const kept = manifests.filter((each) => !isReplaced(stream, each))
  const rows = [...kept.flatMap(({ objects }) => objects), ...own].filter(({ key }) =>
    key.startsWith(prefix),
  )
  const filled = kept.filter(({ objects }) => objects.length > 0)
  // A sync that did not come to its end has left rows and no object.
  const isMerged = filled.every(({ objects }) => objects.some(({ key }) => !key.startsWith(prefix)))
  const is_needless = own.length === 0 && filled.length <= 1 && isMerged
  if (is_needless && kept.length === manifests.length) return undefined
  const dir = join(options.work_dir, `merge-${options.index}`)
  await mkdir(dir, { recursive: true })
  try {
    const files = await fetchRows(options, rows, dir)
    const objects = await writeMerged(options, files, dir)
    const superseded = [
      ...manifests.flatMap(({ objects: old, manifest }) => [
        ...old.map(({ key }) => key),
        manifest,
      ]),
      ...own.map(({ key }) => key),
    ]
    return { objects, superseded }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function fetchRows(
  { store, signal }: { readonly store: ObjectStore; readonly signal: AbortSignal },
  rows: readonly { readonly key: string }[],
  dir: string,
): Promise<string[]> {
  const files: string[] = []
  for (const [at, { key }] of rows.entries()) {
    // The order of names is the order in which DuckDB reads them.
    const file = join(dir, `${String(at).padStart(6, '0')}.jsonl.gz`)
    await pipeline(Readable.fromWeb(await store.read(key, { signal })), createWriteStream(file))
    files.push(file)
  }
  return files
}

async function writeMerged(
  options: Parameters<typeof mergeStream>[0],
  files: readonly string[],
  dir: string,
): Promise<SentObject[]> {
  if (files.length === 0) return []
  const { uploads, stream, index, destination } = options
  const uploading: Promise<SentObject>[] = []
  const writer = (
    encoding: Encoding,
    name: string,
    fixed?: { prefix: string; extension: string },
  ) =>
    new StreamWriter(encoding, {
      encoder: options.encoder,
      openPart: options.openPart,
      rollover: destination,
      block_bytes: 2 << 20,
      partPath: (n) => join(dir, `${name}-${n}`),
      memory: () => {},
      closed: ({ path, bytes, records, partition }) => {
        const upload = uploads.upload({
          path,
          bytes,
          records,
          partition,
          stream: index,
          of: stream,
          ...(fixed === undefined ? {} : { fixed }),
        })
        upload.catch(() => {})
        uploading.push(upload)
      },
    })
  const writers = [
    writer(options.encoding, 'merged'),
    writer(options.rows_encoding, 'rows', {
      prefix: options.control.rows(stream),
      extension: extensionOf(ROWS_OUTPUT),
    }),
  ]
  try {
    for await (const lines of mergedLines(options, files)) {
      for (const each of writers) {
        for (const line of lines) each.take({ source: line, from: 0, to: line.length, records: 1 })
        each.cut()
        await each.settled()
      }
      options.signal.throwIfAborted()
    }
    for (const each of writers) {
      each.send()
      await each.closeAll()
    }
    return await Promise.all(uploading)
  } finally {
    await Promise.allSettled(uploading)
    for (const each of writers) await each.discard()
  }
}

/** The rows that stay, as RECORD messages. */
async function* mergedLines(
  { stream, openDuckdb }: Pick<Parameters<typeof mergeStream>[0], 'stream' | 'openDuckdb'>,
  files: readonly string[],
): AsyncGenerator<Uint8Array[]> {
  const { name, namespace, primary_key, cursor_field } = stream
  const key = primary_key.flatMap((path) => [data(path), digits(path)]).join(', ')
  const text = `json_extract_string(${data(cursor_field)}, '$')`
  // Numbers are compared as numbers, everything else as text, which is right for times in ISO form.
  const cursor =
    cursor_field.length === 0
      ? []
      : [`TRY_CAST(${text} AS HUGEINT)`, `TRY_CAST(${text} AS DOUBLE)`, text]
  const by = [...cursor, "CAST(json->>'_airbyte_extracted_at' AS BIGINT)", 'n']
    .map((each) => `${each} DESC NULLS LAST`)
    .join(', ')
  await using duckdb = await openDuckdb()
  // All rows are read before the first one comes out, so a row that is too long shows before any is given.
  const query = (longest_row: number) =>
    duckdb.connection.stream(`
    WITH numbered AS (
      SELECT json, row_number() OVER () AS n
      FROM read_ndjson_objects([${files.map(literal).join(', ')}], maximum_object_size=${longest_row})
    ), ranked AS (
      SELECT json, n, row_number() OVER (PARTITION BY ${key} ORDER BY ${by}) AS place FROM numbered
    )
    SELECT json FROM ranked
    WHERE place = 1 AND coalesce(json_type(${data(['_ab_cdc_deleted_at'])}), 'NULL') = 'NULL'
    ORDER BY n`)
  const result = await query(USUAL_ROW_BYTES).catch((error: Error) => {
    if (!error.message.includes('maximum_object_size')) throw error
    return query(LONGEST_ROW_BYTES)
  })
  const encoder = new TextEncoder()
  const head = JSON.stringify({ stream: name, ...(namespace === undefined ? {} : { namespace }) })
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    yield chunk.getColumnValues(0).map((row) => encoder.encode(recordOf(String(row), head)))
  }
}

/** DuckDB takes twice this much memory for each thread. */
const USUAL_ROW_BYTES = 8 << 20
const LONGEST_ROW_BYTES = 256 << 20

const data = (path: readonly string[]): string =>
  `json_extract(json, ${literal(['_airbyte_data', ...path].map(pointer).join(''))})`

/**
 * DuckDB reads numbers beyond 64 bits as doubles: the digits of such a key are looked at, too, so that
 * different keys stay different.
 */
function digits(path: readonly string[]): string {
  const name = JSON.stringify(path.at(-1)).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  const pattern = `${name}\\s*:\\s*(-?[0-9][0-9.eE+-]*)`
  return `CASE json_type(${data(path)}) WHEN 'DOUBLE' THEN regexp_extract(json, ${literal(pattern)}, 1) END`
}

/** A kept row as the RECORD message it came as; its text is cut, never parsed, so that no digit is lost. */
function recordOf(row: string, head: string): string {
  const found = ROW.exec(row)
  if (found === null) throw new Error('a kept row is not as it was written')
  const [start, extracted_at, meta] = found as unknown as [string, string, string]
  const changes = /^\{"sync_id":-?\d+,"changes":(\[.*\])\}$/.exec(meta)?.[1] ?? '[]'
  const record = row.slice(start.length, row.lastIndexOf('}'))
  return `{"type":"RECORD","record":${head.slice(0, -1)},"data":${record},"emitted_at":${extracted_at},"meta":{"changes":${changes}}}}\n`
}

const ROW =
  /^\{"_airbyte_raw_id":"[^"]*","_airbyte_extracted_at":(\d+),"_airbyte_meta":(\{.*?\}),"_airbyte_generation_id":-?\d+,"_airbyte_data":/

/** One step of a JSON pointer (RFC 6901 §3). */
const pointer = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
