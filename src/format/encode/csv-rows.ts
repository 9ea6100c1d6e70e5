import type { CsvDialect } from '../../core/destination/output.ts'
import { BUILT_IN_COLUMNS, columnNames, DATA_COLUMN, ROW_ID_VERSION } from './built-in-columns.ts'
import { ByteBuffer } from './byte-buffer.ts'
import { CsvText } from './csv-text.ts'
import type { Encoding } from './encode.ts'
import { bytesText, textOfBytes } from './envelope-scanner.ts'
import type { RecordReader } from './record-reader.ts'
import { ROW_ROOM, type RowTemplate, type RowWriter, writeEmittedAt } from './row-writer.ts'
import { UUID_LENGTH, UuidWriter } from './uuid-writer.ts'

const LEFT_BRACE = 0x7b
const LEFT_BRACKET = 0x5b
const NINE = 0x39
const QUOTE = 0x22
const N = 0x6e
const NO_CHANGES = Buffer.from('[]')

type RowEncoding = Pick<Encoding, 'output_schema' | 'sync_id' | 'generation_id' | 'stream'>

/** How records become CSV: `flatten` gives each property of the stream's schema a column. */
export interface CsvForm {
  readonly flatten: boolean
  readonly dialect: CsvDialect
}

/** What stands at the start of a file: byte order mark and header, as far as the dialect has them. */
export function csvHead(encoding: RowEncoding, { flatten, dialect }: CsvForm): Uint8Array {
  const { output_schema } = encoding
  const text = new CsvText(dialect)
  const out = new ByteBuffer(4096)
  if (dialect.byte_order_mark) out.copy(Buffer.from('\ufeff'), 0, 3)
  if (dialect.header) {
    const fields = flatten
      ? columnNames(columnsOf(encoding), output_schema).map(textOfBytes)
      : [DATA_COLUMN]
    for (const [at, name] of [...BUILT_IN_COLUMNS[output_schema], ...fields].entries()) {
      out.room(ROW_ROOM)
      if (at > 0) out.copy(text.delimiter, 0, text.delimiter.length)
      text.text(name, out)
    }
    out.room(ROW_ROOM)
    out.copy(text.line_end, 0, text.line_end.length)
  }
  return out.written.slice()
}

/** The properties of the schema, named as `Fields` does: v1 by code points, v2 as the schema has them. */
function columnsOf(encoding: RowEncoding): readonly string[] {
  const names = Object.keys(propertiesOf(encoding)).map(bytesText)
  // Bytes of UTF-8 sort as code points do.
  return encoding.output_schema === 'v1' ? names.sort() : names
}

function propertiesOf({ stream }: RowEncoding): object {
  const { properties } = stream.json_schema
  return typeof properties === 'object' && properties !== null ? properties : {}
}

/**
 * Records as rows of CSV. All but numbers stand in quotes (commons-csv's NON_NUMERIC); of v1 the fields of
 * flattened data do without exception, as they are texts there. Numbers keep their digits.
 */
export function csvRows(encoding: RowEncoding, { flatten, dialect }: CsvForm): RowWriter {
  const { output_schema, sync_id, generation_id } = encoding
  const v2 = output_schema === 'v2'
  const text = new CsvText(dialect)
  const { delimiter, line_end } = text
  // A number that holds the delimiter or a quote must be told from two fields.
  const bare_numbers = !/[0-9+\-.eE]/.test(dialect.delimiter + dialect.quote)
  const uuids = new UuidWriter(ROW_ID_VERSION[output_schema])
  const meta = new ByteBuffer(256)
  const before_changes = Buffer.from(`{"sync_id":${sync_id},"changes":`)
  const generation = Buffer.from(String(generation_id))
  const write_fields = flatten ? fieldWriter(encoding, { dialect, text, bare_numbers }) : undefined
  const spare = new ByteBuffer(64)

  const number = (b: Uint8Array, from: number, to: number, out: ByteBuffer): void => {
    if (bare_numbers) out.copy(b, from, to)
    else text.bytes(b, from, to, out)
  }
  return {
    ids: uuids,
    ...(flatten || !bare_numbers || !isBareQuote(dialect)
      ? {}
      : { template: templateOf(text, dialect, v2 ? { before_changes, generation } : undefined) }),
    write(reader, out, now) {
      const { bytes, data_start, data_end, changes_start, changes_end } = reader
      out.room(
        text.roomFor(data_end - data_start) + text.roomFor(changes_end - changes_start) + ROW_ROOM,
      )
      spare.at = 0
      uuids.write(spare.bytes, 0, now)
      text.bytes(spare.bytes, 0, UUID_LENGTH, out)
      out.copy(delimiter, 0, delimiter.length)
      writeEmittedAt(reader, spare)
      number(spare.bytes, 0, spare.at, out)
      if (v2) {
        out.copy(delimiter, 0, delimiter.length)
        meta.at = 0
        meta.room(changes_end - changes_start + ROW_ROOM)
        meta.copy(before_changes, 0, before_changes.length)
        if (changes_start < 0) meta.copy(NO_CHANGES, 0, NO_CHANGES.length)
        else meta.copy(bytes, changes_start, changes_end)
        meta.bytes[meta.at++] = 0x7d
        text.bytes(meta.bytes, 0, meta.at, out)
        out.copy(delimiter, 0, delimiter.length)
        number(generation, 0, generation.length, out)
      }
      if (write_fields === undefined) {
        out.copy(delimiter, 0, delimiter.length)
        text.bytes(bytes, data_start, data_end, out)
      } else write_fields(reader, out)
      out.copy(line_end, 0, line_end.length)
    },
  }
}

