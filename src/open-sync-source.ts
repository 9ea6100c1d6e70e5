import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { glob, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Output } from './core/destination/output.ts'
import type { JsonSchema, Stream } from './core/destination/stream.ts'
import { ExchangeError } from './core/errors.ts'
import type { AirbyteSource, StreamSource, SyncSettings } from './core/sync.ts'
import { type Duckdb, literal } from './duckdb/duckdb.ts'
import { airbyteSource } from './exchange/sync/airbyte-source.ts'
import {
  type FoundFile,
  fileSource,
  findFile,
  type LinesOptions,
  pipeSource,
  unsentFiles,
} from './exchange/sync/file-source.ts'
import { jsonSchemaOf, type TypedColumn } from './exchange/sync/inferred-schema.ts'
import { queryColumns, queryLines } from './exchange/sync/query-source.ts'
import type { SyncSource } from './exchange/sync/sync-source.ts'
import { expandFile, packingOf } from './expand-file.ts'
import { skipValue } from './format/encode/json-skip.ts'
import type { Ledger, SyncState } from './ledger/ledger.ts'
import { openAirbyte } from './open-airbyte-source.ts'
import type { OpenDestination } from './open-destination.ts'
import { readDocument } from './read-document.ts'
import type { Planned, Surroundings } from './sync.ts'

interface SourceSurroundings extends Surroundings {
  readonly opened: OpenDestination
}

/** Makes what a sync's settings say into a source, with everything they name read. */
export async function sourceOf(
  planned: Planned,
  surroundings: SourceSurroundings,
): Promise<SyncSource> {
  const { source } = planned.settings
  if (source.type === 'airbyte') return airbyteOf(planned, source, surroundings)
  const { app, request, ledger, opened } = surroundings
  const settings = planned.settings
  const work_dir = opened.context.work_dir
  const lines = (json_schema: JsonSchema): LinesOptions => ({
    endOfValue: skipValue,
    digest,
    stream: streamOf(settings, source, json_schema),
  })
  const declared = await declaredSchema(planned, source)
  const infers = declared === undefined && needsSchema(opened.context.destination.output)
  const inferred = async (files: readonly string[]) =>
    infers ? jsonSchemaOf(await columnsOf(files, opened), { times: false }) : (declared ?? ANY)
  if (source.type === 'query') {
    const query = {
      sql: source.sql,
      engine: app.engine,
      snapshots: await app.snapshots(source.sql),
    }
    const columns = await queryColumns(query)
    const input = () => queryLines({ ...query, columns, dir: work_dir })
    const schema = declared ?? jsonSchemaOf(columns, { times: true })
    return pipeSource(input, { ...lines(schema), name: 'the query', repeatable: true })
  }
  if (source.type === 'files') {
    const files = await filesOf(source.paths, planned.dir)
    const telling = infers ? await filesWithColumns(files, { planned, ledger }) : []
    const schema = await inferred(telling.map(({ path }) => path))
    return fileSource(files, { ...lines(schema), readFile: expandFile })
  }
  const stdin = () => request.stdin?.() ?? nothing()
  const piped = { name: 'standard input', repeatable: false }
  if (!infers) return pipeSource(stdin, { ...lines(declared ?? ANY), ...piped })
  // What the records are is known once all have come.
  const path = join(work_dir, 'stdin.jsonl')
  await writeFile(path, stdin(), { signal: app.signal })
  const schema = await inferred([path])
  return pipeSource(() => expandFile(path), { ...lines(schema), ...piped })
}

/** Names of any length in a ledger's key. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

const ANY: JsonSchema = { type: 'object' }
async function* nothing(): AsyncGenerator<Uint8Array> {}

function streamOf(
  { mode, primary_key, cursor_field }: SyncSettings,
  { stream, namespace }: StreamSource,
  json_schema: JsonSchema,
): Stream {
  return {
    name: stream,
    ...(namespace === undefined ? {} : { namespace }),
    json_schema,
    write_mode: mode ?? 'append',
    primary_key,
    cursor_field: cursor_field ?? [],
  }
}

/** Whether objects have columns that come from the records' schema. */
const needsSchema = (output: Output): boolean =>
  output.type === 'avro' || output.type === 'parquet' || (output.type === 'csv' && output.flatten)

