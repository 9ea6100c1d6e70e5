import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, createZstdCompress } from 'node:zlib'
import type { Column, Contract } from '../../core/contract/contract.ts'
import { type SampleRow, sampleColumns, sampleRows } from '../../core/contract/sample.ts'
import { ExchangeError } from '../../core/errors.ts'
import { type Layout, partitionPrefix, writeKey } from '../../core/layout/layout.ts'
import type { Partition } from '../../core/partition.ts'
import type { CompletionSettings } from '../../core/settings.ts'
import { strptimePattern } from '../../core/time-pattern.ts'
import { type Duckdb, identifier, literal } from '../../duckdb/duckdb.ts'
import type { ObjectInfo, ObjectStore } from '../../store/store.ts'
import { csvHeader, csvLine, deliveredType, jsonLine } from './sample-file.ts'

/** Where a sample delivery goes, and in which shape. */
export interface SampleTarget {
  readonly store: ObjectStore
  /** What every key starts with; empty or ending in `/`. */
  readonly prefix: string
  readonly layout: Layout
  readonly format: 'parquet' | 'jsonl' | 'csv'
  /** Around text formats; Parquet compresses inside. */
  readonly compression: 'none' | 'gzip' | 'zstd'
  readonly completion: CompletionSettings
}

export interface WriteSampleOptions {
  readonly rows: number
  readonly partition: Partition
  /** The same seed writes the same rows; default 1. */
  readonly seed?: number
  /** Objects the rows are spread over; default 1. */
  readonly files?: number
  /** Values of the layout's further variables; `sample` where one is not given. */
  readonly variables?: Readonly<Record<string, string>>
  /** Refuse with `object_exists` to replace an object. */
  readonly if_absent?: boolean
  readonly duckdb: Duckdb
  /** Folder for temporary files. */
  readonly dir: string
  readonly signal?: AbortSignal
}

export interface WrittenSample {
  /** Data objects in order, then the marker or manifest if the delivery has one. */
  readonly objects: readonly (ObjectInfo & { readonly rows: number })[]
}

/** Rows of the sample, numbered across its files. */
interface Part {
  readonly rows: Iterable<SampleRow>
  readonly columns: readonly Column[]
}

/**
 * Writes a valid delivery of made-up rows: the partition's objects, then what says that it is
 * complete; without rows only the latter. The same arguments write the same bytes of text formats, and the same rows of Parquet.
 * Throws `sample_impossible`, `layout_invalid`, and what the store throws.
 */
