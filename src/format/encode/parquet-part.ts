import { open, rm } from 'node:fs/promises'
import type { ParquetOutput } from '../../core/destination/output.ts'
import type { ParquetField } from '../../core/records/parquet-type.ts'
import type { Duckdb } from '../../duckdb/duckdb.ts'
import type { Encoding, Part } from './encode.ts'
import { columnsOf, holdsBytes } from './parquet-columns.ts'
import { writeByDuckdb } from './parquet-duckdb.ts'
import { nameColumns } from './parquet-footer.ts'
import { writePages } from './parquet-pages.ts'
import { plainRowsOf } from './parquet-plain.ts'
import { rowBytesOf } from './parquet-row-bytes.ts'

/** `duckdb` is fast. `pages` takes sizes of pages, for which DuckDB has no option, and binary columns. */
export type ParquetWriterName = 'duckdb' | 'pages'

/** The size of pages that nobody asked for (the destination's default). */
const DEFAULT_PAGE_BYTES = 1 << 20

/** Which writer takes an output with such columns. */
export function parquetWriterFor(
  output: ParquetOutput,
  columns: readonly ParquetField[],
): ParquetWriterName {
  return output.page_bytes === DEFAULT_PAGE_BYTES && !holdsBytes(columns) ? 'duckdb' : 'pages'
}

export interface ParquetPartOptions {
  /** Opens a DuckDB for one file; it is closed after it. */
  readonly openDuckdb: () => Promise<Duckdb>
}

/** How many bytes of rows become one of a file, until a file of the stream has shown it. */
const FIRST_RATIO: Record<ParquetWriterName, number> = { duckdb: 5, pages: 3 }
const ratios = new WeakMap<Encoding, number>()

/**
 * Begins a Parquet file: rows are collected in a file beside `path`, which `finish` turns into Parquet.
 * Throws `schema_unsupported`.
 */
export async function openParquetPart(
  encoding: Encoding,
  path: string,
  options: ParquetPartOptions,
): Promise<Part> {
  const { output } = encoding
  if (output.type !== 'parquet') throw new Error(`a Parquet part of ${output.type} output`)
  const columns = columnsOf(encoding)
  const writer = parquetWriterFor(output, columns)
  const spool = `${path}.rows`
  const file = await open(spool, 'w+')
  let records = 0
  let bytes = 0
  let longest = 0
  /** Whether any row was made by the converter; stays so when it is cut off again. */
  let converted = false

  const write = async () => {
    if (writer === 'pages') {
      await writePages(file, path, { columns, output })
      return
    }
    await using duckdb = await options.openDuckdb()
    await writeByDuckdb(duckdb, {
      spool,
      path,
      columns,
      output,
      rows: records,
      row_bytes: await rowBytesOf(file),
      longest_line: longest,
      plain: plainRowsOf(encoding, columns),
      converted,
    })
  }

  return {
    get records() {
      return records
    },
    get bytes() {
      return Math.ceil(bytes / (ratios.get(encoding) ?? FIRST_RATIO[writer]))
    },
    async append(segment) {
      for (let done = 0; done < segment.bytes.length; ) {
        const left = segment.bytes.length - done
        const { bytesWritten } = await file.write(segment.bytes, done, left, bytes + done)
        done += bytesWritten
      }
      bytes += segment.bytes.length
      records += segment.records
      converted ||= segment.converted !== 0
      longest = Math.max(longest, segment.bytes.length)
    },
    // Of the rows collected: only these can be taken back.
    mark: () => ({ records, bytes }),
    async cut(mark) {
      await file.truncate(mark.bytes)
      ;({ records, bytes } = mark)
    },
    async finish() {
      await write()
      await file.close()
      await rm(spool)
      const finished = await open(path, 'r+')
      try {
        const named = await nameColumns(finished, columns)
        if (bytes > 1 << 20) ratios.set(encoding, bytes / named.bytes)
        return { path, bytes: named.bytes, records }
      } finally {
        await finished.close()
      }
    },
    async discard() {
      await file.close()
      await rm(spool, { force: true })
      await rm(path, { force: true })
    },
  }
}
