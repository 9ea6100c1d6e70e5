import type { AvroSchema, AvroUnion } from '../../core/records/avro-schema.ts'
import type { Branch } from '../../core/records/avro-value.ts'

/** Bytes that grow as values are added to them. */
export class AvroBuffer {
  bytes: Buffer<ArrayBuffer>
  view: DataView
  /** How many of `bytes` are in use. */
  at = 0

  /** `size`: bytes to begin with. */
  constructor(size = 1 << 16) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + size))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  /** What was written, copied: the buffer can go on being used. */
  take(): Uint8Array<ArrayBuffer> {
    return Uint8Array.prototype.slice.call(this.bytes, 0, this.at) as Uint8Array<ArrayBuffer>
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** A length, then the bytes of `source` from `from` to `to`. */
  copy(source: Uint8Array, from: number, to: number): void {
    const length = to - from
    this.reserve(length + 10)
    this.long(length)
    const { bytes } = this
    let { at } = this
    if (length > SHORT) bytes.set(source.subarray(from, to), at)
    else for (let p = from; p < to; p++) bytes[at++] = source[p] as number
    this.at += length
  }

  /** A zig-zag, variable-length integer: an Avro int or long. */
  long(value: number | bigint): void {
    this.reserve(10)
    if (typeof value === 'bigint') {
      if (value < -EXACT_BIGINT || value > EXACT_BIGINT) {
        this.bigLong(value)
        return
      }
      value = Number(value)
    } else if (value < -EXACT || value > EXACT) {
      this.bigLong(BigInt(value))
      return
    }
    // Twice 2^52 is still exact in a double.
    let rest = value < 0 ? -value * 2 - 1 : value * 2
    const { bytes } = this
    let at = this.at
    while (rest > 0x7fffffff) {
      bytes[at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    bytes[at++] = rest
    this.at = at
  }

  private bigLong(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new Error(`${value} does not fit an Avro long`)
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.bytes[this.at++] = Number(rest)
  }

  /** Length in bytes, then UTF-8; a lone surrogate becomes U+FFFD. */
  string(text: string): void {
    const { length } = text
    this.reserve(length * 3 + 5)
    const { bytes } = this
    const start = this.at
    if (length < SHORT) {
      // A call out of JavaScript costs more than copying a few letters; leaves at the first that is not ASCII.
      let at = start + 1
      let index = 0
      for (; index < length; index++) {
        const code = text.charCodeAt(index)
        if (code > 0x7f) break
        bytes[at++] = code
      }
      if (index === length) {
        bytes[start] = length * 2
        this.at = at
        return
      }
    }
    // The prefix is as long as that of pure ASCII, nearly always; else what was written moves.
    const room = prefixSize(length)
    const written = bytes.write(text, start + room)
    const needed = prefixSize(written)
    if (needed !== room) bytes.copyWithin(start + needed, start + room, start + room + written)
    this.long(written)
    this.at += written
  }
}

const EXACT = 2 ** 52
const EXACT_BIGINT = 2n ** 52n
/** Shorter strings are copied letter by letter; their length fits one byte. */
const SHORT = 32

function prefixSize(length: number): number {
  if (length < 1 << 6) return 1
  if (length < 1 << 13) return 2
  if (length < 1 << 20) return 3
  return length < 1 << 27 ? 4 : 5
}

/** Appends one value in Avro's binary encoding. */
export type EncodeAvro = (value: unknown, out: AvroBuffer) => void

/**
 * Compiles a schema into what encodes its values: `null`, booleans, numbers, bigints, strings, bytes,
 * arrays, and objects by field name for records and maps. A union of null and one other type takes the bare
 * value; with more than one other, a `Branch`. Absent means null. Throws a bare `Error` for a value
 * that is not of its type: a converter's answer never is.
 */
export function compileAvro(schema: AvroSchema): EncodeAvro {
  if (Array.isArray(schema)) return compileUnion(schema)
  const type =
    typeof schema === 'string' ? schema : (schema as Exclude<typeof schema, AvroUnion>).type
  switch (type) {
    case 'null':
      return () => {}
    case 'boolean':
      return (value, out) => {
        out.reserve(1)
        out.bytes[out.at++] = checked(value, 'boolean') ? 1 : 0
      }
    case 'int':
    case 'long':
      return (value, out) => {
        if (typeof value !== 'number' && typeof value !== 'bigint') wrong(value, type)
        out.long(value as number | bigint)
      }
    case 'float':
      return (value, out) => {
        out.reserve(4)
        out.view.setFloat32(out.at, checked(value, 'number'), true)
        out.at += 4
      }
    case 'double':
      return (value, out) => {
        out.reserve(8)
        out.view.setFloat64(out.at, checked(value, 'number'), true)
        out.at += 8
      }
    case 'string':
      return (value, out) => out.string(checked(value, 'string'))
    case 'bytes':
      return (value, out) => {
        if (!(value instanceof Uint8Array)) wrong(value, type)
        out.long((value as Uint8Array).length)
        out.append(value as Uint8Array)
      }
    case 'array': {
      const item = compileAvro((schema as { items: AvroSchema }).items)
      return (value, out) => {
        if (!Array.isArray(value)) wrong(value, type)
        const items = value as unknown[]
        if (items.length > 0) {
          out.long(items.length)
          for (const one of items) item(one, out)
        }
        out.long(0)
      }
    }
    case 'map': {
      const item = compileAvro((schema as { values: AvroSchema }).values)
      return (value, out) => {
        const entries = Object.entries(checked(value, 'object'))
        if (entries.length > 0) {
          out.long(entries.length)
          for (const [key, one] of entries) {
            out.string(key)
            item(one, out)
          }
        }
        out.long(0)
      }
    }
    case 'record': {
      const { fields } = schema as { fields: readonly { name: string; type: AvroSchema }[] }
      const names = fields.map((field) => field.name)
      const encoders = fields.map((field) => compileAvro(field.type))
      return (value, out) => {
        const record = checked(value, 'object')
        for (let index = 0; index < names.length; index++) {
          encoders[index]?.(record[names[index] as string], out)
        }
      }
    }
    default:
      throw new Error(`Avro type ${JSON.stringify(type)} is not one that is written`)
  }
}

function compileUnion(types: readonly AvroSchema[]): EncodeAvro {
  const null_index = types.indexOf('null')
  const others = types.map((type, index) => ({ index, encode: compileAvro(type) }))
  const branches = others.filter(({ index }) => index !== null_index)
  const only = branches[0]
  const single = branches.length === 1
  return (value, out) => {
    if (value === null || value === undefined) {
      if (null_index < 0) throw new Error('null stands where the Avro union has none')
      out.long(null_index)
      return
    }
    const branch = single ? only : branches[(value as Branch).branch]
    if (branch === undefined) throw new Error('the Avro union has no such branch')
    out.long(branch.index)
    branch.encode(single ? value : (value as Branch).value, out)
  }
}

interface Kinds {
  readonly boolean: boolean
  readonly number: number
  readonly string: string
  readonly object: Readonly<Record<string, unknown>>
}

function checked<Kind extends keyof Kinds>(value: unknown, kind: Kind): Kinds[Kind] {
  if (typeof value !== kind || value === null) wrong(value, kind)
  return value as Kinds[Kind]
}

function wrong(value: unknown, type: string): never {
  throw new Error(`a value of type ${typeof value} stands where the Avro schema has ${type}`)
}
