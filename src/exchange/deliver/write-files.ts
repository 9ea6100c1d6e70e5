import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Feed } from '../../core/feed.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import { RESCUED_COLUMN } from '../validate/dataset-columns.ts'
import { type CsvDialect, csvHeader, csvRecord } from './csv-record.ts'
import { cutText } from './cut-text.ts'
import type { DeliveryOutput } from './output.ts'
import { parquetColumn } from './parquet-value.ts'
import type { Undeclared } from './undeclared.ts'
import { fieldText, jsonFields } from './value-text.ts'

/** A file as it will be delivered, on local disk. */
export interface WrittenFile {
  readonly path: string
  readonly bytes: number
  readonly rows: number
}

export interface WriteFilesOptions {
  readonly feed: Feed
  readonly output: DeliveryOutput
  readonly duckdb: Duckdb
  /** Folder for the files; made if absent. */
  readonly dir: string
  readonly undeclared: Undeclared
  /** The layout names one object only. */
  readonly one_file: boolean
  readonly signal?: AbortSignal
}

/** No reader wants larger row groups than DuckDB writes by itself; smaller ones make sizes easier to meet. */
const ROW_GROUP = { least: 2048, most: 122_880 }

/** Writes rows of the dataset's form, in object and row order, as the files to deliver. */
export async function writeFiles(
  rows: { readonly files: readonly string[]; readonly rows: number },
  options: WriteFilesOptions,
): Promise<WrittenFile[]> {
  await mkdir(options.dir, { recursive: true })
  return options.output.format === 'parquet'
    ? writeParquet(rows, options)
    : writeText(rows, options)
}

const readFiles = (files: readonly string[]) =>
  `read_parquet([${files.map(literal).join(', ')}], hive_partitioning = false)`

async function writeParquet(
  rows: { readonly files: readonly string[]; readonly rows: number },
  { feed, output, duckdb, dir, undeclared, one_file }: WriteFilesOptions,
): Promise<WrittenFile[]> {
  const columns = [...feed.contract.columns, ...undeclared.columns].map(parquetColumn)
  const sizes = await Promise.all(rows.files.map(async (file) => (await stat(file)).size))
  const per_row = Math.max(1, sizes.reduce((sum, size) => sum + size, 0) / Math.max(1, rows.rows))
  const group = Math.floor(
    Math.min(ROW_GROUP.most, Math.max(ROW_GROUP.least, output.file_bytes / 8 / per_row)),
  )
  const target = join(dir, one_file ? 'data_0.parquet' : 'parts')
  // A file ends with the row group that passes the limit: by half a group on average.
  const rotate = one_file
    ? ''
    : `, FILE_SIZE_BYTES '${Math.max(1, Math.floor(output.file_bytes * 0.94))}B'`
  await duckdb.run(
    `COPY (SELECT ${columns.join(', ')} FROM ${readFiles(rows.files)} ORDER BY _object, _row)
     TO ${literal(target)} (FORMAT parquet, CODEC 'snappy', ROW_GROUP_SIZE ${group}${rotate})`,
  )
  const paths = one_file
    ? [target]
    : (await readdir(target))
        .sort((a, b) => numberIn(a) - numberIn(b))
        .map((name) => join(target, name))
  const counts = await duckdb.all<{ file_name: string; num_rows: bigint }>(
    `SELECT file_name, num_rows FROM parquet_file_metadata([${paths.map(literal).join(', ')}])`,
  )
  const rows_of = new Map(counts.map((c) => [c.file_name, Number(c.num_rows)]))
  const written = await Promise.all(
    paths.map(async (path) => ({
      path,
      bytes: (await stat(path)).size,
      rows: rows_of.get(path) ?? 0,
    })),
  )
  return written.filter((file) => file.rows > 0)
}

const numberIn = (name: string) => Number(/(\d+)/.exec(name)?.[1] ?? 0)

async function writeText(
  rows: { readonly files: readonly string[]; readonly rows: number },
  options: WriteFilesOptions,
): Promise<WrittenFile[]> {
  const { feed, output, duckdb, dir, undeclared, one_file } = options
  const columns = [...feed.contract.columns, ...undeclared.columns]
  const zone = feed.format.times.zone
  const dialect = output.format === 'csv' ? dialectOf(feed) : undefined
  const line =
    dialect === undefined
      ? jsonObject(jsonFields(columns, zone), undeclared.rescued)
      : csvRecord(
          columns.map((c) => fieldText(c, zone)),
          dialect,
        )
  const text = join(dir, 'rows.txt')
  // Written as it is, one text a line: nothing is quoted, and a column alone has no delimiter.
  await duckdb.run(
    `COPY (SELECT ${line} AS line FROM ${readFiles(rows.files)} ORDER BY _object, _row)
     TO ${literal(text)} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\u0002')`,
  )
  const files = await cutText(text, {
    dir,
    compression: output.compression,
    file_bytes: one_file ? Number.POSITIVE_INFINITY : output.file_bytes,
    ...(output.file_rows === undefined || one_file ? {} : { file_rows: output.file_rows }),
    ...(dialect === undefined ? {} : { quote: dialect.quote, escape: dialect.escape }),
    ...(dialect === undefined || dialect.header === false
      ? {}
      : {
          header: csvHeader(
            columns.map((c) => c.names[0] ?? c.name),
            dialect,
          ),
        }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  await rm(text)
  return files
}

/** Declared fields, then the others as they came. */
function jsonObject(fields: string, rescued: boolean): string {
  if (!rescued) return `'{' || ${fields} || '}'`
  const others = `(${RESCUED_COLUMN})::VARCHAR`
  return `CASE WHEN ${RESCUED_COLUMN} IS NULL THEN '{' || ${fields} || '}' WHEN ${fields} = '' THEN ${others} ELSE '{' || ${fields} || ',' || substr(${others}, 2) END`
}

function dialectOf(feed: Feed): CsvDialect {
  const { format } = feed
  if (!('delimiter' in format))
    return { delimiter: ',', quote: '"', escape: '"', null_text: [''], header: true }
  return {
    delimiter: format.delimiter,
    quote: format.quote,
    escape: format.escape,
    null_text: format.null_text,
    // A list of names means that there is no header.
    header: format.header === true,
  }
}
