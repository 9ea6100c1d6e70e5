import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { describe, expect, it } from 'vitest'
import { literal, openDuckdb } from '../../duckdb/duckdb.ts'
import { readThrift, type ThriftStruct, type ThriftValue, writeThrift } from './parquet-thrift.ts'

// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

/** As another reader, hyparquet, sees the bytes, and where it stops. */
function readElsewhere(bytes: Uint8Array) {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
  return { value: deserializeTCompactProtocol(reader), end: reader.offset }
}

/** ULEB128 of the zigzag number, as the specification has it. */
function zigzag(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value < 0n ? -2n * value - 1n : 2n * value
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  return Uint8Array.from([...bytes, Number(rest)])
}

/** A value with what hyparquet makes of it; `of` is its type's number in the protocol. */
interface Made {
  readonly of: number
  readonly value: ThriftValue
  readonly seen: unknown
}
const scalar = (of: number, bytes: Uint8Array, seen: unknown): Made => ({
  of,
  value: { type: 'scalar', of, bytes },
  seen,
})

const byte = fc.integer({ min: -128, max: 127 }).map((n) => scalar(3, Uint8Array.of(n & 0xff), n))
const i16 = fc
  .integer({ min: -(2 ** 15), max: 2 ** 15 - 1 })
  .map((n) => scalar(4, zigzag(BigInt(n)), n))
const i32 = fc.integer().map((n) => scalar(5, zigzag(BigInt(n)), n))
const i64 = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((n) => scalar(6, zigzag(n), n))
const double = fc.double().map((n) => scalar(7, new Uint8Array(new Float64Array([n]).buffer), n))
const binary = fc.uint8Array({ maxLength: 300 }).map((bytes) => scalar(8, bytes, bytes))
/** In a list each is a byte, 1 or 2. */
const listedBool = fc.boolean().map((flag): Made => scalar(1, Uint8Array.of(flag ? 1 : 2), flag))
const fieldBool = fc
  .boolean()
  .map((value): Made => ({ of: value ? 1 : 2, value: { type: 'bool', value }, seen: value }))

const listOf = (item: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc.array(item, { minLength: 1, maxLength: 40 }).map((items) => ({
    of: 9,
    value: { type: 'list', of: items[0]?.of ?? 0, items: items.map(({ value }) => value) },
    seen: items.map(({ seen }) => seen),
  }))

const structOf = (field: fc.Arbitrary<Made>): fc.Arbitrary<Made> =>
  fc
    .uniqueArray(fc.tuple(fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 }), field), {
      selector: ([id]) => id,
      maxLength: 8,
    })
    // Close to each other as in real footers, too: only small steps have the short form.
    .chain((far) =>
      fc.boolean().map((near) => (near ? far.map(([, made], at) => [at + 1, made] as const) : far)),
    )
    .map((fields) => ({
      of: 12,
      value: { type: 'struct', fields: new Map(fields.map(([id, { value }]) => [id, value])) },
      seen: Object.fromEntries(fields.map(([id, { seen }]) => [`field_${id}`, seen])),
    }))

const { made } = fc.letrec<{ made: Made; field: Made }>((tie) => ({
  field: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fieldBool, byte, i16, i32, i64, double, binary),
    fc.oneof(...[listedBool, byte, i16, i32, i64, double, binary, tie('made')].map(listOf)),
    tie('made'),
  ),
  made: structOf(tie('field')),
}))

const fieldsOf = ({ value }: Made): ThriftStruct => {
  if (value.type !== 'struct') throw new Error('no struct')
  return value.fields
}

