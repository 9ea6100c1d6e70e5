import { expect, it } from 'vitest'
import { binary, bool, i32, i64, list, struct, thriftBytes } from './encode/parquet/thrift.ts'
import { thriftFault } from './thrift-walk.ts'

const sound = thriftBytes({
  1: i32(-5),
  2: binary('text'),
  3: bool(true),
  4: list([i64(1), i64(2 ** 51)]),
  5: list(Array.from({ length: 20 }, (_, at) => struct({ 1: i32(at), 15: bool(false) }))),
  6: struct({}),
})

it('finds nothing wrong with a struct, whatever follows it', () => {
  expect(thriftFault(sound)).toBe(undefined)
  expect(thriftFault(Buffer.concat([sound, Buffer.from('PAR1')]))).toBe(undefined)
})

it('finds every struct that is cut off', () => {
  for (let end = 0; end < sound.length; end++)
    expect(thriftFault(sound.subarray(0, end)), `${end}`).toMatch(/^(it ends|a \w+ claims)/)
})

const nested = (depth: number) =>
  Buffer.from([...Array(depth).fill(0x1c), ...Array(depth + 1).fill(0)])

it.each([
  [
    'a list of 2^32 structs',
    [0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f],
    /a list claims 4294967295/,
  ],
  ['a text of 2^62 bytes', [0x18, ...Array(8).fill(0xff), 0x3f], /a text claims/],
  ['a map of more than there is', [0x1b, 0x7f, 0x88], /a list claims 254 bytes, where 0 are left/],
  ['a number that does not end', [0x15, ...Array(11).fill(0xff)], /more than ten bytes/],
  ['a type that there is none of', [0x1d, 0], /no type 13/],
  ['structs without end', [...nested(65)], /nested more than 64 deep/],
])('refuses %s', (_, bytes, fault) => {
  expect(thriftFault(Buffer.from(bytes))).toMatch(fault)
})

it('takes structs as deep as any format has them', () => {
  expect(thriftFault(nested(60))).toBe(undefined)
})
