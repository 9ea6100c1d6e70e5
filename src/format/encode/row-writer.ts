import type { ByteBuffer } from './byte-buffer.ts'
import type { RecordReader } from './record-reader.ts'
import type { UuidWriter } from './uuid-writer.ts'

/** Rows that differ in their id, their time and their data alone. */
export interface RowTemplate {
  readonly before_id: Uint8Array
  readonly before_time: Uint8Array
  readonly before_data: Uint8Array
  readonly after_data: Uint8Array
  /** Bytes of the data's beginning that a row leaves out. */
  readonly skipped: number
  /** A byte that stands twice wherever it stands in the data. */
  readonly quote?: number
  /** Whether records with members of these names become such rows. */
  fits(names: readonly string[]): boolean
}

/** Writes records as text, one row each. */
export interface RowWriter {
  /** Where many rows are like this, it can be written by other means. */
  readonly template?: RowTemplate
  /** Ids of the rows. */
  readonly ids: UuidWriter
  /** Writes the reader's record; `now`: milliseconds since 1970. */
  write(reader: RecordReader, out: ByteBuffer, now: number): void
}

/** A whole number as JSON and CSV write it: `1.7e12` is one as well. */
export function writeEmittedAt(reader: RecordReader, out: ByteBuffer): void {
  const { bytes, emitted_start, emitted_end } = reader
  for (let p = emitted_start; p < emitted_end; p++) {
    const c = bytes[p] as number
    if ((c < 0x30 || c > 0x39) && (c !== 0x2d || p > emitted_start)) {
      out.at += out.bytes.write(String(reader.emittedAt()), out.at, 'latin1')
      return
    }
  }
  out.copy(bytes, emitted_start, emitted_end)
}

/** Bytes a row may need beside its record's data: what is built in, quotes and line end, and `emitted_at`. */
export const ROW_ROOM = 512