describe('the compact protocol', () => {
  it('is written as another reader reads it, to the last byte', () => {
    fc.assert(
      fc.property(made, (root) => {
        const bytes = writeThrift(fieldsOf(root))
        expect(readElsewhere(bytes)).toEqual({ value: root.seen, end: bytes.length })
      }),
    )
  })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(made, (root) => {
        const bytes = new Uint8Array(writeThrift(fieldsOf(root)))
        const read = readThrift(bytes)
        expect(read).toEqual(fieldsOf(root))
        expect(new Uint8Array(writeThrift(read))).toEqual(bytes)
      }),
    )
  })

  it('does not take a struct that was cut off for a whole one', () => {
    fc.assert(
      fc.property(made, fc.nat(), (root, at) => {
        const bytes = writeThrift(fieldsOf(root))
        const cut = bytes.subarray(0, at % bytes.length)
        expect(() => readThrift(cut)).toThrow('ends too early')
      }),
    )
  })

  it.each([
    // "Unsigned integers: 50399 is 11011111 10001001 00000011"; here as a length.
    ['a length of several bytes', [0x18, 0xdf, 0x89, 0x03], 50_399],
    ['a length of one byte', [0x18, 0x7f], 127],
  ])('has %s as the specification has it', (_, head, length) => {
    const bytes = writeThrift(
      new Map([[1, { type: 'scalar', of: 8, bytes: new Uint8Array(length) }]]),
    )
    expect([...bytes.subarray(0, head.length)]).toEqual(head)
    expect(bytes).toHaveLength(head.length + length + 1)
  })

  const yes: ThriftValue = { type: 'bool', value: true }
  const no: ThriftValue = { type: 'bool', value: false }
  const bytes = (length: number): ThriftValue => ({
    type: 'list',
    of: 3,
    items: Array.from({ length }, () => ({ type: 'scalar', of: 3, bytes: Uint8Array.of(7) })),
  })
  it.each<[string, [number, ThriftValue][], number[]]>([
    ['nothing but its end', [], [0x00]],
    // Booleans are in the field's header: 1 for true, 2 for false.
    [
      'a boolean in its header',
      [
        [1, yes],
        [2, no],
      ],
      [0x11, 0x12, 0x00],
    ],
    // Short form `dddd tttt` for steps of 1 to 15, long form with the zigzag id for all others.
    ['a step of 15 in the short form', [[15, yes]], [0xf1, 0x00]],
    ['a step of 16 in the long form', [[16, yes]], [0x01, 0x20, 0x00]],
    ['a negative id in the long form', [[-1, yes]], [0x01, 0x01, 0x00]],
    // List headers: `sssstttt` up to 14 items, `1111tttt` and the size from 15 on.
    ['a list of 14 in the short form', [[1, bytes(14)]], [0x19, 0xe3, ...Array(14).fill(7), 0x00]],
    [
      'a list of 15 in the long form',
      [[1, bytes(15)]],
      [0x19, 0xf3, 15, ...Array(15).fill(7), 0x00],
    ],
  ])('has %s', (_, fields, expected) => {
    expect([...writeThrift(new Map(fields))]).toEqual(expected)
    expect(readThrift(Uint8Array.from(expected))).toEqual(new Map(fields))
  })

  it('refuses a type that no footer has', () => {
    // A map.
    expect(() => readThrift(Uint8Array.of(0x1b, 0x00, 0x00))).toThrow('type 11')
  })
})

it('a footer that DuckDB wrote is the same after it was read and written', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'bucketline-thrift-test-'))
  try {
    await using duckdb = await openDuckdb({ memory_limit: '256MB', spill_dir: join(dir, 'spill') })
    const path = join(dir, 'x.parquet')
    const columns = Array.from({ length: 20 }, (_, at) => `i + ${at} AS "column ${at}"`)
    await duckdb.run(
      `COPY (SELECT ${columns.join(', ')}, [{'a': i::VARCHAR, 'at': now()}] AS nested FROM range(5000) t(i))
       TO ${literal(path)} (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    )
    const file = await readFile(path)
    const length = file.readUInt32LE(file.length - 8)
    const footer = file.subarray(file.length - 8 - length, file.length - 8)
    const read = readThrift(footer)
    // `FileMetaData` of parquet.thrift: 2 is the schema, 3 the number of rows.
    expect(read.get(3)).toEqual({ type: 'scalar', of: 6, bytes: Buffer.from(zigzag(5000n)) })
    expect(read.get(2)).toMatchObject({ type: 'list', items: { length: 26 } })
    expect(Buffer.from(writeThrift(read)).equals(footer)).toBe(true)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
