import { basename, dirname, join, resolve } from 'node:path'
import { readCatalog } from './core/destination/catalog.ts'
import { ExchangeError } from './core/errors.ts'
import { AirbyteSource } from './core/sync.ts'
import type { DeliveryApp, DeliveryRequest } from './deliver.ts'
import { chooseStream } from './exchange/deliver/choose-stream.ts'
import { type ReceivedStream, receiveStream } from './exchange/deliver/receive-stream.ts'
import { hearSource } from './exchange/sync/airbyte-process.ts'
import { airbyteSource } from './exchange/sync/airbyte-source.ts'
import { routeLines } from './format/encode/envelope.ts'
import { dataOfRecords } from './format/encode/record-data.ts'
import type { Note } from './ledger/ledger.ts'
import { openAirbyte } from './open-airbyte-source.ts'
import { digest } from './open-sync-source.ts'
import { readSettings } from './read-config.ts'

/** Records of one stream on local disk, as JSON lines. */
export interface StagedStream {
  readonly stream: string | undefined
  readonly path: string
  readonly notes: readonly Note[]
}

/** Reads one stream of an Airbyte source, whole: one that is run, or one whose messages are piped in. */
export async function stageStream(
  request: DeliveryRequest,
  app: DeliveryApp,
): Promise<StagedStream> {
  const path = join(app.dir, 'stream.jsonl')
  const piped = request.from_airbyte === '-'
  const notes: Note[] = []
  const surroundings = { ...app, path, note: (note: Note) => void notes.push(note) }
  const received = piped
    ? await receivePiped(request, surroundings)
    : await receiveRun(request, surroundings)
  return { stream: received.stream, path, notes: [...notes, ...notesOf(received, piped)] }
}

type Surroundings = DeliveryApp & { readonly path: string; readonly note: (note: Note) => void }

/** What receiving needs, whoever runs the source. */
const receiving = (name: string, { path, observeSource }: Surroundings) => ({
  ...{ path, routeLines, dataOfRecords },
  log: (level: string, message: string) =>
    observeSource({ type: 'said', sync: name, level, message }),
  observe: (progress: { readonly records: number; readonly bytes: number }) =>
    observeSource({ type: 'advanced', sync: name, objects: 0, ...progress }),
})

async function receivePiped(
  { stdin, stream }: DeliveryRequest,
  app: Surroundings,
): Promise<ReceivedStream> {
  const { log, ...options } = receiving('standard input', app)
  const { other, failure } = hearSource(log)
  const source = { messages: stdin ?? nothing(), other, ended: async () => failure() }
  return receiveStream(source, { ...options, wanted: stream })
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function receiveRun(request: DeliveryRequest, app: Surroundings): Promise<ReceivedStream> {
  const { name, source, dir, base_dir } = await sourceOf(request, app)
  const { log, ...options } = receiving(name, app)
  const { env, now, signal, note } = app
  const opened = await openAirbyte({
    ...{ name, dir, base_dir, env, signal, digest, log },
    // A delivery has no state to go on from: all of it is read.
    ...{ source: { ...source, modes: {} }, mode: 'overwrite' },
    work_dir: join(app.dir, 'source'),
  })
  const { streams } = readCatalog(opened.catalog)
  const at = chooseStream(streams, request.stream)
  const configured = (opened.catalog as { readonly streams: readonly Configured[] }).streams[at]
  const stream = streams[at]
  if (configured === undefined || stream === undefined) throw new Error('a stream was chosen')
  const { name: stream_name, namespace } = stream
  const whole = airbyteSource({ streams: [readWhole(configured)] }, opened.options)
  await using reading = await whole.open([], { signal, now, log, note })
  return await receiveStream(reading, {
    ...options,
    stream: { name: stream_name, ...(namespace === undefined ? {} : { namespace }) },
    wanted: undefined,
  })
}

/** A stream in a configured catalog (Airbyte protocol v0, ConfiguredAirbyteStream). */
interface Configured {
  readonly generation_id?: number
  readonly minimum_generation_id?: number
  readonly sync_id?: number
}

function readWhole({ generation_id, minimum_generation_id, sync_id, ...rest }: Configured): object {
  return { ...rest, sync_mode: 'full_refresh', destination_sync_mode: 'overwrite' }
}

interface NamedSource {
  readonly name: string
  readonly source: AirbyteSource
  readonly dir: string
  readonly base_dir: string
}

/** In a file of its own the type goes without saying. */
const SourceFile = AirbyteSource.extend({ type: AirbyteSource.shape.type.default('airbyte') })

async function sourceOf(
  { from_airbyte, from_sync }: DeliveryRequest,
  { config, base_dir, cwd }: DeliveryApp,
): Promise<NamedSource> {
  if (from_airbyte !== undefined) {
    const file = resolve(cwd, from_airbyte)
    const source = await readSettings(file, SourceFile, { code: 'usage', what: 'file' })
    return { name: basename(file), source, dir: dirname(file), base_dir: dirname(file) }
  }
  const name = from_sync ?? ''
  const sync = Object.hasOwn(config.syncs, name) ? config.syncs[name] : undefined
  if (sync === undefined)
    throw new ExchangeError('sync_not_found', `There is no sync ${name}.`, {
      hint: `The syncs are: ${Object.keys(config.syncs).join(', ') || 'none yet'}.`,
    })
  const { source } = sync
  if (source.type !== 'airbyte')
    throw new ExchangeError('usage', `The source of the sync ${name} is no Airbyte source.`, {
      hint: 'Name files, - for standard input, or a dataset with --from-dataset.',
    })
  return { name, source, dir: base_dir, base_dir }
}

/** Names in one note. */
const NAMED = 20

function notesOf({ stream, records, others, confirmed }: ReceivedStream, piped: boolean): Note[] {
  const notes: Note[] = []
  if (others.length > 0) {
    const names = others.slice(0, NAMED).map((each) => `${each.stream} (${each.records})`)
    const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : ''
    notes.push({
      code: 'other_streams',
      count: others.reduce((sum, each) => sum + each.records, 0),
      message: `records of other streams are not delivered: ${names.join(', ')}${more}`,
    })
  }
  // Whoever reads a pipe sees no exit code.
  if (piped && !confirmed)
    notes.push({
      code: 'end_not_confirmed',
      count: records,
      message: `no message said that ${stream ?? 'a stream'} is complete: the end of standard input was taken for its end`,
    })
  return notes
}
