import type { FileHandle } from 'node:fs/promises'
import type { ParquetField } from '../../core/records/parquet-type.ts'
import { readThrift, type ThriftStruct, type ThriftValue, writeThrift } from './parquet-thrift.ts'

/** Field numbers of parquet-format's `parquet.thrift`. */
const FILE = { schema: 2, row_groups: 4 } as const
const ELEMENT = { name: 4, children: 5, converted: 6, logical: 10 } as const
const CHUNK = { of_group: 1, metadata: 3, path: 3 } as const
const CONVERTED: Partial<Record<ParquetField['kind'], number>> = {
  int32_date: 6,
  time_micros: 8,
  timestamp_millis: 9,
  timestamp_micros: 10,
}
const INT = 5
const BINARY = 8

const MAGIC = 'PAR1'

/**
 * Gives a finished file's columns their names and meaning: `columns` in the order in which they were written.
 * Times are instants, or of a day, in UTC (`isAdjustedToUTC`). Throws a bare `Error` for a file of other columns.
 */
export async function nameColumns(
  file: FileHandle,
  columns: readonly ParquetField[],
): Promise<{ readonly bytes: number }> {
  const { size } = await file.stat()
  const tail = await readAt(file, size - 8, 8)
  if (tail.toString('latin1', 4) !== MAGIC) throw new Error('the Parquet file has no footer')
  const start = size - 8 - tail.readUInt32LE(0)
  const footer = readThrift(await readAt(file, start, size - 8 - start))

  const leaves = nameSchema(footer, columns)
  for (const group of structs(footer, FILE.row_groups)) {
    const chunks = structs(group, CHUNK.of_group)
    if (chunks.length !== leaves.length) throw new Error('a row group has other columns')
    chunks.forEach((chunk, index) => {
      const [metadata] = structs(chunk, CHUNK.metadata)
      const path = metadata?.get(CHUNK.path)
      if (path?.type !== 'list') throw new Error('a column chunk has no path')
      path.items = (leaves[index] ?? []).map(text)
    })
  }

  const bytes = writeThrift(footer)
  const end = Buffer.alloc(8)
  end.writeUInt32LE(bytes.length)
  end.write(MAGIC, 4, 'latin1')
  const written = Buffer.concat([bytes, end])
  await file.truncate(start)
  await file.write(written, 0, written.length, start)
  return { bytes: start + written.length }
}

/** Answers with the path of each leaf, in order. */
function nameSchema(footer: ThriftStruct, columns: readonly ParquetField[]): string[][] {
  const elements = structs(footer, FILE.schema)
  const leaves: string[][] = []
  let next = 1
  const take = (name: string, children: number): ThriftStruct => {
    const element = elements[next++]
    if (element === undefined) throw new Error('the Parquet schema ends too early')
    const count = element.get(ELEMENT.children)
    const has = count?.type === 'scalar' ? (count.bytes[0] ?? 0) >> 1 : 0
    // Numbers above 63 take more than a byte; groups of that size are only compared in part.
    if (children < 64 && has !== children) throw new Error(`column ${name} has another shape`)
    element.set(ELEMENT.name, text(name))
    return element
  }
  const visit = (field: ParquetField, path: readonly string[]): void => {
    const own = [...path, field.name]
    if (field.kind === 'group') {
      take(field.name, field.children.length)
      for (const child of field.children) visit(child, own)
    } else if (field.kind === 'list') {
      take(field.name, 1)
      take('list', 1)
      visit({ ...field.element, name: 'element' }, [...own, 'list'])
    } else if (field.kind === 'map') {
      take(field.name, 1)
      take('key_value', 2)
      const entry = [...own, 'key_value']
      visit({ name: 'key', optional: false, kind: 'string' }, entry)
      visit({ ...field.value, name: 'value' }, entry)
    } else {
      const element = take(field.name, 0)
      const converted = CONVERTED[field.kind]
      if (converted !== undefined) {
        element.set(ELEMENT.converted, {
          type: 'scalar',
          of: INT,
          bytes: Buffer.from([converted * 2]),
        })
        element.set(ELEMENT.logical, logicalType(field.kind))
      }
      leaves.push(own)
    }
  }
  elements[0]?.set(ELEMENT.name, text('record'))
  for (const column of columns) visit(column, [])
  if (next !== elements.length) throw new Error('the Parquet schema has further columns')
  return leaves
}

const text = (value: string): ThriftValue => ({
  type: 'scalar',
  of: BINARY,
  bytes: Buffer.from(value),
})

const struct = (...fields: [number, ThriftValue][]): ThriftValue => ({
  type: 'struct',
  fields: new Map(fields),
})

/** `DATE`, or `TIME` and `TIMESTAMP` with `isAdjustedToUTC` and the unit. */
function logicalType(kind: ParquetField['kind']): ThriftValue {
  if (kind === 'int32_date') return struct([6, struct()])
  const unit = struct([kind === 'timestamp_millis' ? 1 : 2, struct()])
  return struct([
    kind === 'time_micros' ? 7 : 8,
    struct([1, { type: 'bool', value: true }], [2, unit]),
  ])
}

/** The structs that a field holds, one or a list. */
function structs(of: ThriftStruct, id: number): ThriftStruct[] {
  const value = of.get(id)
  if (value === undefined) return []
  const values = value.type === 'list' ? value.items : [value]
  return values.map((one) => {
    if (one.type !== 'struct') throw new Error(`field ${id} of the Parquet footer is no struct`)
    return one.fields
  })
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, at)
  if (bytesRead !== length) throw new Error('the Parquet file ends too early')
  return buffer
}
