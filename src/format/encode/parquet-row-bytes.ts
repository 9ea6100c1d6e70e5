import type { FileHandle } from 'node:fs/promises'

/** So much of the beginning of the rows is looked at. */
const SAMPLE_BYTES = 512 * 1024
/** The id and the time of a record, which plain lines do not have as columns. */
const BUILTIN_BYTES = 48

/** What DuckDB takes and JSON does not have; within a text it does no harm. */
const NOT_FINITE = /([:[,])(?:NaN|-?Infinity)(?=[,\]}])/g

/** About how many bytes a row of a spool of JSON lines takes in Parquet before compression; at least 1. */
export async function rowBytesOf(spool: FileHandle): Promise<number> {
  const buffer = Buffer.alloc(SAMPLE_BYTES)
  const { bytesRead } = await spool.read(buffer, 0, SAMPLE_BYTES, 0)
  const end = buffer.lastIndexOf(0x0a, bytesRead - 1)
  // One line is longer than all that was read.
  if (end < 0) return Math.max(bytesRead, 1)
  let rows = 0
  let bytes = 0
  for (const line of buffer.toString('utf8', 0, end).split('\n')) {
    const { x, record } = JSON.parse(line.replaceAll(NOT_FINITE, '$10'))
    bytes += x === undefined ? widthOf(record.data) + BUILTIN_BYTES : widthOf(x)
    rows++
  }
  return Math.max(Math.ceil(bytes / rows), 1)
}

/** Plain encoding: 8 bytes for a number, the length before a text, a bit for a boolean. */
function widthOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 4
  if (typeof value === 'number') return 8
  if (typeof value !== 'object' || value === null) return 0.125
  return Object.values(value).reduce((sum: number, one) => sum + widthOf(one), 0)
}
