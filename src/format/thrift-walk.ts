/** Types of Thrift's compact protocol: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
const TRUE = 1
const FALSE = 2
const BYTE = 3
const I64 = 6
const DOUBLE = 7
const BINARY = 8
const LIST = 9
const SET = 10
const MAP = 11
const STRUCT = 12
/** Lists of fewer have their length beside the type of what they hold. */
const LONG_LIST = 15
/** Parquet's own structs are nested some eight deep. */
const MAX_DEPTH = 64

/**
 * Goes through the struct that `bytes` begins with, without keeping anything. Returns what is wrong with it: a text,
 * a list or a map that claims more than there are bytes left, nesting without end, a type that there is none of.
 * Readers that believe such a claim take the memory for it first: a footer of a hundred bytes can ask for terabytes.
 */
export function thriftFault(bytes: Uint8Array): string | undefined {
  try {
    new Walk(bytes).struct(0)
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
}

class Fault extends Error {}

class Walk {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  struct(depth: number): void {
    if (depth > MAX_DEPTH) throw new Fault(`structs are nested more than ${MAX_DEPTH} deep`)
    for (;;) {
      const head = this.byte()
      if (head === 0) return
      // A short field has the step from the last field's number in its upper half.
      if (head >> 4 === 0) this.varint()
      const type = head & 0x0f
      // Of a field the type alone says true or false.
      if (type !== TRUE && type !== FALSE) this.value(type, depth)
    }
  }

  private value(type: number, depth: number): void {
    if (type === TRUE || type === FALSE || type === BYTE) this.skip(1)
    else if (type > BYTE && type <= I64) this.varint()
    else if (type === DOUBLE) this.skip(8)
    else if (type === BINARY) this.skip(this.varint(), 'a text')
    else if (type === LIST || type === SET) this.list(depth)
    else if (type === MAP) this.map(depth)
    else if (type === STRUCT) this.struct(depth + 1)
    else throw new Fault(`there is no type ${type} (byte ${this.at})`)
  }

  private list(depth: number): void {
    const head = this.byte()
    const size = head >> 4 === LONG_LIST ? this.varint() : head >> 4
    this.elements(size, depth, [head & 0x0f])
  }

  private map(depth: number): void {
    const size = this.varint()
    if (size === 0) return
    const types = this.byte()
    this.elements(size, depth, [types >> 4, types & 0x0f])
  }

  private elements(size: number, depth: number, types: readonly number[]): void {
    // Each takes a byte at least.
    this.room(size * types.length, 'a list')
    for (let element = 0; element < size; element++)
      for (const type of types) this.value(type, depth + 1)
  }

  private skip(count: number, what = 'a number'): void {
    this.room(count, what)
    this.at += count
  }

  private room(count: number, what: string): void {
    const left = this.bytes.length - this.at
    if (count > left) throw new Fault(`${what} claims ${count} bytes, where ${left} are left`)
  }

  private byte(): number {
    const byte = this.bytes[this.at++]
    if (byte === undefined) throw new Fault('it ends within a value')
    return byte
  }

  /** Of ten bytes at most; one so great that it is not exact is greater than any file. */
  private varint(): number {
    let value = 0
    for (let place = 0; place < 10; place++) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** (7 * place)
      if (byte < 0x80) return value
    }
    throw new Fault(`a number has more than ten bytes (byte ${this.at})`)
  }
}
