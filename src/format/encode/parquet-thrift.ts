/**
 * Thrift's compact protocol, as far as Parquet footers use it. What is not understood is kept byte for byte, so
 * that a footer can be read, changed in places and written again.
 */
export type ThriftStruct = Map<number, ThriftValue>
export type ThriftValue =
  | { readonly type: 'bool'; readonly value: boolean }
  /** `of`: the protocol's type. Numbers as they are written; of strings the bytes without their length. */
  | { readonly type: 'scalar'; readonly of: number; readonly bytes: Uint8Array }
  | { readonly type: 'struct'; readonly fields: ThriftStruct }
  | { readonly type: 'list'; readonly of: number; items: ThriftValue[] }

const TRUE = 1
const FALSE = 2
const BYTE = 3
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const STRUCT = 12

/** Reads a struct that begins at the first byte. */
export function readThrift(bytes: Uint8Array): ThriftStruct {
  let at = 0
  const byte = (): number => {
    const value = bytes[at++]
    if (value === undefined) throw new Error('the Parquet footer ends too early')
    return value
  }
  const varint = (): number => {
    let value = 0
    let unit = 1
    for (;;) {
      const next = byte()
      value += (next & 0x7f) * unit
      if (next < 0x80) return value
      unit *= 128
    }
  }
  const struct = (): ThriftStruct => {
    const fields: ThriftStruct = new Map()
    let id = 0
    for (;;) {
      const head = byte()
      if (head === 0) return fields
      if (head >> 4 === 0) {
        const zigzag = varint()
        id = zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
      } else id += head >> 4
      const of = head & 15
      fields.set(id, of === TRUE || of === FALSE ? { type: 'bool', value: of === TRUE } : value(of))
    }
  }
  const value = (of: number): ThriftValue => {
    if (of === STRUCT) return { type: 'struct', fields: struct() }
    if (of === LIST || of === SET) {
      const head = byte()
      const length = head >> 4 === 15 ? varint() : head >> 4
      const items: ThriftValue[] = []
      for (let index = 0; index < length; index++) items.push(value(head & 15))
      return { type: 'list', of: head & 15, items }
    }
    let start = at
    if (of === BINARY) {
      const length = varint()
      start = at
      at += length
    } else if (of === DOUBLE) at += 8
    // In a list a boolean is a byte.
    else if (of === BYTE || of === TRUE || of === FALSE) at += 1
    else if (of >= 4 && of <= 6) varint()
    else throw new Error(`the Parquet footer holds type ${of}, which is not expected there`)
    return { type: 'scalar', of, bytes: bytes.subarray(start, at) }
  }
  return struct()
}

/** The struct in the compact protocol. */
export function writeThrift(root: ThriftStruct): Uint8Array {
  const chunks: Uint8Array[] = []
  const varint = (value: number): void => {
    const out: number[] = []
    let rest = value
    while (rest > 0x7f) {
      out.push((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    chunks.push(Uint8Array.from([...out, rest]))
  }
  const struct = (fields: ThriftStruct): void => {
    let last = 0
    for (const [id, field] of [...fields].sort(([a], [b]) => a - b)) {
      const delta = id - last
      const of = typeOf(field)
      if (delta > 0 && delta < 16) chunks.push(Uint8Array.of((delta << 4) | of))
      else {
        chunks.push(Uint8Array.of(of))
        varint(id >= 0 ? id * 2 : -id * 2 - 1)
      }
      last = id
      if (field.type !== 'bool') value(field)
    }
    chunks.push(Uint8Array.of(0))
  }
  const value = (one: ThriftValue): void => {
    if (one.type === 'struct') struct(one.fields)
    else if (one.type === 'list') {
      if (one.items.length < 15) chunks.push(Uint8Array.of((one.items.length << 4) | one.of))
      else {
        chunks.push(Uint8Array.of(0xf0 | one.of))
        varint(one.items.length)
      }
      for (const item of one.items) value(item)
    } else if (one.type === 'scalar') {
      if (one.of === BINARY) varint(one.bytes.length)
      chunks.push(one.bytes)
    } else throw new Error('a boolean that is no field')
  }
  struct(root)
  return Buffer.concat(chunks)
}

function typeOf(value: ThriftValue): number {
  switch (value.type) {
    case 'bool':
      return value.value ? TRUE : FALSE
    case 'struct':
      return STRUCT
    case 'list':
      return LIST
    case 'scalar':
      return value.of
  }
}
