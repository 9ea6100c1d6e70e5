import { type AvroRecord, type AvroValue, Branch } from './avro-value.ts'
import { characterText, setKey } from './exact-json.ts'
import type { ParquetField } from './parquet-type.ts'
import { dateText, timestampText, timeText } from './time-print.ts'

/** As `AvroValue`, but a union's value is a group: an object with one of its members set. */
export type ParquetValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | ParquetValue[]
  | { [name: string]: ParquetValue }

/** The value as it stands in a Parquet file: groups in place of branches, every field of a group present. */
export function parquetValue(field: ParquetField, value: AvroValue | undefined): ParquetValue {
  if (value === null || value === undefined) return null
  switch (field.kind) {
    case 'list':
      return (value as AvroValue[]).map((item) => parquetValue(field.element, item))
    case 'map': {
      const map: { [name: string]: ParquetValue } = {}
      for (const [key, item] of Object.entries(value as AvroRecord)) {
        setKey(map, key, parquetValue(field.value, item))
      }
      return map
    }
    case 'group': {
      const group: { [name: string]: ParquetValue } = {}
      const member = value instanceof Branch ? memberOf(field, value) : undefined
      for (const child of field.children) {
        const inner =
          member === undefined
            ? (value as AvroRecord)[child.name]
            : child.name === member.name
              ? (value as Branch).value
              : member.tag !== undefined && child.name === 'type'
                ? member.tag
                : null
        setKey(group, child.name, parquetValue(child, inner))
      }
      return group
    }
    default:
      return value as ParquetValue
  }
}

type Group = Extract<ParquetField, { kind: 'group' }>

/** The field of a union's group that a branch is, and what `type` says where there is one. */
function memberOf(group: Group, { branch }: Branch): { name: string; tag?: string } {
  const typed = group.union === 'typed'
  const child = group.children[typed ? branch + 1 : branch]
  if (child === undefined) throw new Error(`${group.name} has no branch ${branch}`)
  return typed ? { name: child.name, tag: child.name } : { name: child.name }
}

type WriteText = (value: AvroValue) => string

/**
 * Writes records as lines of JSON (without the line feed) that DuckDB's `read_json` reads exactly when told
 * the columns by `duckdbReadType`, and `duckdbSelect` what to make of them. Null fields are left out.
 */
export function compileParquetText(
  fields: readonly ParquetField[],
): (record: AvroRecord) => string {
  return objectText(fields) as (record: AvroRecord) => string
}

function objectText(fields: readonly ParquetField[]): WriteText {
  const writers = fields.map((field) => ({
    name: field.name,
    prefix: `${JSON.stringify(field.name)}:`,
    write: writerOf(field),
  }))
  return (value) => {
    const record = value as AvroRecord
    let text = ''
    for (const { name, prefix, write } of writers) {
      const inner = record[name]
      if (inner === null || inner === undefined) continue
      text += text === '' ? prefix + write(inner) : `,${prefix}${write(inner)}`
    }
    return `{${text}}`
  }
}

function unionText(group: Group): WriteText {
  const typed = group.union === 'typed'
  const members = group.children.slice(typed ? 1 : 0).map((child) => {
    const name = JSON.stringify(child.name)
    return { prefix: typed ? `{"type":${name},${name}:` : `{${name}:`, write: writerOf(child) }
  })
  return (value) => {
    const { branch, value: inner } = value as Branch
    const member = members[branch]
    if (member === undefined) throw new Error(`${group.name} has no branch ${branch}`)
    return `${member.prefix}${member.write(inner)}}`
  }
}

/** Of null the text is `null`, also within lists and maps. */
function writerOf(field: ParquetField): WriteText {
  switch (field.kind) {
    case 'group':
      return field.union === undefined ? objectText(field.children) : unionText(field)
    case 'list': {
      const write = writerOf(field.element)
      return (value) => {
        const items = value as AvroValue[]
        return `[${items.map((item) => (item === null ? 'null' : write(item))).join(',')}]`
      }
    }
    case 'map': {
      const write = writerOf(field.value)
      return (value) => {
        const map = value as AvroRecord
        const parts = Object.keys(map).map((key) => {
          const item = map[key] ?? null
          return `${characterText(key)}:${item === null ? 'null' : write(item)}`
        })
        return `{${parts.join(',')}}`
      }
    }
    case 'string':
    case 'uuid_string':
      return (value) => characterText(value as string)
    case 'float':
    case 'double':
      return (value) => doubleText(value as number)
    case 'bytes':
      return (value) => `"${base64(value as Uint8Array)}"`
    case 'int32_date':
      return (value) => `"${dateText(value as number)}"`
    case 'time_micros':
      return (value) => `"${timeText(value as number)}"`
    case 'timestamp_micros':
      return (value) => `"${timestampText(value as number | bigint)}"`
    case 'timestamp_millis':
      return (value) => `"${timestampText((value as number) * 1000)}"`
    default:
      return String
  }
}

function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
