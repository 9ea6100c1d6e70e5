import type { AvroRecord, AvroValue, Branch } from '../../core/records/avro-value.ts'
import type { ParquetField } from '../../core/records/parquet-type.ts'
import { workName } from './parquet-columns.ts'

/** Writes a value as the JSON that DuckDB reads as its column's type; never given null. */
type Write = (value: AvroValue) => string

/**
 * Rows as lines of JSON, `{"x":{"c0":…}}`: columns and fields under their work names, nulls left out, unions
 * as groups. DuckDB takes `NaN` and the infinities as they stand.
 */
export function jsonRowWriter(columns: readonly ParquetField[]): (record: AvroRecord) => string {
  const write = recordWriter(columns)
  return (record) => `{"x":${write(record)}}\n`
}

function recordWriter(fields: readonly ParquetField[]): Write {
  const writers = fields.map((field, index) => ({
    name: field.name,
    key: `"${workName(index)}":`,
    write: writerOf(field),
  }))
  return (value) => {
    const record = value as AvroRecord
    let text = ''
    for (const { name, key, write } of writers) {
      const one = record[name]
      if (one === null || one === undefined) continue
      text += `${text === '' ? '' : ','}${key}${write(one)}`
    }
    return `{${text}}`
  }
}

function writerOf(field: ParquetField): Write {
  switch (field.kind) {
    case 'group':
      return field.union === undefined ? recordWriter(field.children) : unionWriter(field.children)
    case 'list': {
      const write = writerOf(field.element)
      return (value) =>
        `[${(value as AvroValue[]).map((item) => (item === null ? 'null' : write(item))).join()}]`
    }
    case 'map': {
      const write = writerOf(field.value)
      return (value) => {
        const entries = Object.entries(value as AvroRecord).map(
          ([key, item]) => `${jsonString(key)}:${item === null ? 'null' : write(item)}`,
        )
        return `{${entries.join()}}`
      }
    }
    case 'float':
    case 'double':
      // JSON's `-0` is read as an integer, which has no sign.
      return (value) => (Object.is(value, -0) ? '-0.0' : String(value))
    case 'string':
    case 'uuid_string':
      return (value) => jsonString(value as string)
    case 'bytes':
      throw new Error('bytes are not written as JSON')
    default:
      return String
  }
}

/** `members`: the branches. `typed`: the name of the type before them. */
function unionWriter(children: readonly ParquetField[]): Write {
  const typed = children[0]?.optional === false
  const writers = children.map(writerOf)
  return (value) => {
    const { branch, value: inner } = value as Branch
    const index = typed ? branch + 1 : branch
    const write = writers[index]
    if (write === undefined || inner === null) throw new Error('the union has no such branch')
    const member = `"${workName(index)}":${write(inner)}`
    const type = typed ? `"${workName(0)}":${jsonString(children[index]?.name ?? '')},` : ''
    return `{${type}${member}}`
  }
}

/** Half a surrogate pair has no UTF-8: it becomes U+FFFD, as in Avro. */
const jsonString = (value: string): string => JSON.stringify(value.toWellFormed())
