import { ByteBuffer } from '../byte-buffer.ts'

/** Types of Thrift's compact protocol. */
const TRUE = 1
const FALSE = 2
const I16 = 4
const I32 = 5
const I64 = 6
const BINARY = 8
const LIST = 9
const STRUCT = 12
/** Lists of fewer have their length beside the type of what they hold. */
const LONG_LIST = 15

/** A field's value, made by the functions below. */
export interface ThriftValue {
  readonly type: number
  write(out: ByteBuffer): void
}

/** A struct as numbered fields; those that are undefined are left out. */
export type ThriftFields = Readonly<Record<number, ThriftValue | undefined>>

export const i16 = (value: number): ThriftValue => ({
  type: I16,
  write: (out) => zigzag(out, value),
})
export const i32 = (value: number): ThriftValue => ({
  type: I32,
  write: (out) => zigzag(out, value),
})
/** Whole, and below 2^52 either way. */
export const i64 = (value: number): ThriftValue => ({
  type: I64,
  write: (out) => zigzag(out, value),
})
export const bool = (value: boolean): ThriftValue => ({
  type: value ? TRUE : FALSE,
  write: () => {},
})

export const binary = (value: string | Uint8Array): ThriftValue => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return {
    type: BINARY,
    write(out) {
      varint(out, bytes.length)
      out.room(bytes.length)
      out.copy(bytes, 0, bytes.length)
    },
  }
}

export const struct = (fields: ThriftFields): ThriftValue => ({
  type: STRUCT,
  write(out) {
    let last = 0
    // Keys that are numbers come in their order.
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue
      const id = Number(key)
      out.room(1)
      out.bytes[out.at++] = ((id - last) << 4) | value.type
      value.write(out)
      last = id
    }
    out.room(1)
    out.bytes[out.at++] = 0
  },
})

/** Of values of one type, and no booleans. */
export const list = (values: readonly ThriftValue[]): ThriftValue => ({
  type: LIST,
  write(out) {
    const type = values[0]?.type ?? STRUCT
    out.room(1)
    out.bytes[out.at++] = (Math.min(values.length, LONG_LIST) << 4) | type
    if (values.length >= LONG_LIST) varint(out, values.length)
    for (const value of values) value.write(out)
  },
})

/** The struct in the compact protocol. Field numbers are from 1 to 15. */
export function thriftBytes(fields: ThriftFields): Buffer<ArrayBuffer> {
  const out = new ByteBuffer(1024)
  struct(fields).write(out)
  return out.written
}

function varint(out: ByteBuffer, value: number): void {
  out.room(8)
  let rest = value
  while (rest > 0x7f) {
    out.bytes[out.at++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  out.bytes[out.at++] = rest
}

const zigzag = (out: ByteBuffer, value: number): void =>
  varint(out, value >= 0 ? value * 2 : -value * 2 - 1)
