import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ExchangeError } from './core/errors.ts'
import type { Feed } from './core/feed.ts'
import type { Partition } from './core/partition.ts'
import type { DeliveryApp, DeliveryRequest } from './deliver.ts'
import { identifier, literal } from './duckdb/duckdb.ts'
import type { DatasetSnapshot } from './engine/engine.ts'
import type { DeliverSource } from './exchange/deliver/deliver.ts'
import { parquetColumn } from './exchange/deliver/parquet-value.ts'
import { declaredKeyColumns } from './exchange/validate/dataset-columns.ts'
import { datasetType } from './exchange/validate/dataset-type.ts'
import { readHead } from './format/codecs.ts'
import { routeLines } from './format/encode/envelope.ts'
import type { Note } from './ledger/ledger.ts'
import { stageStream } from './stage-stream.ts'

/** Records as they are delivered, on local disk. */
interface Staged {
  readonly sources: readonly DeliverSource[]
  readonly notes: readonly Note[]
}

export interface StageTools {
  /** As its receiver has it. */
  readonly feed: Feed
  readonly partition: Partition | undefined
  readonly app: DeliveryApp
}

/** Brings the records to local disk. What has no bytes has no rows. */
export async function stageRecords(request: DeliveryRequest, tools: StageTools): Promise<Staged> {
  const { from_dataset, from_airbyte, from_sync, files } = request
  const named = {
    ...(files.length > 0 ? { files } : {}),
    ...(from_dataset === undefined ? {} : { '--from-dataset': from_dataset }),
    ...(from_airbyte === undefined ? {} : { '--from-airbyte': from_airbyte }),
    ...(from_sync === undefined ? {} : { '--from-sync': from_sync }),
  }
  const [first, second] = Object.keys(named)
  if (first === undefined)
    throw new ExchangeError('usage', 'There is nothing to deliver.', {
      hint: 'Name files, - for standard input, --from-dataset FEED, --from-airbyte FILE or --from-sync NAME.',
    })
  if (second !== undefined)
    throw new ExchangeError('usage', `${second} and ${first} exclude each other.`)
  const streams = from_airbyte !== undefined || from_sync !== undefined
  if (request.stream !== undefined && !streams)
    throw new ExchangeError('usage', '--stream goes with --from-airbyte or --from-sync.', {
      hint: 'Airbyte messages on standard input are read by --from-airbyte -.',
    })
  if (from_dataset !== undefined) return stageDataset(from_dataset, tools)
  if (streams) {
    const { stream, path, notes } = await stageStream(request, tools.app)
    return { sources: await sourcesOf([{ key: stream ?? 'standard input', path }]), notes }
  }
  return stageFiles(request, tools.app)
}

async function stageFiles(request: DeliveryRequest, app: DeliveryApp): Promise<Staged> {
  const twice = request.files.find((file, at) => request.files.indexOf(file) !== at)
  if (twice !== undefined) throw new ExchangeError('usage', `${twice} is named twice.`)
  const files: { readonly key: string; readonly path: string }[] = []
  for (const file of request.files) {
    const path = file === '-' ? join(app.dir, 'stdin') : resolve(app.cwd, file)
    if (file === '-') await writeFile(path, request.stdin ?? [])
    const facts = await stat(path).catch((cause: unknown) => {
      throw new ExchangeError('usage', `There is no file ${file}.`, { cause })
    })
    if (!facts.isFile())
      throw new ExchangeError('usage', `${file} is no file.`, {
        hint: 'Name files, not folders; the shell expands patterns.',
      })
    files.push({ key: file === '-' ? 'stdin' : file, path })
  }
  return { sources: await sourcesOf(files), notes: await messageNotes(files) }
}

async function sourcesOf(
  files: readonly { readonly key: string; readonly path: string }[],
): Promise<DeliverSource[]> {
  const sources: DeliverSource[] = []
  for (const file of files) {
    const bytes = (await stat(file.path)).size
    if (bytes > 0) sources.push({ ...file, bytes, digest: await digestOf(file.path) })
  }
  return sources
}

