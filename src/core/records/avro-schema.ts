/** The Avro schemas (Avro 1.11) that streams are written with: JSON documents, as they stand in the files. */

export type AvroPrimitive =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string'

/** A primitive with attributes. */
export interface AvroAnnotated {
  readonly type: AvroPrimitive
  readonly logicalType?: 'uuid' | 'date' | 'time-micros' | 'timestamp-micros' | 'timestamp-millis'
  /** Which type of the JSON schema a branch of a union stands for, where its Avro type does not tell. */
  readonly airbyte_type?: TypeName
}

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly doc?: string
  readonly default?: null
}

export interface AvroRecordSchema {
  readonly type: 'record'
  readonly name: string
  readonly namespace?: string
  readonly doc?: string
  readonly fields: readonly AvroField[]
}

export interface AvroArraySchema {
  readonly type: 'array'
  readonly items: AvroSchema
}

export interface AvroMapSchema {
  readonly type: 'map'
  readonly values: AvroSchema
}

export type AvroUnion = readonly AvroSchema[]

export type AvroSchema =
  | AvroPrimitive
  | AvroAnnotated
  | AvroRecordSchema
  | AvroArraySchema
  | AvroMapSchema
  | AvroUnion

/** What a member of a union is called in Parquet under the output schema v2. */
export type TypeName =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'number'
  | 'object'
  | 'array'
  | 'date'
  | 'time_with_timezone'
  | 'time_without_timezone'
  | 'timestamp_with_timezone'
  | 'timestamp_without_timezone'

/** The branches of a type without null; one where it is no union. */
export function branchesOf(schema: AvroSchema): readonly AvroSchema[] {
  return Array.isArray(schema)
    ? schema.filter((branch) => branch !== 'null')
    : [schema as AvroSchema]
}