async function declaredSchema(
  { dir, name }: Planned,
  { json_schema }: StreamSource,
): Promise<JsonSchema | undefined> {
  if (json_schema === undefined) return undefined
  return readDocument(resolve(dir, json_schema), `Sync ${name}: json_schema`)
}

/** Files by name, each once. Throws `usage` for a name without wildcards that is no file. */
async function filesOf(paths: readonly string[], dir: string): Promise<readonly FoundFile[]> {
  const found = new Set<string>()
  for (const path of paths) {
    if (!/[*?[\]{}]/.test(path)) found.add((await findFile(resolve(dir, path))).path)
    else for await (const name of glob(path, { cwd: dir })) found.add(resolve(dir, name))
  }
  const files: FoundFile[] = []
  for (const path of [...found].sort()) {
    // A pattern finds folders, too.
    const file = await findFile(path).catch((cause: unknown) => {
      if (cause instanceof ExchangeError && cause.cause === undefined) return undefined
      throw cause
    })
    if (file !== undefined) files.push(file)
  }
  return files
}

/** Files that say which columns there are: where all rows are written, anew or merged, those of all files. */
async function filesWithColumns(
  files: readonly FoundFile[],
  { planned, ledger }: { readonly planned: Planned; readonly ledger: Ledger },
): Promise<readonly FoundFile[]> {
  const { mode = 'append' } = planned.settings
  if (mode !== 'append') return files
  const states: readonly SyncState[] = await ledger.syncStates(planned.name)
  return unsentFiles(files, states, digest).unsent
}

/** A line may be longer than DuckDB expects; it takes twice this much memory for each thread. */
const LINE_BYTES = [16 << 20, 255 << 20]

/** Columns of JSON lines, by all of them. */
async function columnsOf(
  files: readonly string[],
  { context }: OpenDestination,
): Promise<readonly TypedColumn[]> {
  const filled: string[] = []
  for (const path of files) {
    if ((await findFile(path)).size > 0) filled.push(await asDuckdbReads(path, context.work_dir))
  }
  if (filled.length === 0) return []
  await using duckdb = await context.openDuckdb()
  const describe = (longest: number) =>
    describeLines(duckdb, `[${filled.map(literal).join(', ')}]`, longest)
  const [usual = 0, longest = 0] = LINE_BYTES
  // Awaited here: the session ends with this function.
  return await describe(usual)
    .catch((error: Error) => {
      if (!error.message.includes('maximum_object_size')) throw error
      return describe(longest)
    })
    .catch((cause: Error) => {
      const [first] = cause.message.split('\n')
      throw new ExchangeError('record_invalid', `The records have no readable schema: ${first}`, {
        cause,
        hint: 'Each line is one JSON object; or name a JSON schema of the records.',
      })
    })
}

/** DuckDB unpacks gzip and zstd, and tells them by the name. Everything else is unpacked for it. */
async function asDuckdbReads(path: string, work_dir: string): Promise<string> {
  const packing = await packingOf(path)
  const named = /\.(gz|zst)$/.exec(path)?.[1]
  if (packing === (named === undefined ? 'none' : { gz: 'gzip', zst: 'zstd' }[named])) return path
  const unpacked = join(work_dir, `${digest(path)}.jsonl`)
  await pipeline(expandFile(path), createWriteStream(unpacked))
  return unpacked
}

async function describeLines(duckdb: Duckdb, files: string, longest: number) {
  const rows = await duckdb.all<{ column_name: string; column_type: string }>(
    `DESCRIBE SELECT * FROM read_json(${files}, format = 'newline_delimited', records = true,
       sample_size = -1, union_by_name = true, map_inference_threshold = -1,
       convert_strings_to_integers = false, maximum_object_size = ${longest})`,
  )
  return rows.map(({ column_name, column_type }) => ({ name: column_name, type: column_type }))
}

async function airbyteOf(
  { name, settings, dir }: Planned,
  source: AirbyteSource,
  { app, opened }: SourceSurroundings,
): Promise<SyncSource> {
  const { base_dir, env, signal } = app
  const { mode } = settings
  const { catalog, options } = await openAirbyte({
    ...{ source, dir, base_dir, env, signal, digest },
    ...(mode === undefined ? {} : { mode }),
    name: `Sync ${name}`,
    work_dir: join(opened.context.work_dir, 'source'),
    log: (level, message) => app.observe({ type: 'said', sync: name, level, message }),
  })
  return airbyteSource(catalog, options)
}