export async function writeSample(
  contract: Contract,
  target: SampleTarget,
  options: WriteSampleOptions,
): Promise<WrittenSample> {
  const { layout, store, prefix, completion } = target
  const { partition, rows, signal } = options
  // An object without bytes would be refused; a partition without rows is one without objects.
  const has_file = layout.template.includes('{file}')
  const files = Math.min(has_file ? (options.files ?? 1) : 1, rows)
  const columns = sampleColumns(contract)
  const every = sampleRows(contract, {
    rows,
    partition,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  })
  const variables = Object.fromEntries(
    layout.variables.map((name) => [name, options.variables?.[name] ?? 'sample']),
  )
  const dir = await mkdtemp(join(options.dir, 'sample-'))
  const io = {
    ...(signal === undefined ? {} : { signal }),
    ...(options.if_absent ? { if_absent: true } : {}),
  }
  const objects: (ObjectInfo & { rows: number })[] = []
  try {
    for (let file = 0; file < files; file += 1) {
      const count = Math.floor((rows * (file + 1)) / files) - Math.floor((rows * file) / files)
      const key =
        prefix +
        writeKey(layout, partition, {
          ...(has_file ? { file: fileName(target, file) } : {}),
          variables,
        })
      const part: Part = { rows: take(every, count), columns }
      const body =
        target.format === 'parquet'
          ? createReadStream(await parquetFile(part, join(dir, String(file)), options.duckdb))
          : textStream(part, target)
      objects.push({ ...(await store.write(key, body, io)), rows: count })
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  const marker = completionObject(completion, objects, prefix)
  if (marker) {
    const folder = partitionPrefix(layout, partition)
    if (folder === undefined) {
      throw new ExchangeError(
        'layout_invalid',
        `The layout ${layout.template} gives a partition no folder of its own, so ${marker.name} has no place.`,
      )
    }
    const written = await store.write(prefix + folder + marker.name, marker.body(folder), io)
    objects.push({ ...written, rows: 0 })
  }
  return { objects }
}

/** What completes the delivery, where something does. */
function completionObject(
  completion: CompletionSettings,
  objects: readonly ObjectInfo[],
  prefix: string,
): { name: string; body: (folder: string) => Uint8Array } | undefined {
  if (completion.type === 'marker') return { name: completion.name, body: () => new Uint8Array() }
  if (completion.type === 'manifest') {
    const names = (folder: string) =>
      objects.map(({ key }) => key.slice(prefix.length + folder.length))
    return {
      name: completion.name,
      body: (folder) => new TextEncoder().encode(`${JSON.stringify({ files: names(folder) })}\n`),
    }
  }
  return undefined
}

/** `part-00000`, with a suffix where the layout leaves the whole name to it. */
function fileName({ layout, format, compression }: SampleTarget, file: number): string {
  const name = `part-${String(file).padStart(5, '0')}`
  if (!layout.template.endsWith('{file}')) return name
  const packed = format === 'parquet' ? '' : { none: '', gzip: '.gz', zstd: '.zst' }[compression]
  return `${name}.${format}${packed}`
}

function* take(rows: Iterator<SampleRow>, count: number): Generator<SampleRow> {
  for (let number = 0; number < count; number += 1) {
    const next = rows.next()
    if (next.done) return
    yield next.value
  }
}

function textStream(part: Part, target: SampleTarget): AsyncIterable<Uint8Array> {
  const csv = target.format === 'csv'
  const text = Readable.from(
    (function* () {
      if (csv) yield csvHeader(part.columns)
      for (const row of part.rows)
        yield csv ? csvLine(row, part.columns) : jsonLine(row, part.columns)
    })(),
  )
  if (target.compression === 'none') return bytesOf(text)
  const packer = target.compression === 'gzip' ? createGzip() : createZstdCompress()
  // An error of the rows must end the write as well.
  text.on('error', (error) => packer.destroy(error))
  return text.pipe(packer)
}

async function* bytesOf(text: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder()
  for await (const chunk of text) yield encoder.encode(chunk)
}

/** Rows as JSON lines, which DuckDB casts to the columns' types and writes; returns the file. */
async function parquetFile(part: Part, path: string, duckdb: Duckdb): Promise<string> {
  const lines = `${path}.jsonl`
  const file = `${path}.parquet`
  await pipeline(
    Readable.from(
      (function* () {
        for (const row of part.rows) yield jsonLine(row, part.columns)
      })(),
    ),
    createWriteStream(lines),
  )
  const fields = part.columns.map((column) => column.names[0] ?? column.name)
  const read = fields.map((name) => `${literal(name)}: 'JSON'`).join(', ')
  const chosen = part.columns.map((column, index) => {
    const name = identifier(fields[index] ?? column.name)
    return `${parquetValue(column, name)} AS ${name}`
  })
  await duckdb.run(
    `COPY (SELECT ${chosen.join(', ')} FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = {${read}}))
     TO ${literal(file)} (FORMAT parquet, COMPRESSION snappy)`,
  )
  return file
}

function parquetValue(column: Column, name: string): string {
  const { type, time_format } = column
  const pattern = time_format === undefined ? undefined : strptimePattern(time_format)
  if (type.kind === 'json') return `CAST(${name} AS VARCHAR)`
  if (['map', 'array', 'object'].includes(type.kind))
    return `CAST(${name} AS ${deliveredType(type)})`
  const text = `(${name} ->> '$')`
  if (pattern === undefined) return `CAST(${text} AS ${deliveredType(type)})`
  const parsed = `strptime(${text}, ${literal(pattern)})`
  // Without a zone in the text it is the column's; strptime then gives a time of no zone.
  const zoned =
    type.kind === 'timestamp' && !pattern.includes('%z')
      ? `(${parsed} AT TIME ZONE ${literal(type.zone)})`
      : parsed
  return `CAST(${zoned} AS ${deliveredType(type)})`
}