/** Whether it is one byte, and none that an id has. */
const isBareQuote = ({ quote }: CsvDialect): boolean =>
  Buffer.byteLength(quote) === 1 && !/[0-9a-f-]/.test(quote)

/** Of rows that hold their data as a whole, in a bare quote and with bare numbers. */
function templateOf(
  text: CsvText,
  { quote }: CsvDialect,
  v2: { readonly before_changes: Uint8Array; readonly generation: Uint8Array } | undefined,
): RowTemplate {
  const { delimiter, line_end } = text
  const mark = Buffer.from(quote)
  const told = new ByteBuffer(ROW_ROOM)
  if (v2 !== undefined) {
    const meta = Buffer.concat([v2.before_changes, NO_CHANGES, Buffer.from('}')])
    told.room(text.roomFor(meta.length) + ROW_ROOM)
    told.copy(delimiter, 0, delimiter.length)
    text.bytes(meta, 0, meta.length, told)
    told.copy(delimiter, 0, delimiter.length)
    told.copy(v2.generation, 0, v2.generation.length)
  }
  return {
    before_id: mark,
    before_time: Buffer.concat([mark, delimiter]),
    before_data: Buffer.concat([told.written, delimiter, mark]),
    after_data: Buffer.concat([mark, line_end]),
    skipped: 0,
    quote: mark[0] as number,
    fits: () => true,
  }
}

/** Writes the columns of the schema's properties, each with the delimiter before it. */
function fieldWriter(
  encoding: RowEncoding,
  { dialect, text, bare_numbers }: FieldOptions,
): (reader: RecordReader, out: ByteBuffer) => void {
  const v1 = encoding.output_schema === 'v1'
  const columns = columnsOf(encoding)
  const fieldsOf = columnFields(columns)
  const { delimiter } = text
  const absent = nullBytes('', dialect)
  // Of v1 a null is Jackson's text of it, an absent field is none.
  const null_bytes = v1 ? nullBytes('null', dialect) : absent
  const column_room =
    Math.max(absent.length, null_bytes.length) + delimiter.length + text.roomFor(0)
  return (reader, out) => {
    const { bytes } = reader
    const { names, start, end } = reader.fields()
    const fields = fieldsOf(names)
    out.room(
      columns.length * column_room + text.roomFor(reader.data_end - reader.data_start) + ROW_ROOM,
    )
    for (let column = 0; column < fields.length; column++) {
      out.copy(delimiter, 0, delimiter.length)
      const field = fields[column] as number
      if (field < 0) {
        out.copy(absent, 0, absent.length)
        continue
      }
      const from = start[field] as number
      const to = end[field] as number
      const c = bytes[from] as number
      if (c === QUOTE) text.string(bytes, from, to, out)
      else if (c === N) out.copy(null_bytes, 0, null_bytes.length)
      else if (c === LEFT_BRACE || c === LEFT_BRACKET) text.compact(bytes, from, to, out)
      else if (!v1 && bare_numbers && c <= NINE) out.copy(bytes, from, to)
      else text.bytes(bytes, from, to, out)
    }
  }
}

interface FieldOptions {
  readonly dialect: CsvDialect
  readonly text: CsvText
  readonly bare_numbers: boolean
}

/** For each column the member that has its name, the last of several; -1: none. Looked up once for records of one shape. */
function columnFields(columns: readonly string[]): (names: readonly string[]) => Int32Array {
  const column_of = new Map(columns.map((name, column) => [name, column]))
  const fields = new Int32Array(columns.length)
  let last: readonly string[] | undefined
  return (names) => {
    if (names === last) return fields
    last = names
    fields.fill(-1)
    for (const [field, name] of names.entries()) {
      const column = column_of.get(name)
      if (column !== undefined) fields[column] = field
    }
    return fields
  }
}

/** What stands for a null: a text in quotes, or the dialect's own without, so that no other field looks like it. */
function nullBytes(text: string, { null_value, quote, delimiter }: CsvDialect): Buffer {
  if (null_value === undefined)
    return Buffer.from(`${quote}${text.replaceAll(quote, quote + quote)}${quote}`)
  const special = [quote, delimiter, '\r', '\n'].some((sign) => null_value.includes(sign))
  if (!special) return Buffer.from(null_value)
  return Buffer.from(`${quote}${null_value.replaceAll(quote, quote + quote)}${quote}`)
}
