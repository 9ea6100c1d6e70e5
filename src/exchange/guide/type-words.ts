import type { ColumnType } from '../../core/contract/contract.ts'

/** A type as one explains it to who writes the values; one phrase without a full stop. */
export function typeWords(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
      return 'text'
    case 'integer':
      return type.bits === 64 && type.signed
        ? 'whole number'
        : `whole number from ${type.signed ? -(2n ** BigInt(type.bits - 1)) : 0} to ${2n ** BigInt(type.signed ? type.bits - 1 : type.bits) - 1n}`
    case 'number':
      return 'number with a fraction (double precision)'
    case 'decimal':
      return `exact decimal number, up to ${digits(type.precision - type.scale)} before the point and ${type.scale} after`
    case 'boolean':
      return 'true or false'
    case 'date':
      return 'date'
    case 'time':
      return 'time of day'
    case 'timestamp':
      return 'date and time'
    case 'uuid':
      return 'UUID'
    case 'json':
      return type.must_be_object ? 'JSON object' : 'any JSON value'
    case 'map':
      return `map from text keys to ${plural(type.value)}`
    case 'array':
      return `list of ${plural(type.item)}`
    case 'object':
      return `object with ${type.fields.length === 1 ? 'the field' : 'the fields'} ${type.fields.map(({ name, names, type: of }) => `${names[0] ?? name} (${typeWords(of)})`).join(', ')}`
  }
}

const digits = (count: number) => `${count} ${count === 1 ? 'digit' : 'digits'}`

function plural(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
      return 'texts'
    case 'integer':
      return 'whole numbers'
    case 'number':
      return 'numbers'
    case 'decimal':
      return `decimal numbers (${digits(type.precision - type.scale)} before the point, ${type.scale} after)`
    case 'boolean':
      return 'true or false'
    case 'date':
      return 'dates'
    case 'time':
      return 'times of day'
    case 'timestamp':
      return 'dates with times'
    case 'uuid':
      return 'UUIDs'
    case 'json':
      return 'JSON values'
    case 'map':
      return `maps from text keys to ${plural(type.value)}`
    case 'array':
      return `lists of ${plural(type.item)}`
    case 'object':
      return typeWords(type).replace(/^object/, 'objects')
  }
}

/** The type of a column in a Parquet file, in the words of the Parquet format. */
export function parquetType(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
      return 'STRING'
    case 'integer':
      return `${type.signed ? 'INT' : 'UINT'}(${type.bits})`
    case 'number':
      return 'DOUBLE'
    case 'decimal':
      return `DECIMAL(${type.precision}, ${type.scale})`
    case 'boolean':
      return 'BOOLEAN'
    case 'date':
      return 'DATE'
    case 'time':
      return 'TIME'
    case 'timestamp':
      return 'TIMESTAMP'
    case 'map':
      return `MAP<STRING, ${parquetType(type.value)}>`
    case 'array':
      return `LIST<${parquetType(type.item)}>`
    case 'object':
      return `GROUP<${type.fields.map(({ name, names, type: of }) => `${names[0] ?? name} ${parquetType(of)}`).join(', ')}>`
  }
}
