import type { AvroField, AvroRecordSchema } from '../../core/records/avro-schema.ts'
import { type AvroBuffer, compileAvro } from './avro-binary.ts'
import { ROW_ID_VERSION } from './built-in-columns.ts'
import type { Encoding } from './encode.ts'
import {
  builtInWriter,
  type PlainColumn,
  type PlainField,
  PlainRows,
  plainFieldsOf,
} from './plain-rows.ts'
import { type PlainTake, plainTake, type ValueSink } from './plain-value.ts'
import { UUID_LENGTH, UuidWriter } from './uuid-writer.ts'

/** Adds plain records to `out` in Avro's binary encoding; undefined where the stream has none. */
export function plainAvro(
  encoding: Encoding,
  schema: AvroRecordSchema,
  out: AvroBuffer,
): PlainRows | undefined {
  const fields = plainFieldsOf(encoding)
  if (fields === undefined) return undefined
  const uuids = new UuidWriter(ROW_ID_VERSION[encoding.output_schema])
  const uuid = new Uint8Array(UUID_LENGTH)
  let row_start = 0
  const columns = schema.fields.map(({ name, type }): PlainColumn => {
    const encode = compileAvro(type)
    const write = builtInWriter(name, encoding, {
      long: (value) => out.long(value),
      id(now) {
        uuids.write(uuid, 0, now)
        out.copy(uuid, 0, UUID_LENGTH)
      },
      meta: (value) => encode(value, out),
    })
    if (write !== undefined) return { otherwise: write }
    const otherwise = () => encode(null, out)
    const field = fields.get(name)
    if (field === undefined) return { otherwise }
    return { field: { key: field.key, take: takeOf(field, type, out) }, otherwise }
  })
  return new PlainRows(columns, {
    begin() {
      row_start = out.at
    },
    undo() {
      out.at = row_start
    },
  })
}

const nothing: PlainTake = () => false

function takeOf(field: PlainField, type: AvroField['type'], out: AvroBuffer): PlainTake {
  if (field.kind === undefined || !Array.isArray(type)) return nothing
  // The first that is not null; v1 has text for times that cannot be read behind it.
  const branch = type.findIndex((one) => one !== 'null')
  return plainTake(field.kind, new BranchSink(out, branch), field) ?? nothing
}

/** Values of one branch of a union. */
class BranchSink implements ValueSink {
  private readonly out: AvroBuffer
  private readonly branch: number

  constructor(out: AvroBuffer, branch: number) {
    this.out = out
    this.branch = branch
  }

  boolean(value: boolean): void {
    const { out } = this
    out.long(this.branch)
    out.reserve(1)
    out.bytes[out.at++] = value ? 1 : 0
  }

  int(value: number): void {
    this.long(value)
  }

  long(value: number): void {
    this.out.long(this.branch)
    this.out.long(value)
  }

  bigint(value: bigint): void {
    this.out.long(this.branch)
    this.out.long(value)
  }

  double(value: number): void {
    const { out } = this
    out.long(this.branch)
    out.reserve(8)
    out.view.setFloat64(out.at, value, true)
    out.at += 8
  }

  slice(source: Uint8Array, from: number, to: number): void {
    this.out.long(this.branch)
    this.out.copy(source, from, to)
  }
}
