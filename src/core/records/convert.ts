import type { OutputSchema } from '../destination/output.ts'
import { type Stream, streamLabel } from '../destination/stream.ts'
import { ExchangeError } from '../errors.ts'
import type { AvroField, AvroRecordSchema } from './avro-schema.ts'
import type { AvroRecord } from './avro-value.ts'
import type { BadValue } from './bad-value.ts'
import { compileV1 } from './convert-v1.ts'
import { compileV2 } from './convert-v2.ts'
import { isJsonObject, type JsonValue } from './exact-json.ts'
import { createReport } from './report.ts'
import { avroSchemaV1, shapeV1 } from './schema-v1.ts'
import { avroSchemaV2, shapeV2 } from './schema-v2.ts'

export interface ConverterOptions {
  readonly output_schema: OutputSchema
  /** `null`: what fits no type becomes null (or text, where the schema has it). `fail`: it throws `bad_value`. */
  readonly on_bad_value: 'null' | 'fail'
  /** Of v2: whether undeclared keys are kept in a map; v1 always keeps them. */
  readonly keep_additional_properties: boolean
}

/** Converts the data of one stream's records; compiled once for a stream. */
export interface Converter {
  /** Of the whole record, the built-in fields first. */
  readonly schema: AvroRecordSchema
  /** The fields that come out of `convert`: all but the built-in ones. */
  readonly payloadFields: readonly AvroField[]
  /**
   * The payload of a record. Every bad value is given to `bad` before it returns. Throws `bad_value` with
   * `on_bad_value: fail`, and `record_invalid` where the data is no object.
   */
  convert(data: JsonValue, bad: (value: BadValue) => void): AvroRecord
}

/** Built-in fields of each output schema, which come first. */
const BUILTINS: Record<OutputSchema, number> = { v1: 2, v2: 4 }

/** The schema of a stream's whole records. Throws `schema_unsupported` for a JSON schema that v2 cannot take. */
export function streamAvroSchema(
  stream: Pick<Stream, 'name' | 'namespace' | 'json_schema'>,
  options: Omit<ConverterOptions, 'on_bad_value'>,
): AvroRecordSchema {
  return options.output_schema === 'v1'
    ? avroSchemaV1(stream, { builtins: true })
    : avroSchemaV2(stream, options)
}

/** Throws `schema_unsupported` for a JSON schema that v2 cannot take. */
export function compileConverter(
  stream: Pick<Stream, 'name' | 'namespace' | 'json_schema'>,
  options: ConverterOptions,
): Converter {
  const { output_schema, keep_additional_properties } = options
  const report = createReport(stream, options.on_bad_value)
  const v1 = output_schema === 'v1'
  const schema = streamAvroSchema(stream, options)
  const record = v1
    ? compileV1(shapeV1(stream.json_schema, { builtins: true }), report)
    : compileV2(shapeV2(stream), { keep_additional_properties, report })
  return {
    schema,
    payloadFields: schema.fields.slice(BUILTINS[output_schema]),
    convert(data, bad) {
      if (!isJsonObject(data)) {
        throw new ExchangeError(
          'record_invalid',
          `Stream "${streamLabel(stream)}": the data of a record is no JSON object.`,
        )
      }
      report.receiver = bad
      return record(data)
    },
  }
}
