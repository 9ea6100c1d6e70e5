import type { AvroRecordSchema } from '../../core/records/avro-schema.ts'
import type { AvroRecord, AvroValue } from '../../core/records/avro-value.ts'
import { type BadValue, changeOf } from '../../core/records/bad-value.ts'
import { type Converter, compileConverter } from '../../core/records/convert.ts'
import { type JsonValue, parseRecord } from '../../core/records/exact-json.ts'
import { ROW_ID_VERSION } from './built-in-columns.ts'
import type { Encoding } from './encode.ts'
import type { EnvelopedRecord } from './record-blocks.ts'
import { UUID_LENGTH, UuidWriter } from './uuid-writer.ts'

/** As `EncodedBlock` has it. */
const MAX_EXAMPLES = 20

/** Makes whole Avro records, built-in fields included, and counts the values that were bad. */
export interface RecordMaker {
  readonly schema: AvroRecordSchema
  /** Throws `record_invalid` and, with `on_bad_value: fail`, `bad_value`. */
  make(record: EnvelopedRecord): AvroRecord
  /** The bad values since it was last asked. */
  takeBad(): { readonly bad_values: number; readonly examples: readonly BadValue[] }
}

function converterOf(encoding: Encoding): Converter {
  const { stream, output_schema, on_bad_value, keep_additional_properties } = encoding
  return compileConverter(stream, { output_schema, on_bad_value, keep_additional_properties })
}

/** The Avro schema of the records of a stream. Throws `schema_unsupported`. */
export const avroSchemaOf = (encoding: Encoding): AvroRecordSchema => converterOf(encoding).schema

/** Compiles the stream's schema. Throws `schema_unsupported`. */
export function recordMaker(encoding: Encoding): RecordMaker {
  const { schema, convert } = converterOf(encoding)
  const { output_schema, sync_id, generation_id } = encoding
  const uuids = new UuidWriter(ROW_ID_VERSION[output_schema])
  const uuid = Buffer.alloc(UUID_LENGTH)
  let bad_values = 0
  let examples: BadValue[] = []
  let changes: AvroValue[] = []
  const bad = (value: BadValue) => {
    bad_values++
    if (examples.length < MAX_EXAMPLES) examples.push(value)
    if (value.kept_as === 'null') changes.push({ ...changeOf(value) })
  }
  return {
    schema,
    make(record) {
      changes = []
      const payload = convert(parseRecord(record.data), bad)
      const now = Date.now()
      uuids.write(uuid, 0, now)
      const id = uuid.toString('latin1')
      if (output_schema === 'v1') {
        return { _airbyte_ab_id: id, _airbyte_emitted_at: record.emitted_at, ...payload }
      }
      const earlier = record.changes === undefined ? [] : changesOf(record.changes)
      return {
        _airbyte_raw_id: id,
        _airbyte_extracted_at: record.emitted_at,
        _airbyte_meta: { sync_id, changes: [...earlier, ...changes] },
        _airbyte_generation_id: generation_id,
        ...payload,
      }
    },
    takeBad() {
      const taken = { bad_values, examples }
      bad_values = 0
      examples = []
      return taken
    },
  }
}

/** What the source says it changed; entries that are none (Airbyte protocol v0) are left out. */
function changesOf(text: string): AvroValue[] {
  const parsed = parseRecord(text)
  const list: JsonValue[] = Array.isArray(parsed) ? parsed : []
  return list.flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null || !('field' in entry)) return []
    const { field, change, reason } = entry
    if (typeof field !== 'string' || typeof change !== 'string' || typeof reason !== 'string') {
      return []
    }
    return [{ field, change, reason }]
  })
}