/** How much of an input is looked at, in bytes. */
const HEAD_BYTES = 64_000

/**
 * Messages are not unwrapped unasked: a row may look like one. That they seem to be some is told, as a contract
 * refuses each of them.
 */
async function messageNotes(
  files: readonly { readonly key: string; readonly path: string }[],
): Promise<Note[]> {
  const notes: Note[] = []
  for (const { key, path } of files) {
    const count = messagesIn(Buffer.from(await readHead(path, HEAD_BYTES)))
    if (count > 0)
      notes.push({
        code: 'airbyte_messages',
        count,
        message: `${key} seems to hold Airbyte messages: piped into --from-airbyte -, the records in them are delivered`,
      })
  }
  return notes
}

/** Whole lines that are records in their envelopes. */
function messagesIn(head: Buffer): number {
  const router = routeLines(head)
  let count = 0
  for (let start = 0, end = head.indexOf('\n'); end >= 0; ) {
    const line = router.route(start, end)
    if (line?.type === 'RECORD' && line.stream !== undefined) count++
    start = end + 1
    end = head.indexOf('\n', start)
  }
  return count
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** A dataset as one Parquet file of its records: without what loading put beside them. */
async function stageDataset(
  name: string,
  { feed: target, partition, app }: StageTools,
): Promise<Staged> {
  const { engine, dir, feedNamed, snapshotOf } = app
  const source = await feedNamed(name)
  const snapshot = await snapshotOf(name)
  const columns = snapshot.columns.map((c) => c.name)
  const wanted = new Set(target.contract.columns.flatMap((c) => c.names))
  const derived = declaredKeyColumns(source.contract).map((k) => k.name)
  const without = ['_object', '_row', '_rescued', ...derived].filter(
    (column) => columns.includes(column) && !wanted.has(column),
  )
  const time = target.contract.columns.find((c) => c.name === target.contract.time_column)
  const field = columns.find((column) => time?.name === column || time?.names.includes(column))
  const at = (instant: Date) => literal(instant.toISOString().replace('T', ' ').replace('Z', ''))
  const where =
    partition === undefined || field === undefined
      ? ''
      : ` WHERE ${identifier(field)} >= ${at(partition.start)} AND ${identifier(field)} < ${at(partition.end)}`
  const selected = snapshot.columns
    .filter((c) => !without.includes(c.name))
    .map((c) => asDelivered(c, target))
  const path = join(dir, 'dataset.parquet')
  await engine.export(
    `SELECT ${selected.join(', ')} FROM ${identifier(name)}${where}`,
    [snapshot],
    {
      path,
      format: 'parquet',
    },
  )
  const { files, beaten } = snapshot
  const digest = createHash('sha256')
    .update(JSON.stringify([files, beaten, where]))
    .digest('hex')
  const notes: Note[] = []
  if (columns.includes('_rescued') && !wanted.has('_rescued')) {
    const { rows } = await engine.query(`SELECT count(_rescued) FROM ${identifier(name)}${where}`, [
      snapshot,
    ])
    const count = Number(rows[0]?.[0] ?? 0)
    if (count > 0)
      notes.push({
        code: 'fields_left_out',
        count,
        message: `what the dataset keeps in _rescued is not delivered`,
      })
  }
  return { sources: [{ key: name, path, bytes: (await stat(path)).size, digest }], notes }
}

/**
 * A dataset's column under the name in which its own contract has it delivered: the two differ where
 * there is a physical name. Of another contract's dataset a column is what it is called.
 */
function asDelivered(column: DatasetSnapshot['columns'][number], target: Feed): string {
  const own = target.contract.columns.find((c) => c.name === column.name)
  return own === undefined || own.type.kind === 'json' || datasetType(own.type) !== column.type
    ? identifier(column.name)
    : parquetColumn(own)
}
