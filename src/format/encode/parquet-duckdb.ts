import type { ParquetOutput } from '../../core/destination/output.ts'
import type { ParquetField } from '../../core/records/parquet-type.ts'
import { type Duckdb, literal } from '../../duckdb/duckdb.ts'
import { sqlType, workName } from './parquet-columns.ts'
import type { PlainRows } from './parquet-plain.ts'

/** DuckDB's least; larger ones are rounded up to a multiple of it. */
const LEAST_ROWS = 2048
/** A dictionary is limited by the number of its values; the widest number has so many bytes. */
const WIDEST = 8

export interface RowsToParquet {
  readonly spool: string
  readonly path: string
  readonly columns: readonly ParquetField[]
  readonly output: ParquetOutput
  readonly rows: number
  /** Bytes of a row in Parquet before compression, about. */
  readonly row_bytes: number
  /** No line of the spool is longer. */
  readonly longest_line: number
  readonly plain: PlainRows | undefined
  /** Whether there are rows that are no plain lines. */
  readonly converted: boolean
}

/** Writes the spool's rows to a Parquet file under their work names, in order. */
export async function writeByDuckdb(duckdb: Duckdb, work: RowsToParquet): Promise<void> {
  const { output } = work
  const options = [
    'FORMAT parquet',
    `COMPRESSION ${output.codec === 'lz4' ? 'lz4_raw' : output.codec}`,
    `ROW_GROUP_SIZE ${Math.max(LEAST_ROWS, Math.floor(output.row_group_bytes / work.row_bytes))}`,
    // A limit of 0 means that no column has a dictionary.
    `DICTIONARY_SIZE_LIMIT ${output.dictionary ? Math.floor(output.dictionary_page_bytes / WIDEST) : 0}`,
    `STRING_DICTIONARY_PAGE_SIZE_LIMIT ${output.dictionary_page_bytes}`,
  ]
  await duckdb.run(`COPY (${rowsSql(work)}) TO ${literal(work.path)} (${options.join(', ')})`)
}

function rowsSql({ spool, columns, plain, converted, longest_line, rows }: RowsToParquet): string {
  const types = columns.map(sqlType)
  if (rows === 0) {
    const none = types.map((type, index) => `CAST(NULL AS ${type}) AS ${workName(index)}`)
    return `SELECT ${none.join(', ')} WHERE false`
  }
  const exact = `STRUCT(${types.map((type, index) => `${workName(index)} ${type}`).join(', ')})`
  const shapes = [
    ...(converted || plain === undefined ? [`x: ${literal(exact)}`] : []),
    ...(plain === undefined ? [] : [`record: ${literal(plain.type)}`]),
  ]
  const select = columns.map((_, index) => {
    const name = workName(index)
    const of_plain = plain?.select[index]
    if (of_plain === undefined) return `x.${name} AS ${name}`
    if (!converted) return `${of_plain} AS ${name}`
    return `CASE WHEN x IS NULL THEN ${of_plain} ELSE x.${name} END AS ${name}`
  })
  // Its buffers are a multiple of the longest line it takes.
  const longest = Math.max(longest_line, 1 << 20) * 2
  return `SELECT ${select.join(', ')} FROM read_json(${literal(spool)}, format = 'newline_delimited', compression = 'uncompressed', maximum_object_size = ${longest}, columns = {${shapes.join(', ')}})`
}
