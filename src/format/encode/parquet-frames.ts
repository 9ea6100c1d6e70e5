import { deserialize, serialize } from 'node:v8'
import type { AvroRecord, AvroValue, Branch } from '../../core/records/avro-value.ts'
import type { ParquetField } from '../../core/records/parquet-type.ts'
import { workName } from './parquet-columns.ts'

/** Turns a value into the form that the page writer takes. */
type Shape = (value: AvroValue) => unknown

/**
 * Rows as *frames*: the values of some records column by column, so that a row group's columns can be taken
 * out one at a time. A frame is its rows, its columns' sizes (32 bits each), and each column as V8 keeps values.
 */
export function frameWriter(
  columns: readonly ParquetField[],
): (records: readonly AvroRecord[]) => Uint8Array {
  const shapes = columns.map(shapeOf)
  return (records) => {
    const data = columns.map(({ name }, index) => {
      const shape = shapes[index] as Shape
      return serialize(records.map((record) => nullOr(shape, record[name])))
    })
    const head = Buffer.alloc(4 + 4 * columns.length)
    head.writeUInt32LE(records.length)
    data.forEach((bytes, index) => {
      head.writeUInt32LE(bytes.length, 4 + 4 * index)
    })
    return Buffer.concat([head, ...data])
  }
}

export interface Frame {
  readonly rows: number
  /** Of the whole frame. */
  readonly bytes: number
  column(index: number): unknown[]
}

/** Reads the frame at the beginning of `bytes`; undefined where it is not all there. */
export function readFrame(bytes: Buffer, columns: number): Frame | undefined {
  const head = 4 + 4 * columns
  if (bytes.length < head) return undefined
  const starts: number[] = [head]
  for (let index = 0; index < columns; index++) {
    starts.push((starts[index] as number) + bytes.readUInt32LE(4 + 4 * index))
  }
  const end = starts[columns] as number
  if (bytes.length < end) return undefined
  return {
    rows: bytes.readUInt32LE(0),
    bytes: end,
    column: (index) => deserialize(bytes.subarray(starts[index], starts[index + 1])) as unknown[],
  }
}

const nullOr = (shape: Shape, value: AvroValue | undefined): unknown =>
  value === null || value === undefined ? null : shape(value)

function shapeOf(field: ParquetField): Shape {
  switch (field.kind) {
    case 'list': {
      const shape = shapeOf(field.element)
      return (value) => (value as AvroValue[]).map((item) => nullOr(shape, item))
    }
    case 'map': {
      const shape = shapeOf(field.value)
      return (value) =>
        Object.entries(value as AvroRecord).map(([key, item]) => ({
          key: key.toWellFormed(),
          value: nullOr(shape, item),
        }))
    }
    case 'group': {
      const shapes = field.children.map(shapeOf)
      if (field.union !== undefined) return unionShape(field.children, shapes)
      return (value) => {
        const record = value as AvroRecord
        const fields = field.children.map(({ name }, index) => [
          workName(index),
          nullOr(shapes[index] as Shape, record[name]),
        ])
        return Object.fromEntries(fields)
      }
    }
    case 'int64':
    case 'time_micros':
    case 'timestamp_micros':
    case 'timestamp_millis':
      return (value) => BigInt(value as number | bigint)
    case 'int32_date':
      return Number
    case 'string':
    case 'uuid_string':
      return (value) => (value as string).toWellFormed()
    default:
      return (value) => value
  }
}

function unionShape(children: readonly ParquetField[], shapes: readonly Shape[]): Shape {
  const typed = children[0]?.optional === false
  return (value) => {
    const { branch, value: inner } = value as Branch
    const index = typed ? branch + 1 : branch
    const shape = shapes[index]
    if (shape === undefined) throw new Error('the union has no such branch')
    const member = { [workName(index)]: nullOr(shape, inner) }
    return typed ? { [workName(0)]: children[index]?.name, ...member } : member
  }
}
