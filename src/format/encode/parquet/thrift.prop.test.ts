import fc from 'fast-check'
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js'
import { expect, it } from 'vitest'
import {
  binary,
  bool,
  i16,
  i32,
  i64,
  list,
  struct,
  type ThriftValue,
  thriftBytes,
} from './thrift.ts'

// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

/** A value with what another reader, hyparquet, makes of it. */
interface Made {
  readonly value: ThriftValue
  readonly seen: unknown
}

const whole = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const numbers = fc.oneof(
  whole(16).map((n) => ({ value: i16(n), seen: n })),
  whole(32).map((n) => ({ value: i32(n), seen: n })),
  whole(53).map((n) => ({ value: i64(n), seen: BigInt(n) })),
)
const binaries = fc
  .uint8Array({ maxLength: 300 })
  .map((bytes) => ({ value: binary(bytes), seen: [...bytes] }))
const booleans = fc.boolean().map((value) => ({ value: bool(value), seen: value }))

const { made } = fc.letrec<{ made: Made; structs: Made }>((tie) => ({
  made: fc.oneof(
    { maxDepth: 4 },
    numbers,
    binaries,
    booleans,
    tie('structs'),
    // Of one type; more than 14 have their length apart.
    fc.array(whole(32), { maxLength: 40 }).map((all) => ({ value: list(all.map(i32)), seen: all })),
    fc.array(tie('structs'), { maxLength: 5 }).map((all) => ({
      value: list(all.map(({ value }) => value)),
      seen: all.map(({ seen }) => seen),
    })),
  ),
  structs: fields(tie('made')).map((all) => ({
    value: struct(mapped(all, ({ value }) => value)),
    seen: namesOf(all),
  })),
}))

function fields(of: fc.Arbitrary<Made>): fc.Arbitrary<Record<string, Made>> {
  return fc.dictionary(fc.integer({ min: 1, max: 15 }).map(String), of, { maxKeys: 6 })
}

const mapped = <T>(all: Record<string, Made>, of: (one: Made) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(all).map(([id, one]) => [id, of(one)]))

/** As hyparquet calls fields. */
const namesOf = (all: Record<string, Made>) =>
  Object.fromEntries(Object.entries(all).map(([id, { seen }]) => [`field_${id}`, seen]))

/** Byte arrays as lists of numbers. */
const plainly = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plainly)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainly(one)]))
}

it('structs are read by another reader as they were made', () => {
  fc.assert(
    fc.property(fields(made), (all) => {
      const bytes = thriftBytes(mapped(all, ({ value }) => value))
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 }
      expect(plainly(deserializeTCompactProtocol(reader))).toEqual(namesOf(all))
      expect(reader.offset).toBe(bytes.length)
    }),
  )
})

it('fields that are undefined are left out', () => {
  const bytes = thriftBytes({ 1: i32(7), 2: undefined, 15: bool(true) })
  // Field 1 of type i32, zigzag 7; field 15, 14 further on, true; the end.
  expect([...bytes]).toEqual([0x15, 14, 0xe1, 0])
})
