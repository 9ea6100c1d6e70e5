import { BUILT_IN_COLUMNS, columnNames, DATA_COLUMN, ROW_ID_VERSION } from './built-in-columns.ts'
import type { ByteBuffer } from './byte-buffer.ts'
import type { Encoding } from './encode.ts'
import { textOfBytes } from './envelope-scanner.ts'
import type { RecordReader } from './record-reader.ts'
import { ROW_ROOM, type RowTemplate, type RowWriter, writeEmittedAt } from './row-writer.ts'
import { UUID_LENGTH, UuidWriter } from './uuid-writer.ts'

const COMMA = 0x2c
const CLOSE = 0x7d
const LF = 0x0a
const NO_CHANGES = Buffer.from('[]')

type RowEncoding = Pick<Encoding, 'output_schema' | 'sync_id' | 'generation_id'>

/**
 * Records as JSON lines. Their data stands in a row as the source wrote it, byte for byte: under
 * `_airbyte_data`, or where `flatten` is set its members beside the built-in ones. A member that has a built-in
 * one's name is renamed (`columnNames`).
 */
export function jsonlRows(encoding: RowEncoding, flatten: boolean): RowWriter {
  const { output_schema, sync_id, generation_id } = encoding
  const v2 = output_schema === 'v2'
  const [id, time, meta, generation] = BUILT_IN_COLUMNS[output_schema]
  const before_id = Buffer.from(`{"${id}":"`)
  const before_time = Buffer.from(`","${time}":`)
  const before_changes = Buffer.from(`,"${meta}":{"sync_id":${sync_id},"changes":`)
  const after_changes = Buffer.from(`},"${generation}":${generation_id}`)
  const before_data = Buffer.from(`,"${DATA_COLUMN}":`)
  const uuids = new UuidWriter(ROW_ID_VERSION[output_schema])

  const clashes = clashesWith(encoding)
  const told = v2 ? [before_changes, NO_CHANGES, after_changes] : []
  const between = flatten ? Buffer.of(COMMA) : before_data
  const template: RowTemplate = {
    before_id,
    before_time,
    before_data: Buffer.concat([...told, between]),
    after_data: flatten ? Buffer.of(LF) : Buffer.of(CLOSE, LF),
    // The brace that opens it: the row's own is there already.
    skipped: flatten ? 1 : 0,
    fits: (names) => !flatten || (names.length > 0 && !hasBuiltIn(names, output_schema)),
  }
  return {
    template,
    ids: uuids,
    write(reader, out, now) {
      const { bytes, data_start, data_end, changes_start, changes_end } = reader
      out.room(data_end - data_start + changes_end - changes_start + ROW_ROOM)
      out.copy(before_id, 0, before_id.length)
      uuids.write(out.bytes, out.at, now)
      out.at += UUID_LENGTH
      out.copy(before_time, 0, before_time.length)
      writeEmittedAt(reader, out)
      if (v2) {
        out.copy(before_changes, 0, before_changes.length)
        if (changes_start < 0) out.copy(NO_CHANGES, 0, NO_CHANGES.length)
        else out.copy(bytes, changes_start, changes_end)
        out.copy(after_changes, 0, after_changes.length)
      }
      if (!flatten) {
        out.copy(before_data, 0, before_data.length)
        out.copy(bytes, data_start, data_end)
        out.bytes[out.at++] = CLOSE
      } else if (clashes(reader)) {
        writeRenamed(reader, out, output_schema)
      } else if (isEmpty(bytes, data_start)) {
        out.bytes[out.at++] = CLOSE
      } else {
        out.bytes[out.at++] = COMMA
        out.copy(bytes, data_start + 1, data_end)
      }
      out.bytes[out.at++] = LF
    },
  }
}

function isEmpty(b: Uint8Array, data_start: number): boolean {
  let p = data_start + 1
  while (b[p] === 0x20 || b[p] === 0x09 || b[p] === 0x0d) p++
  return b[p] === CLOSE
}

/** Whether a record has a member that must be renamed; for records of one shape it is looked up once. */
function clashesWith({ output_schema }: RowEncoding): (reader: RecordReader) => boolean {
  let last: readonly string[] = []
  let answer = false
  return (reader) => {
    const names = reader.names()
    if (names !== last) {
      last = names
      answer = hasBuiltIn(names, output_schema)
    }
    return answer
  }
}

const hasBuiltIn = (names: readonly string[], schema: RowEncoding['output_schema']): boolean =>
  names.some((name) => BUILT_IN_COLUMNS[schema].includes(name))

function writeRenamed(
  reader: RecordReader,
  out: ByteBuffer,
  schema: RowEncoding['output_schema'],
): void {
  const { names, start, end } = reader.fields()
  for (const [field, name] of columnNames(names, schema).entries()) {
    const quoted = Buffer.from(`,${JSON.stringify(textOfBytes(name))}:`)
    const from = start[field] as number
    const to = end[field] as number
    out.room(quoted.length + to - from + ROW_ROOM)
    out.copy(quoted, 0, quoted.length)
    out.copy(reader.bytes, from, to)
  }
  out.bytes[out.at++] = CLOSE
}
